//! The C ABI: `include/cors.h` is generated from this file, and from
//! `decision.rs` for verdicts and reasons.
//!
//! Nothing is decided here. Each function checks its pointers, calls the
//! engine behind a barrier that no panic crosses, and copies the result out.
//! Only this module, and the part of it about sources, have unsafe code.

#![allow(unsafe_code)]
// What is public here is public to C.
#![allow(unreachable_pub)]
// C's names.
#![allow(non_camel_case_types)]
// The doc comments are the header's text, which says what a C caller has to
// promise, but not under Rust's heading for it.
#![allow(clippy::missing_safety_doc)]

mod source;

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::{MaybeUninit, offset_of, replace, size_of};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::{ptr, slice};

use crate::decision::{Outcome, Response, block, denial};
use crate::origin::public_suffix;
use crate::request::Received;
use crate::{
    Diagnostic, Header, LoadError, Policy, Reason, Request, Severity, Verdict,
    vary_missing,
};

/// Room for headers in a decision; seven at most are used.
pub const CORS_HEADERS_MAX: usize = 8;

/// Longest policy file, in bytes (256 MiB).
pub const CORS_POLICY_MAX: usize = 268435456;

/// Deepest nesting of arrays and objects in a policy file.
pub const CORS_POLICY_DEPTH_MAX: usize = 8;

/// Most rules of a policy file.
pub const CORS_RULES_MAX: usize = 1024;

/// Longest origin, in bytes; a longer one is malformed: a scheme of 64, "://",
/// a host of 253 (RFC 1035, section 2.3.4), ":" and a port of 5.
pub const CORS_ORIGIN_MAX: usize = 326;

/// Longest method name, in bytes; a longer one is malformed.
pub const CORS_METHOD_MAX: usize = 64;

/// Longest header name, in bytes; a longer one is malformed.
pub const CORS_HEADER_NAME_MAX: usize = 256;

/// Longest Access-Control-Request-Headers, in bytes, with repeated fields
/// joined; a longer one is malformed.
pub const CORS_REQUEST_HEADERS_MAX: usize = 4096;

/// Maximum number of diagnostic calls per load; the last one may have the code
/// "more" and say how many diagnostics were omitted.
pub const CORS_DIAGNOSTICS_MAX: usize = 100;

/// Room, in bytes, for the value of a decision's Vary and a NUL.
pub const CORS_VARY_MAX: usize = 128;

const _: () = assert!(CORS_HEADERS_MAX == crate::decision::HEADERS_MAX);
const _: () = assert!(CORS_POLICY_MAX == crate::POLICY_MAX);
const _: () = assert!(CORS_POLICY_DEPTH_MAX == crate::POLICY_DEPTH_MAX);
const _: () = assert!(CORS_RULES_MAX == crate::RULES_MAX);
const _: () = assert!(CORS_ORIGIN_MAX == crate::ORIGIN_MAX);
const _: () = assert!(CORS_METHOD_MAX == crate::METHOD_MAX);
const _: () = assert!(CORS_HEADER_NAME_MAX == crate::HEADER_NAME_MAX);
const _: () = assert!(CORS_REQUEST_HEADERS_MAX == crate::REQUEST_HEADERS_MAX);
const _: () = assert!(CORS_DIAGNOSTICS_MAX == crate::DIAGNOSTICS_MAX);

/// cbindgen:rename-all=None
/// The result of a call. A refusal is a verdict of a decision, with CORS_OK,
/// never an error. Later versions may add some; anything but CORS_OK is a
/// failure.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum cors_status {
    /// Done. The only status that is 0.
    CORS_OK = 0,
    /// A NULL pointer, or an impossible size or length: a bug in the caller.
    CORS_ERROR_ARGUMENT = 1,
    /// The policy was rejected; the diagnostic function was told why.
    CORS_ERROR_POLICY = 2,
    /// The policy file could not be read; errno says why.
    CORS_ERROR_IO = 3,
    /// A bug in the library. The decision permits nothing.
    CORS_ERROR_INTERNAL = 4,
}

