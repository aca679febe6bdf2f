//! The C ABI of sources.

use std::ffi::{c_char, c_int, c_void};
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::SystemTime;

use super::{
    LEN_MAX, cors_diagnostic_fn, cors_policy, cors_status, handle_of,
    not_loaded, path_of, tell,
};
use crate::{Fault, Refresh, Source, SourceInfo};

/// A policy file, and the policy that was last read from it. Any number of
/// threads may use it. cors_source_open makes it, and cors_source_close frees
/// it.
pub struct cors_source(Source);

/// Asked now and then while a policy is loaded, on the calling thread: 0 gives
/// up the load, so that a server that stops does not have to wait. context is
/// the argument of the call. The function must return.
pub type cors_go_on_fn =
    Option<unsafe extern "C" fn(context: *mut c_void) -> c_int>;

/// Room, in bytes, for cors_source_state.change and a NUL.
pub const CORS_CHANGE_MAX: usize = 512;

/// The state of a source. Start from CORS_SOURCE_STATE_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_source_state {
    /// sizeof(cors_source_state) when the caller was compiled.
    pub size: usize,
    /// How many policies the source has had, from 1.
    pub version: u64,
    /// When its policy was loaded, in nanoseconds since 1970 (UTC).
    pub loaded: i64,
    /// When the file was last rejected or could not be read, in the same unit;
    /// 0 if never.
    pub failed: i64,
    /// CORS_OK, or the status that failed then, if that is still so.
    pub status: i32,
    /// Always 0.
    pub reserved: u32,
    /// How many origin patterns the policy has.
    pub pattern_count: u64,
    /// SHA-256 of the file that the policy was loaded from.
    pub sha256: [u8; 32],
    /// What the last change newly allows and no longer allows: one line of
    /// ASCII for a log, which ends in a NUL; empty for the first policy.
    pub change: [c_char; CORS_CHANGE_MAX],
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(SOURCE_STATE_SIZE == 592);

/// Opens a source: loads the policy from the regular file at path, as
/// cors_policy_load_file does, and with the same statuses. On CORS_OK, *source
/// is the new source, to free with cors_source_close; otherwise NULL. A
/// relative path counts from the working directory of now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_source_open(
    path: *const c_char,
    report: cors_diagnostic_fn,
    context: *mut c_void,
    source: *mut *mut cors_source,
) -> cors_status {
    if source.is_null() {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    // SAFETY: the caller promises that `source` is writable.
    unsafe { source.write(ptr::null_mut()) };
    let open = || {
        // SAFETY: the caller promises NULL or a NUL-terminated string.
        let opened = Source::open(unsafe { path_of(path) }?);
        Some(opened.map(|opened| {
            let policy = opened.policy();
            (opened, policy)
        }))
    };
    let Ok(opened) = catch_unwind(AssertUnwindSafe(open)) else {
        return cors_status::CORS_ERROR_INTERNAL;
    };
    let Some(opened) = opened else {
        return cors_status::CORS_ERROR_ARGUMENT;
    };
    // SAFETY: the caller's promises for `report` and `context`.
    unsafe {
        match opened {
            Ok((opened, policy)) => {
                tell(report, context, policy.warnings());
                source.write(Box::into_raw(Box::new(cors_source(opened))));
                cors_status::CORS_OK
            }
            Err(error) => not_loaded(report, context, &error),
        }
    }
}

/// Looks at the file, and loads it if it changed. If it is the same file
/// (device, inode, size and times), that costs one system call. Call it now
/// and then; no other function looks at the file.
///
/// On CORS_OK, the policy is that of the file, which report receives the
/// warnings about if it is new: cors_source_state.version tells. Otherwise the
/// policy is as before. CORS_ERROR_POLICY and CORS_ERROR_IO (with errno) mean
/// what they mean for cors_policy_load_file; the same file does not fail again
/// until it changes, and cors_source_state.status keeps the status until then.
///
/// go_on and report may be NULL; both receive context. If go_on returns 0, the
/// load is given up: CORS_OK, and nothing has changed. One thread at a time
/// refreshes; if one does, the others return CORS_OK at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_source_refresh(
    source: *const cors_source,
    go_on: cors_go_on_fn,
    report: cors_diagnostic_fn,
    context: *mut c_void,
) -> cors_status {
    // SAFETY: the caller promises NULL or a source.
    let Some(source) = (unsafe { source.as_ref() }) else {
        return cors_status::CORS_ERROR_ARGUMENT;
    };
    let ask = || match go_on {
        // SAFETY: the caller promises that it accepts `context`.
        Some(go_on) => unsafe { go_on(context) != 0 },
        None => true,
    };
    let refresh = || source.0.refresh_while(&ask);
    let Ok(refreshed) = catch_unwind(AssertUnwindSafe(refresh)) else {
        return cors_status::CORS_ERROR_INTERNAL;
    };
    // SAFETY: the caller's promises for `report` and `context`.
    unsafe {
        match refreshed {
            Ok(Refresh::Unchanged) => cors_status::CORS_OK,
            Ok(Refresh::Replaced) => {
                tell(report, context, source.0.policy().warnings());
                cors_status::CORS_OK
            }
            Err(error) => not_loaded(report, context, &error),
        }
    }
}