/// Values of cors_diagnostic.severity.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum cors_severity {
    /// The policy is rejected.
    Error = 0,
    /// The policy loads.
    Warning = 1,
}

/// A loaded policy. It never changes, so any number of threads may use it at
/// the same time. cors_policy_load and cors_policy_load_file make it, and
/// cors_policy_free frees it.
pub struct cors_policy([u8; 0]);

/// A string with a length. It need not end in a NUL. If ptr is NULL, the
/// string is absent, whatever len is. An empty string, with a non-NULL ptr and
/// len 0, is not the same.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_str {
    /// The first byte, or NULL.
    pub ptr: *const c_char,
    /// Number of bytes, at most PTRDIFF_MAX.
    pub len: usize,
}

/// An error or warning about a policy. Each text is one printable line. The
/// struct and its texts are only valid until the diagnostic function returns.
#[repr(C)]
pub struct cors_diagnostic {
    /// sizeof(cors_diagnostic) in the running library. A member that a later
    /// version added is only there if it ends within that size.
    pub size: usize,
    /// A cors_severity.
    pub severity: i32,
    /// The line in the file, from 1; 0 if there is none.
    pub line: u32,
    /// The character (not byte) in the line, from 1; 0 if line is 0.
    pub column: u32,
    /// The kind, which no release changes, such as "origin-trailing-slash".
    pub code: cors_str,
    /// The location as a JSON pointer (RFC 6901), such as "/allow_origins/2";
    /// empty if there is none.
    pub pointer: cors_str,
    /// What is wrong. Any version may change the wording.
    pub message: cors_str,
    /// What to use instead; absent if the library does not know.
    pub help: cors_str,
}

/// Receives each error and warning while a policy is loaded, on the calling
/// thread, in the order of the file, at most CORS_DIAGNOSTICS_MAX times.
/// context is the argument of the load, and diagnostic is never NULL. The
/// function must return: it must not throw a C++ exception or call longjmp. It
/// may call the functions below.
pub type cors_diagnostic_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        diagnostic: *const cors_diagnostic,
    ),
>;

/// What a decision depends on. Start from CORS_REQUEST_INIT. An absent string
/// is not an empty one; an absent or empty method is not OPTIONS.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_request {
    /// sizeof(cors_request) when the caller was compiled.
    pub size: usize,
    /// The request's method, in its own case (RFC 9110, section 9.1).
    pub method: cors_str,
    /// Origin. Repeated fields are joined with commas, which is malformed.
    pub origin: cors_str,
    /// Access-Control-Request-Method.
    pub request_method: cors_str,
    /// Access-Control-Request-Headers, repeated fields joined with commas.
    pub request_headers: cors_str,
    /// Host, or the pseudo-header :authority (RFC 9113, section 8.3.1), as the
    /// client sent it; never X-Forwarded-Host. Since 0.2, like the members
    /// below.
    pub host: cors_str,
    /// Sec-Fetch-Site, repeated fields joined with commas.
    pub fetch_site: cors_str,
    /// Upgrade, repeated fields joined with commas; "websocket" for an
    /// extended CONNECT with that :protocol (RFC 8441, RFC 9220).
    pub upgrade: cors_str,
    /// "https" or "http", the scheme that the client used, if the server or a
    /// proxy that it trusts knows it; otherwise absent.
    pub scheme: cors_str,
}

/// A response header.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_header {
    /// In lower case. Valid while the library is loaded.
    pub name: cors_str,
    /// Visible ASCII, spaces and tabs. It belongs to the policy, or is part of
    /// one of the request's strings.
    pub value: cors_str,
}

/// A decision. Start from CORS_DECISION_INIT; the library writes every member
/// but size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_decision {
    /// sizeof(cors_decision) when the caller was compiled.
    pub size: usize,
    /// A cors_verdict, or a later version's.
    pub verdict: i32,
    /// A cors_reason, or a later version's.
    pub reason: i32,
    /// 0, the policy's preflight_status (200 or 204), or 403. If it is not 0,
    /// respond now, with this HTTP status, and without a body or, if the
    /// verdict is blocked, with CORS_BLOCKED_BODY.
    pub status: u32,
    /// The number of headers that are set.
    pub header_count: u32,
    /// The headers to add; the library does not write the others. A name can
    /// appear twice.
    pub headers: [cors_header; CORS_HEADERS_MAX],
    /// The method or header name that was not allowed, if any: part of one of
    /// the request's strings.
    pub culprit: cors_str,
    /// The policy's pattern that the origin matched, if any.
    pub pattern: cors_str,
}

// What callers were compiled with. bindings/c/header.c asserts the same in C.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<cors_str>() == 16);
    assert!(size_of::<cors_header>() == 32);
    assert!(REQUEST_SIZE == 136);
    assert!(size_of::<cors_decision>() == 312);
    assert!(size_of::<cors_diagnostic>() == 88);
    assert!(REQUEST_SIZE_0_1 == 72);
    assert!(DECISION_SIZE_0_1 == 312);
};

const REQUEST_SIZE: usize = size_of::<cors_request>();

const STR_SIZE: usize = size_of::<cors_str>();

/// The size of a cors_request in 0.1, the smallest that is accepted: programs
/// that were compiled then run with every later version.
const REQUEST_SIZE_0_1: usize = offset_of!(cors_request, host);
/// Without upgrade, a caller cannot tell what `block` needs to know.
const REQUEST_SIZE_WITH_UPGRADE: usize = offset_of!(cors_request, scheme);

/// The size of a cors_decision in 0.1. Nothing has been added since.
const DECISION_SIZE_0_1: usize = offset_of!(cors_decision, pattern) + STR_SIZE;

// An added member is outside the decisions of older callers: Writer must
// compare its end with the caller's size before it writes it.
const _: () = assert!(size_of::<cors_decision>() == DECISION_SIZE_0_1);

/// Loads a policy from json_len bytes of JSON (RFC 8259, UTF-8; at most
/// CORS_POLICY_MAX bytes), which are not needed afterwards. POLICY.md
/// documents the format. json may be NULL if json_len is 0, but empty input is
/// rejected.
///
/// report may be NULL; it receives context. On CORS_OK, *policy is the new
/// policy, and report has received the warnings; free the policy with
/// cors_policy_free. Otherwise *policy is NULL, and the status is
/// CORS_ERROR_POLICY after report has received every error,
/// CORS_ERROR_ARGUMENT if policy is NULL, or json with a json_len other than
/// 0, or CORS_ERROR_INTERNAL. If there is no memory for the policy, the
/// process aborts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_load(
    json: *const c_char,
    json_len: usize,
    report: cors_diagnostic_fn,
    context: *mut c_void,
    policy: *mut *mut cors_policy,
) -> cors_status {
    let read = || {
        let json = cors_str { ptr: json, len: json_len };
        let json = match json_len {
            0 => &[],
            // SAFETY: the caller promises `json_len` readable bytes.
            1..=LEN_MAX => unsafe { borrow_str(json)? },
            _ => return None,
        };
        Some(Policy::from_json(json))
    };
    // SAFETY: the caller's promises for `report`, `context` and `policy`.
    unsafe { load(read, report, context, policy) }
}

/// Loads a policy from the regular file at path, a NUL-terminated string.
///
/// This is like cors_policy_load, with CORS_ERROR_ARGUMENT if path is NULL,
/// and with one more status: CORS_ERROR_IO if the file cannot be read. Then
/// report is called once, with the code "io", the system's text and line 0,
/// and errno is the system's (EINVAL if path is not a regular file).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_load_file(
    path: *const c_char,
    report: cors_diagnostic_fn,
    context: *mut c_void,
    policy: *mut *mut cors_policy,
) -> cors_status {
    let read = || {
        // SAFETY: the caller promises NULL or a NUL-terminated string.
        let path = unsafe { path_of(path) }?;
        Some(Policy::from_file(path))
    };
    // SAFETY: the caller's promises for `report`, `context` and `policy`.
    unsafe { load(read, report, context, policy) }
}