/// The policy as it is now, with one owner more: free it with
/// cors_policy_free. A request keeps the one that it began with. NULL for
/// NULL. It takes no lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_source_policy(
    source: *const cors_source,
) -> *mut cors_policy {
    // SAFETY: the caller promises NULL or a source.
    let Some(source) = (unsafe { source.as_ref() }) else {
        return ptr::null_mut();
    };
    let policy = catch_unwind(AssertUnwindSafe(|| source.0.policy()));
    policy.map_or(ptr::null_mut(), handle_of)
}

/// Writes the state of a source: every member but size; members that the
/// library does not know become 0. CORS_ERROR_ARGUMENT means a NULL pointer or
/// a size smaller than the first version's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_source_info(
    source: *const cors_source,
    info: *mut cors_source_state,
) -> cors_status {
    // SAFETY: the caller promises NULL or a source, and NULL or a struct that
    // begins with its size.
    let (source, size) = unsafe {
        match (source.as_ref(), info.as_ref()) {
            (Some(source), Some(info)) => (source, info.size),
            _ => return cors_status::CORS_ERROR_ARGUMENT,
        }
    };
    if !(SOURCE_STATE_SIZE..=LEN_MAX).contains(&size) {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    let Ok(mut state) =
        catch_unwind(AssertUnwindSafe(|| state_of(&source.0.info())))
    else {
        return cors_status::CORS_ERROR_INTERNAL;
    };
    state.size = size;
    // SAFETY: the caller promises `size` writable bytes.
    unsafe {
        info.write(state);
        let end = info.cast::<u8>().add(SOURCE_STATE_SIZE);
        end.write_bytes(0, size - SOURCE_STATE_SIZE);
    }
    cors_status::CORS_OK
}

/// Frees a source, but not the policies that were taken from it. NULL is
/// ignored. No other function may be using the source.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_source_close(source: *mut cors_source) {
    if !source.is_null() {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: cors_source_open made it with Box::into_raw, and the
            // caller gives it up.
            drop(unsafe { Box::from_raw(source) });
        }));
    }
}

const SOURCE_STATE_SIZE: usize = size_of::<cors_source_state>();

fn state_of(info: &SourceInfo) -> cors_source_state {
    let nanos = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(0))
    };
    let mut change = [0; CORS_CHANGE_MAX];
    // The last one stays 0.
    let places = change.iter_mut().take(CORS_CHANGE_MAX - 1);
    for (place, byte) in places.zip(info.change.bytes()) {
        *place = byte as c_char;
    }
    cors_source_state {
        size: SOURCE_STATE_SIZE,
        version: info.version,
        loaded: nanos(info.loaded),
        failed: info.failed.map_or(0, nanos),
        status: match info.fault {
            None => cors_status::CORS_OK,
            Some(Fault::Rejected) => cors_status::CORS_ERROR_POLICY,
            Some(Fault::Unreadable) => cors_status::CORS_ERROR_IO,
        } as i32,
        reserved: 0,
        pattern_count: info.patterns as u64,
        sha256: info.sha256,
        change,
    }
}