/// Adds an owner to a policy and returns the policy, or NULL for NULL. Each
/// owner calls cors_policy_free once; the last call frees the policy. The
/// caller must be an owner, or know that one remains until this function has
/// returned. Any number of threads may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_retain(
    policy: *mut cors_policy,
) -> *mut cors_policy {
    if !policy.is_null() {
        // SAFETY: `handle_of` made it with Arc::into_raw, and the caller promises
        // that it still has an owner.
        unsafe { Arc::increment_strong_count(policy.cast::<Policy>()) };
    }
    policy
}

/// Gives up one ownership of a policy, and frees the policy if it was the last
/// one. NULL is ignored. When the last owner calls it, no other function may
/// be using the policy, and no decision made with it may be in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_free(policy: *mut cors_policy) {
    if !policy.is_null() {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: `handle_of` made it with Arc::into_raw; the caller promises
            // that it owns it, and gives that up.
            unsafe { Arc::decrement_strong_count(policy.cast::<Policy>()) };
        }));
    }
}

/// Decides. This function allocates nothing, takes no lock and makes no system
/// call. Its time is linear in the request's bytes, up to the limits above.
///
/// On CORS_OK, the decision contains what to send (Fetch standard, section
/// "CORS protocol"). CORS_ERROR_ARGUMENT means a NULL pointer, a size smaller
/// than the first version's, a larger request whose unknown members are not
/// all zero, or a string longer than PTRDIFF_MAX, if it had to be read; if the
/// policy has block, also a request that is too small for upgrade. Then, and on CORS_ERROR_INTERNAL,
/// the decision permits nothing: its verdict is refused, its status 0, its only
/// header Vary. Or, if the policy has block and the request may be one that it
/// blocks, the verdict is blocked and the status 403. If the decision is too
/// small, it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_evaluate(
    policy: *const cors_policy,
    request: *const cors_request,
    decision: *mut cors_decision,
) -> cors_status {
    if decision.is_null() {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    // SAFETY: every version of the struct begins with its size.
    if unsafe { (*decision).size } < DECISION_SIZE_0_1 {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    // SAFETY: the caller's promises, and `decision` is large enough.
    let fail = |status| unsafe { deny(status, policy, request, decision) };
    // SAFETY: the caller's promise.
    let Some(known) = (unsafe { policy_of(policy) }) else {
        return fail(cors_status::CORS_ERROR_ARGUMENT);
    };
    // SAFETY: every version of the struct begins with its size.
    if request.is_null() || unsafe { (*request).size } != REQUEST_SIZE {
        // SAFETY: the caller's promises.
        return match unsafe { complete(known, request) } {
            // SAFETY: as above, and the copy has this version's size.
            Some(copy) => unsafe { cors_evaluate(policy, &copy, decision) },
            None => fail(cors_status::CORS_ERROR_ARGUMENT),
        };
    }
    // SAFETY: it has all members, and the caller promises readable strings.
    let Some(received) = (unsafe { Strings::of(&*request) }) else {
        return fail(cors_status::CORS_ERROR_ARGUMENT);
    };
    let decided = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `decision` is at least as large as our own type.
        let mut writer = unsafe { Writer::to(decision) };
        let outcome = known.decide(&received, &mut writer)?;
        writer.outcome(outcome);
        Some(())
    }));
    match decided {
        Ok(Some(())) => cors_status::CORS_OK,
        Ok(None) => fail(cors_status::CORS_ERROR_ARGUMENT),
        Err(_) => fail(cors_status::CORS_ERROR_INTERNAL),
    }
}

/// Writes the decision of a call that failed, and returns `status`.
///
/// # Safety
/// The promises of cors_evaluate's caller; `to` is large enough.
#[cold]
#[inline(never)]
unsafe fn deny(
    status: cors_status,
    policy: *const cors_policy,
    request: *const cors_request,
    to: *mut cors_decision,
) -> cors_status {
    // SAFETY: the caller's promises.
    let stops = unsafe { policy_of(policy) }.is_some_and(|policy| {
        // SAFETY: the caller's promises.
        let known = unsafe { copy_of(request) };
        // SAFETY: the caller's promise for the strings.
        let read =
            |str| unsafe { are_possible(&[str]).then(|| borrow_str(str)) };
        let method = known.as_ref().and_then(|known| read(known.method)?);
        let upgrade = known
            .as_ref()
            .filter(|known| known.size >= REQUEST_SIZE_WITH_UPGRADE)
            .and_then(|known| read(known.upgrade));
        policy.block.may_stop(method, upgrade)
    });
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::to(to) };
    let outcome = match stops {
        true => block(Reason::None, None, &mut writer),
        false => denial(&mut writer),
    };
    writer.outcome(outcome);
    status
}

/// Explains the decision to people: writes one line of printable ASCII, with
/// other bytes escaped, into buffer. Any version may change the wording.
///
/// Like snprintf, it returns the length in bytes of the whole text without its
/// NUL, and writes as much of the text as fits in capacity bytes, including a
/// NUL; it writes nothing if capacity is 0 or buffer is NULL. It returns 0 if
/// cors_evaluate would not return CORS_OK. Unlike cors_evaluate, it allocates.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_explain(
    policy: *const cors_policy,
    request: *const cors_request,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    let text = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise.
        let policy = unsafe { policy_of(policy) }?;
        // SAFETY: the caller's promises for `request` and its strings.
        unsafe {
            let request = complete(policy, request)?;
            Some(policy.explain(&Strings::of(&request)?.read()?))
        }
    }))
    .ok()
    .flatten()
    .unwrap_or_default();
    if capacity > 0 && !buffer.is_null() {
        let len = text.len().min(capacity - 1);
        // SAFETY: `len + 1 <= capacity` bytes are writable.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), len);
            buffer.add(len).write(0);
        }
    }
    text.len()
}

/// Finds the names in wanted, the value of a decision's Vary, that a response
/// does not list yet. existing is the value of one of its Vary fields, or
/// absent. If a response has several Vary fields, call this function for each
/// in turn, with the result of one call as wanted of the next (wanted may be
/// in buffer), and add what is left at the end. Names are case-insensitive,
/// and "*" lists every name (RFC 9110, section 12.5.5).
///
/// It writes the missing names, joined by ", ", and a NUL into buffer, and
/// returns their length, which is 0 if nothing is missing. A buffer of
/// CORS_VARY_MAX bytes has room for every decision's. If buffer is NULL or
/// capacity is not above the returned length, it writes nothing. If wanted has
/// CORS_VARY_MAX bytes or more, all of it counts as missing. It allocates
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_vary_missing(
    existing: cors_str,
    wanted: cors_str,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller promises readable strings.
    let (existing, wanted) =
        unsafe { (borrow_str(existing), borrow_str(wanted)) };
    let wanted = wanted.unwrap_or_default();
    // A copy, since the buffer may be where `wanted` is; with a separator of
    // two bytes, it can grow by half.
    let mut missing = [0; 2 * CORS_VARY_MAX];
    let mut len = 0;
    if wanted.len() < CORS_VARY_MAX {
        for name in vary_missing(existing.unwrap_or_default(), wanted) {
            if len > 0 {
                missing[len..len + 2].copy_from_slice(b", ");
                len += 2;
            }
            missing[len..len + name.len()].copy_from_slice(name);
            len += name.len();
        }
    }
    let (from, len) = match wanted.len() < CORS_VARY_MAX {
        true => (missing.as_ptr(), len),
        false => (wanted.as_ptr(), wanted.len()),
    };
    if !buffer.is_null() && len < capacity {
        // SAFETY: `len + 1 <= capacity` bytes are writable. ptr::copy lets
        // the two overlap.
        unsafe {
            ptr::copy(from, buffer.cast(), len);
            buffer.add(len).write(0);
        }
    }
    len
}

/// The version of the running library, "MAJOR.MINOR.PATCH"; never NULL. Like
/// the texts of the functions below, it ends in a NUL, is never freed, and may
/// be read by any thread. CORS_VERSION is the version that the caller was
/// compiled with.
#[unsafe(no_mangle)]
pub extern "C" fn cors_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The date of the built-in public suffix list, "2026-10-22"; never NULL. The
/// list decides whether anyone can register a name that a wildcard matches.
#[unsafe(no_mangle)]
pub extern "C" fn cors_public_suffix_list_date() -> *const c_char {
    public_suffix::DATE.as_ptr()
}

/// A text for a cors_status, such as "policy rejected"; "unknown status" for
/// any other number; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn cors_status_text(status: c_int) -> *const c_char {
    let text = match status {
        0 => c"ok",
        1 => c"bad argument",
        2 => c"policy rejected",
        3 => c"policy file cannot be read",
        4 => c"internal error",
        _ => c"unknown status",
    };
    text.as_ptr()
}

/// The name of a cors_verdict, such as "preflight_allowed"; "unknown" for any
/// other number; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn cors_verdict_text(verdict: c_int) -> *const c_char {
    let known =
        usize::try_from(verdict).ok().and_then(|i| Verdict::ALL.get(i));
    known.map_or(c"unknown", |verdict| verdict.c_name()).as_ptr()
}

/// The name of a cors_reason, such as "origin_not_allowed"; "unknown" for any
/// other number; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn cors_reason_text(reason: c_int) -> *const c_char {
    let known = usize::try_from(reason).ok().and_then(|i| Reason::ALL.get(i));
    known.map_or(c"unknown", |reason| reason.c_name()).as_ptr()
}

/// Runs a load behind the panic barrier, reports, and stores the policy.
/// `read` returns `None` for a wrong argument.
///
/// # Safety
/// `policy` is NULL or writable; `report`, if any, accepts `context`.
unsafe fn load(
    read: impl FnOnce() -> Option<Result<Policy, LoadError>>,
    report: cors_diagnostic_fn,
    context: *mut c_void,
    policy: *mut *mut cors_policy,
) -> cors_status {
    if policy.is_null() {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    // SAFETY: the caller promises that `policy` is writable.
    unsafe { policy.write(ptr::null_mut()) };
    let Ok(loaded) = catch_unwind(AssertUnwindSafe(read)) else {
        return cors_status::CORS_ERROR_INTERNAL;
    };
    let Some(loaded) = loaded else {
        return cors_status::CORS_ERROR_ARGUMENT;
    };
    // SAFETY: the caller's promises.
    unsafe {
        match loaded {
            Ok(loaded) => {
                tell(report, context, loaded.warnings());
                policy.write(handle_of(Arc::new(loaded)));
                cors_status::CORS_OK
            }
            Err(error) => not_loaded(report, context, &error),
        }
    }
}

/// A new owner's pointer.
fn handle_of(policy: Arc<Policy>) -> *mut cors_policy {
    Arc::into_raw(policy).cast_mut().cast()
}

/// `None` for NULL.
///
/// # Safety
/// `policy` is NULL, or from [`handle_of`] and with an owner for `'a`.
#[inline(always)]
unsafe fn policy_of<'a>(policy: *const cors_policy) -> Option<&'a Policy> {
    // SAFETY: the caller's promise.
    unsafe { policy.cast::<Policy>().as_ref() }
}

/// # Safety
/// `report` accepts `context`, and returns.
unsafe fn tell(
    report: cors_diagnostic_fn,
    context: *mut c_void,
    diagnostics: &[Diagnostic],
) {
    let Some(report) = report else { return };
    for diagnostic in diagnostics.iter().map(borrow_diagnostic) {
        // SAFETY: the caller's promise. It runs outside the barrier: as it
        // must return, it unwinds no frame of ours.
        unsafe { report(context, &diagnostic) };
    }
}

/// Tells all errors; the status, with errno, of a policy that was not loaded.
///
/// # Safety
/// `report` accepts `context`, and returns.
unsafe fn not_loaded(
    report: cors_diagnostic_fn,
    context: *mut c_void,
    error: &LoadError,
) -> cors_status {
    // SAFETY: the caller's promise.
    unsafe { tell(report, context, error.diagnostics()) };
    match error.os_error() {
        None => cors_status::CORS_ERROR_POLICY,
        Some(code) => {
            // SAFETY: errno is the calling thread's own.
            unsafe { *libc::__errno_location() = code };
            cors_status::CORS_ERROR_IO
        }
    }
}

/// `None` for NULL.
///
/// # Safety
/// `path` is NULL or a NUL-terminated string for `'a`.
unsafe fn path_of<'a>(path: *const c_char) -> Option<&'a Path> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let path = unsafe { CStr::from_ptr(path) };
    Some(Path::new(OsStr::from_bytes(path.to_bytes())))
}

/// The caller's request as one of this version; `None` if it is NULL, has a
/// wrong size, or wants what this version cannot do.
///
/// # Safety
/// `request` is NULL or valid for its `size`.
#[cold]
unsafe fn complete(
    policy: &Policy,
    request: *const cors_request,
) -> Option<cors_request> {
    // SAFETY: the caller's promise.
    let mut copy = unsafe { copy_of(request) }?;
    let size = replace(&mut copy.size, REQUEST_SIZE);
    if size < REQUEST_SIZE_WITH_UPGRADE && !policy.block.is_empty() {
        return None;
    }
    if let Some(more) = size.checked_sub(REQUEST_SIZE) {
        // SAFETY: the caller promises `size` readable bytes.
        let unknown = unsafe {
            let end = request.cast::<u8>().add(REQUEST_SIZE);
            slice::from_raw_parts(end, more)
        };
        // A later caller must learn that this version cannot do what it asks.
        if unknown.iter().any(|&byte| byte != 0) {
            return None;
        }
    }
    Some(copy)
}

/// The members of the caller's request that both know; the others are absent.
/// `None` if it is NULL, or has a wrong size.
///
/// # Safety
/// `request` is NULL or valid for its `size`.
#[cold]
unsafe fn copy_of(request: *const cors_request) -> Option<cors_request> {
    if request.is_null() {
        return None;
    }
    // SAFETY: every version of the struct begins with its size.
    let size = unsafe { (*request).size };
    if !(REQUEST_SIZE_0_1..=LEN_MAX).contains(&size) {
        return None;
    }
    let mut copy = MaybeUninit::<cors_request>::zeroed();
    // Half a member is none: its length could be any.
    let len = size.min(REQUEST_SIZE);
    let len = len - (len - offset_of!(cors_request, method)) % STR_SIZE;
    // SAFETY: the caller promises `size` readable bytes, and zeros are a
    // request of absent strings.
    unsafe {
        let to = copy.as_mut_ptr().cast();
        ptr::copy_nonoverlapping(request.cast::<u8>(), to, len);
        Some(copy.assume_init())
    }
}

/// A request whose strings are readable for `'a`. Those of the first version
/// have a possible length.
struct Strings<'a>(&'a cors_request);

impl<'a> Strings<'a> {
    /// `None` if a string has a length that no object can have.
    ///
    /// # Safety
    /// The strings are readable for `'a`.
    #[inline(always)]
    unsafe fn of(request: &'a cors_request) -> Option<Self> {
        let first_four = [
            request.method,
            request.origin,
            request.request_method,
            request.request_headers,
        ];
        are_possible(&first_four).then_some(Self(request))
    }
}

impl<'a> Received<'a> for Strings<'a> {
    fn method(&self) -> Option<&'a [u8]> {
        // SAFETY: it is readable, like those below.
        unsafe { borrow_str(self.0.method) }
    }

    fn origin(&self) -> Option<&'a [u8]> {
        // SAFETY: as above.
        unsafe { borrow_str(self.0.origin) }
    }

    fn request_method(&self) -> Option<&'a [u8]> {
        // SAFETY: as above.
        unsafe { borrow_str(self.0.request_method) }
    }

    fn request_headers(&self) -> Option<&'a [u8]> {
        // SAFETY: as above.
        unsafe { borrow_str(self.0.request_headers) }
    }

    fn tells_site(&self) -> bool {
        !self.0.fetch_site.ptr.is_null() || !self.0.host.ptr.is_null()
    }

    fn read(&self) -> Option<Request<'a>> {
        let Self(request) = self;
        let more = [
            request.host,
            request.fetch_site,
            request.upgrade,
            request.scheme,
        ];
        if !are_possible(&more) {
            return None;
        }
        // SAFETY: as above.
        let [host, fetch_site, upgrade, scheme] =
            more.map(|str| unsafe { borrow_str(str) });
        Some(Request {
            method: self.method(),
            origin: self.origin(),
            request_method: self.request_method(),
            request_headers: self.request_headers(),
            host,
            fetch_site,
            upgrade,
            scheme,
        })
    }
}

/// Whether each has a length that an object can have; an absent one may have
/// any.
#[inline(always)]
fn are_possible(strings: &[cors_str]) -> bool {
    // All at once first, as it never happens.
    strings.iter().fold(0, |lens, str| lens | str.len) <= LEN_MAX
        || strings.iter().all(|str| str.ptr.is_null() || str.len <= LEN_MAX)
}

/// The largest object.
const LEN_MAX: usize = isize::MAX as usize;

/// # Safety
/// `str.ptr` is NULL or points to `str.len` bytes, readable for `'a`, and at
/// most [`LEN_MAX`].
unsafe fn borrow_str<'a>(str: cors_str) -> Option<&'a [u8]> {
    // A NULL pointer must not reach from_raw_parts, not even with length 0.
    if str.ptr.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises `len` readable bytes.
    Some(unsafe { slice::from_raw_parts(str.ptr.cast(), str.len) })
}

/// Writes every member but `size`, which is the caller's, and the unused
/// headers. Member by member: the memory may contain anything before.
struct Writer {
    to: *mut cors_decision,
    count: usize,
}

impl Writer {
    /// # Safety
    /// `to` points to writable memory of a `cors_decision`'s size for as long
    /// as the writer is used.
    unsafe fn to(to: *mut cors_decision) -> Self {
        Self { to, count: 0 }
    }

    fn outcome(self, outcome: Outcome<'_>) {
        let Self { to, count } = self;
        let Outcome { verdict, reason, status, culprit, pattern } = outcome;
        // SAFETY: `to` is writable.
        unsafe {
            (&raw mut (*to).header_count).write(count as u32);
            (&raw mut (*to).verdict).write(verdict as i32);
            (&raw mut (*to).reason).write(reason as i32);
            (&raw mut (*to).status).write(status.into());
            (&raw mut (*to).culprit).write(culprit.map_or(ABSENT, str_of));
            (&raw mut (*to).pattern).write(pattern.map_or(ABSENT, str_of));
        }
    }
}

impl Response<'_> for Writer {
    fn add(&mut self, Header { name, value }: Header<'_>) {
        let header = cors_header { name: str_of(name), value: str_of(value) };
        // SAFETY: `to` is writable, and has room for all headers.
        unsafe {
            let places = &raw mut (*self.to).headers;
            places.cast::<cors_header>().add(self.count).write(header);
        }
        self.count += 1;
    }

    fn clear(&mut self) {
        self.count = 0;
    }
}

fn borrow_diagnostic(diagnostic: &Diagnostic) -> cors_diagnostic {
    cors_diagnostic {
        size: size_of::<cors_diagnostic>(),
        severity: match diagnostic.severity {
            Severity::Error => cors_severity::Error,
            Severity::Warning => cors_severity::Warning,
        } as i32,
        line: diagnostic.line,
        column: diagnostic.column,
        code: str_of(diagnostic.code.name()),
        pointer: str_of(&diagnostic.pointer),
        message: str_of(&diagnostic.message),
        help: diagnostic.help.as_ref().map_or(ABSENT, str_of),
    }
}

const ABSENT: cors_str = cors_str { ptr: ptr::null(), len: 0 };

fn str_of(text: &(impl AsRef<[u8]> + ?Sized)) -> cors_str {
    let bytes = text.as_ref();
    cors_str { ptr: bytes.as_ptr().cast(), len: bytes.len() }
}
