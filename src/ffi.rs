//! The C ABI: `include/cors.h` is generated from this file.
//!
//! Nothing is decided here. Each function checks its pointers, calls the
//! engine behind a barrier that no panic crosses, and copies the answer out.
//! This is the one module with unsafe code.

#![allow(unsafe_code)]
// What is public here is public to C.
#![allow(unreachable_pub)]
// C's names, as they stand in the header.
#![allow(non_camel_case_types)]
// The doc comments are the header's text: what a C caller has to promise
// stands there in words, not under Rust's heading for it.
#![allow(clippy::missing_safety_doc)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::{offset_of, size_of};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::{ptr, slice};

use crate::decision::{Outcome, denial};
use crate::origin::public_suffix;
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

/// Longest origin, in bytes; a longer one is malformed: a scheme of 64, "://",
/// a host of 253 (RFC 1035, section 2.3.4), ":" and a port of 5.
pub const CORS_ORIGIN_MAX: usize = 326;

/// Longest method name, in bytes; a longer one is malformed.
pub const CORS_METHOD_MAX: usize = 64;

/// Longest header name, in bytes; a longer one is malformed.
pub const CORS_HEADER_NAME_MAX: usize = 256;

/// Longest Access-Control-Request-Headers, in bytes, all lines joined; a
/// longer one is malformed.
pub const CORS_REQUEST_HEADERS_MAX: usize = 4096;

/// Most often that a diagnostic function is called during one load; the last
/// call may have the code "more" and say how many were left out.
pub const CORS_DIAGNOSTICS_MAX: usize = 100;

/// Room, in bytes, for the value of a decision's Vary and a NUL.
pub const CORS_VARY_MAX: usize = 128;

const _: () = assert!(CORS_HEADERS_MAX == crate::decision::HEADERS_MAX);
const _: () = assert!(CORS_POLICY_MAX == crate::POLICY_MAX);
const _: () = assert!(CORS_POLICY_DEPTH_MAX == crate::POLICY_DEPTH_MAX);
const _: () = assert!(CORS_ORIGIN_MAX == crate::ORIGIN_MAX);
const _: () = assert!(CORS_METHOD_MAX == crate::METHOD_MAX);
const _: () = assert!(CORS_HEADER_NAME_MAX == crate::HEADER_NAME_MAX);
const _: () = assert!(CORS_REQUEST_HEADERS_MAX == crate::REQUEST_HEADERS_MAX);
const _: () = assert!(CORS_DIAGNOSTICS_MAX == crate::DIAGNOSTICS_MAX);

/// What a call came to. A refusal is a verdict inside CORS_OK, never an error.
/// Later versions may append some: anything but CORS_OK is a failure.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum cors_status {
    /// Done. The only status that is 0.
    CORS_OK = 0,
    /// A NULL pointer, or a size or length that cannot be: a fault of the
    /// caller.
    CORS_ERROR_ARGUMENT = 1,
    /// The policy was refused; the diagnostic function was told why.
    CORS_ERROR_POLICY = 2,
    /// The policy file could not be read; errno says why.
    CORS_ERROR_IO = 3,
    /// A fault of the library itself. The decision permits nothing.
    CORS_ERROR_INTERNAL = 4,
}

/// The kinds of decision; values of cors_decision.verdict. Later versions may
/// append some: act on status and headers.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum cors_verdict {
    /// The request has no Origin, and so is no CORS request (Fetch standard,
    /// section "CORS protocol", "HTTP requests").
    CORS_VERDICT_NOT_CORS = 0,
    /// An actual request whose response the origin may read.
    CORS_VERDICT_ALLOWED = 1,
    /// An actual request that gets no permission header. It is not blocked:
    /// the browser keeps the response from the page. Browsers send Origin
    /// with same-origin POST, PUT, DELETE and WebSocket handshakes too, so a
    /// site that does not list its own origin sees its own forms here.
    CORS_VERDICT_REFUSED = 2,
    /// A preflight (OPTIONS with Origin and Access-Control-Request-Method);
    /// answer it with status.
    CORS_VERDICT_PREFLIGHT_ALLOWED = 3,
    /// A preflight; answer it with status: the browser will not send the
    /// request that it asked for.
    CORS_VERDICT_PREFLIGHT_REFUSED = 4,
}

/// Why a decision refuses; values of cors_decision.reason. Later versions may
/// append some.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum cors_reason {
    /// Nothing was refused.
    CORS_REASON_NONE = 0,
    /// No pattern of the policy matches the origin.
    CORS_REASON_ORIGIN_NOT_ALLOWED = 1,
    /// Origin is not one serialized origin (HTML standard, "ASCII
    /// serialization of an origin"), or too long.
    CORS_REASON_ORIGIN_MALFORMED = 2,
    /// The requested method is not allowed; culprit names it.
    CORS_REASON_METHOD_NOT_ALLOWED = 3,
    /// Access-Control-Request-Method is not a token (RFC 9110, section
    /// 5.6.2), or too long.
    CORS_REASON_METHOD_MALFORMED = 4,
    /// A requested header is not allowed; culprit names the first one.
    CORS_REASON_HEADER_NOT_ALLOWED = 5,
    /// Access-Control-Request-Headers is not a list of tokens (RFC 9110,
    /// section 5.6.1), or too long.
    CORS_REASON_HEADERS_MALFORMED = 6,
}

const _: () = {
    use {cors_reason as C, cors_verdict as V};
    assert!(Verdict::NotCors as i32 == V::CORS_VERDICT_NOT_CORS as i32);
    assert!(Verdict::Allowed as i32 == V::CORS_VERDICT_ALLOWED as i32);
    assert!(Verdict::Refused as i32 == V::CORS_VERDICT_REFUSED as i32);
    assert!(
        Verdict::PreflightAllowed as i32
            == V::CORS_VERDICT_PREFLIGHT_ALLOWED as i32
    );
    assert!(
        Verdict::PreflightRefused as i32
            == V::CORS_VERDICT_PREFLIGHT_REFUSED as i32
    );
    assert!(Reason::None as i32 == C::CORS_REASON_NONE as i32);
    assert!(
        Reason::OriginNotAllowed as i32
            == C::CORS_REASON_ORIGIN_NOT_ALLOWED as i32
    );
    assert!(
        Reason::OriginMalformed as i32
            == C::CORS_REASON_ORIGIN_MALFORMED as i32
    );
    assert!(
        Reason::MethodNotAllowed as i32
            == C::CORS_REASON_METHOD_NOT_ALLOWED as i32
    );
    assert!(
        Reason::MethodMalformed as i32
            == C::CORS_REASON_METHOD_MALFORMED as i32
    );
    assert!(
        Reason::HeaderNotAllowed as i32
            == C::CORS_REASON_HEADER_NOT_ALLOWED as i32
    );
    assert!(
        Reason::HeadersMalformed as i32
            == C::CORS_REASON_HEADERS_MALFORMED as i32
    );
};

/// Values of cors_diagnostic.severity.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum cors_severity {
    /// The policy is refused.
    CORS_SEVERITY_ERROR = 0,
    /// The policy loads.
    CORS_SEVERITY_WARNING = 1,
}

/// A loaded policy. It never changes, so any number of threads may use it at
/// the same time. Made by cors_policy_load or cors_policy_load_file, ended by
/// cors_policy_free.
pub struct cors_policy(Policy);

/// A string by address and length. It need not end in a NUL. A NULL ptr means
/// absent, whatever len is; any other ptr with len 0 is an empty string, which
/// is not the same.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_str {
    /// The first byte, or NULL.
    pub ptr: *const c_char,
    /// How many bytes; PTRDIFF_MAX at most.
    pub len: usize,
}

/// One thing that is wrong or doubtful in a policy. The texts are one
/// printable line each and, like the whole struct, gone when the diagnostic
/// function returns.
#[repr(C)]
pub struct cors_diagnostic {
    /// sizeof(cors_diagnostic) of the library that is running. A member that
    /// came with a later version is there only where it lies below that.
    pub size: usize,
    /// A cors_severity.
    pub severity: i32,
    /// The line of the file, from 1; 0 where there is no place in it.
    pub line: u32,
    /// The character (not byte) of the line, from 1; 0 where line is 0.
    pub column: u32,
    /// What kind, stable from release to release: "origin-trailing-slash".
    pub code: cors_str,
    /// Where, as a JSON pointer (RFC 6901): "/allow_origins/2"; empty where
    /// there is none.
    pub pointer: cors_str,
    /// What is wrong. The words may change with any version.
    pub message: cors_str,
    /// What to write instead; absent where the library cannot tell.
    pub help: cors_str,
}

/// Is told each error and warning while a policy is loaded, on the calling
/// thread, in the order of the file, at most CORS_DIAGNOSTICS_MAX times.
/// context is what was handed to the load; diagnostic is never NULL. It must
/// return: no C++ exception and no longjmp may leave it. It may call the
/// functions below.
pub type cors_diagnostic_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        diagnostic: *const cors_diagnostic,
    ),
>;

/// What a decision depends on. Start from CORS_REQUEST_INIT. Absent and empty
/// differ; an absent or empty method is not OPTIONS.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_request {
    /// sizeof(cors_request) as the caller was compiled.
    pub size: usize,
    /// The request's method, in its own case (RFC 9110, section 9.1).
    pub method: cors_str,
    /// Origin. Several lines are joined with commas, and so malformed.
    pub origin: cors_str,
    /// Access-Control-Request-Method.
    pub request_method: cors_str,
    /// Access-Control-Request-Headers, several lines joined with commas.
    pub request_headers: cors_str,
    /// Host, or the pseudo-header :authority (RFC 9113, section 8.3.1), as the
    /// client sent it; never X-Forwarded-Host. Since 0.2, like the members
    /// below. This version does not use them yet.
    pub host: cors_str,
    /// Sec-Fetch-Site, several lines joined with commas.
    pub fetch_site: cors_str,
    /// Upgrade, several lines joined with commas; "websocket" for an extended
    /// CONNECT with that :protocol (RFC 8441, RFC 9220).
    pub upgrade: cors_str,
    /// "https" or "http", the scheme that the client used, if the server or a
    /// proxy that it trusts knows it; else absent.
    pub scheme: cors_str,
}

/// One response header.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_header {
    /// In lower case; owned by the library, for as long as it is loaded.
    pub name: cors_str,
    /// Visible ASCII, spaces and tabs; owned by the policy, or by the request
    /// where it points into one of its strings.
    pub value: cors_str,
}

/// A decision. Start from CORS_DECISION_INIT; the library writes all but
/// size.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cors_decision {
    /// sizeof(cors_decision) as the caller was compiled.
    pub size: usize,
    /// A cors_verdict, or a later version's.
    pub verdict: i32,
    /// A cors_reason, or a later version's.
    pub reason: i32,
    /// Where not 0: answer now, with this HTTP status and no body. 0, the
    /// policy's preflight_status (200 or 204), or 403.
    pub status: u32,
    /// How many of headers are set.
    pub header_count: u32,
    /// The headers to add, header_count of them; the rest is left as it was. A
    /// name can come twice.
    pub headers: [cors_header; CORS_HEADERS_MAX],
    /// The method or header name that was not allowed, else absent. It points
    /// into the request.
    pub culprit: cors_str,
    /// The policy's pattern that the origin matched, else absent.
    pub pattern: cors_str,
}

// What callers were compiled with; bindings/c/header.c asserts the same in C.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<cors_str>() == 16);
    assert!(size_of::<cors_header>() == 32);
    assert!(size_of::<cors_request>() == 136);
    assert!(size_of::<cors_decision>() == 312);
    assert!(size_of::<cors_diagnostic>() == 88);
    assert!(REQUEST_SIZE_0_1 == 72);
    assert!(DECISION_SIZE_0_1 == 312);
};

/// The size of a cors_request in 0.1, which is the smallest that a caller may
/// have: programs that were compiled then run with every later version.
const REQUEST_SIZE_0_1: usize = offset_of!(cors_request, host);

/// The same of a cors_decision. Nothing has been added since.
const DECISION_SIZE_0_1: usize =
    offset_of!(cors_decision, pattern) + size_of::<cors_str>();

// A member that is added lies behind the decisions of older callers: Writer
// must then compare its end with the caller's size before it writes it.
const _: () = assert!(size_of::<cors_decision>() == DECISION_SIZE_0_1);

/// Loads a policy from json_len bytes of JSON (RFC 8259, UTF-8;
/// CORS_POLICY_MAX bytes at most); the bytes are not needed afterwards.
/// POLICY.md says what they may say. json may be NULL where json_len is 0,
/// which is no policy.
///
/// report may be NULL; context is handed to it. On CORS_OK *policy is the new
/// policy, and report was told the warnings. Else *policy is NULL:
/// CORS_ERROR_POLICY after report was told every error, CORS_ERROR_ARGUMENT
/// where policy, or json with a json_len, is NULL; CORS_ERROR_INTERNAL after a
/// fault of the library. Where there is no memory for a policy, the process
/// is aborted. The caller ends the policy with cors_policy_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_load(
    json: *const c_char,
    json_len: usize,
    report: cors_diagnostic_fn,
    context: *mut c_void,
    policy: *mut *mut cors_policy,
) -> cors_status {
    if policy.is_null() {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    // SAFETY: the caller promises that `policy` can be written.
    unsafe { policy.write(ptr::null_mut()) };
    let json = match (json.is_null(), json_len) {
        (true, 0) => &[][..],
        (false, len) if len <= isize::MAX as usize => {
            // SAFETY: the caller promises `json_len` readable bytes.
            unsafe { slice::from_raw_parts(json.cast::<u8>(), len) }
        }
        _ => return cors_status::CORS_ERROR_ARGUMENT,
    };
    // SAFETY: the caller's promises for `report`, `context` and `policy`.
    unsafe { load(|| Policy::from_json(json), report, context, policy) }
}

/// Loads a policy from the regular file at path, a NUL-terminated string.
///
/// As cors_policy_load, with CORS_ERROR_ARGUMENT where path is NULL; besides,
/// CORS_ERROR_IO where the file could not be read: report is told once, with
/// the code "io", the system's text and line 0, and errno is the system's
/// (EINVAL where path is not a regular file).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_load_file(
    path: *const c_char,
    report: cors_diagnostic_fn,
    context: *mut c_void,
    policy: *mut *mut cors_policy,
) -> cors_status {
    if policy.is_null() {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    // SAFETY: the caller promises that `policy` can be written.
    unsafe { policy.write(ptr::null_mut()) };
    if path.is_null() {
        return cors_status::CORS_ERROR_ARGUMENT;
    }
    // SAFETY: the caller promises a NUL-terminated string.
    let path = unsafe { CStr::from_ptr(path) };
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    // SAFETY: the caller's promises for `report`, `context` and `policy`.
    unsafe { load(|| Policy::from_file(path), report, context, policy) }
}

/// Adds an owner to a policy and returns it. Each owner calls cors_policy_free
/// once; the last call frees the policy. The caller must be an owner, or know
/// that one remains until the call has returned. Any number of threads may
/// call it. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_retain(
    policy: *mut cors_policy,
) -> *mut cors_policy {
    if !policy.is_null() {
        // SAFETY: `load` made it with Arc::into_raw, and the caller promises
        // that it still has an owner.
        unsafe { Arc::increment_strong_count(policy) };
    }
    policy
}

/// Gives up one ownership of a policy, and frees it if it was the last one;
/// NULL is fine. When the last owner calls it, no call may be running on the
/// policy, and no decision made with it may be in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_policy_free(policy: *mut cors_policy) {
    if !policy.is_null() {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: `load` made it with Arc::into_raw; the caller promises
            // that it owns it, and gives that up.
            unsafe { Arc::decrement_strong_count(policy) };
        }));
    }
}

/// Decides. It allocates nothing, takes no lock and makes no system call; its
/// time is linear in the request's bytes, within the bounds above.
///
/// On CORS_OK the decision holds what to send (Fetch standard, "CORS
/// protocol"). On CORS_ERROR_ARGUMENT (a NULL pointer, a size smaller than
/// the first version's, a larger request whose unknown members are not all
/// zero, or a string longer than PTRDIFF_MAX) and CORS_ERROR_INTERNAL it
/// permits nothing, if its size lets it be written: verdict refused, status 0,
/// one header, Vary.
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
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promises for `policy` and `request`.
        let (policy, request) =
            unsafe { (policy.as_ref(), borrow_request(request)) };
        let (Some(policy), Some(request)) = (policy, request) else {
            return cors_status::CORS_ERROR_ARGUMENT;
        };
        let mut writer = Writer { to: decision, count: 0 };
        // SAFETY: `decision` is at least as large as our own type.
        let send = |header| unsafe { writer.header(header) };
        let outcome = policy.0.decide(&request, send);
        // SAFETY: as above.
        unsafe { writer.outcome(outcome) };
        cors_status::CORS_OK
    }));
    let status = outcome.unwrap_or(cors_status::CORS_ERROR_INTERNAL);
    if status != cors_status::CORS_OK {
        let mut writer = Writer { to: decision, count: 0 };
        // SAFETY: as above.
        let outcome = denial(|header| unsafe { writer.header(header) });
        // SAFETY: as above.
        unsafe { writer.outcome(outcome) };
    }
    status
}

/// Writes the decision in words into buffer, for people: one line of printable
/// ASCII, other bytes escaped. The words may change with any version.
///
/// Like snprintf: returns the length in bytes of the whole text without its
/// NUL, writes as much of it as fits in capacity bytes, of which a NUL is the
/// last, and nothing where capacity is 0 or buffer is NULL. Returns 0 where
/// cors_evaluate would not return CORS_OK. Unlike cors_evaluate, this
/// allocates.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cors_explain(
    policy: *const cors_policy,
    request: *const cors_request,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    let text = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promises for `policy` and `request`.
        let (policy, request) =
            unsafe { (policy.as_ref()?, borrow_request(request)?) };
        Some(policy.0.explain(&request))
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

/// Which names of wanted, the value of a decision's Vary, a response does not
/// list yet: existing is the value of one of its Vary fields, or absent. For a
/// response with several Vary fields, call it for each in turn and pass the
/// result of one call as wanted to the next; wanted may lie in buffer. Add
/// what is left at the end. Names are compared without case, and "*" lists
/// every name (RFC 9110, section 12.5.5).
///
/// Writes the missing names, joined by ", ", and a NUL into buffer, and
/// returns their length; 0 if nothing is missing. A buffer of CORS_VARY_MAX
/// bytes has room for every decision's. If capacity is too small, or buffer is
/// NULL, nothing is written, and the length that is returned is not below
/// capacity. A wanted of CORS_VARY_MAX bytes or more is missing as a whole.
/// Allocates nothing.
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

/// The version of the library that is running, "MAJOR.MINOR.PATCH"; never
/// NULL. Like the texts of the functions below it ends in a NUL, is never
/// freed, and may be read by any thread. CORS_VERSION is the one that the
/// caller was compiled with.
#[unsafe(no_mangle)]
pub extern "C" fn cors_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The date of the public suffix list that is built in, "2026-10-22"; never
/// NULL. By that list it is judged whether anyone can get a name that a
/// wildcard matches.
#[unsafe(no_mangle)]
pub extern "C" fn cors_public_suffix_list_date() -> *const c_char {
    public_suffix::DATE.as_ptr()
}

/// A cors_status in words, "policy refused"; "unknown status" for any other
/// number; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn cors_status_text(status: c_int) -> *const c_char {
    let text = match status {
        0 => c"ok",
        1 => c"bad argument",
        2 => c"policy refused",
        3 => c"policy file cannot be read",
        4 => c"internal error",
        _ => c"unknown status",
    };
    text.as_ptr()
}

/// The name of a cors_verdict, "preflight_allowed"; "unknown" for any other
/// number; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn cors_verdict_text(verdict: c_int) -> *const c_char {
    let known =
        usize::try_from(verdict).ok().and_then(|i| Verdict::ALL.get(i));
    known.map_or(c"unknown", |verdict| verdict.c_name()).as_ptr()
}

/// The name of a cors_reason, "origin_not_allowed"; "unknown" for any other
/// number; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn cors_reason_text(reason: c_int) -> *const c_char {
    let known = usize::try_from(reason).ok().and_then(|i| Reason::ALL.get(i));
    known.map_or(c"unknown", |reason| reason.c_name()).as_ptr()
}

/// Runs a load behind the panic barrier, reports, and stores the policy.
///
/// # Safety
/// `policy` can be written; `report`, if any, takes `context`.
unsafe fn load(
    read: impl FnOnce() -> Result<Policy, LoadError>,
    report: cors_diagnostic_fn,
    context: *mut c_void,
    policy: *mut *mut cors_policy,
) -> cors_status {
    let Ok(outcome) = catch_unwind(AssertUnwindSafe(read)) else {
        return cors_status::CORS_ERROR_INTERNAL;
    };
    let tell = |diagnostics: &[Diagnostic]| {
        let Some(report) = report else { return };
        for diagnostic in diagnostics {
            let diagnostic = borrow_diagnostic(diagnostic);
            // SAFETY: the caller promises that `report` takes `context`. It
            // runs outside the barrier: no Rust frame of ours could be
            // unwound by it, as it must return.
            unsafe { report(context, &diagnostic) };
        }
    };
    match outcome {
        Ok(loaded) => {
            tell(loaded.warnings());
            let loaded = Arc::into_raw(Arc::new(cors_policy(loaded)));
            // SAFETY: the caller promises that `policy` can be written.
            unsafe { policy.write(loaded.cast_mut()) };
            cors_status::CORS_OK
        }
        Err(error) => {
            tell(error.diagnostics());
            match error.os_error() {
                None => cors_status::CORS_ERROR_POLICY,
                Some(code) => {
                    // SAFETY: errno is the calling thread's own.
                    unsafe { *libc::__errno_location() = code };
                    cors_status::CORS_ERROR_IO
                }
            }
        }
    }
}

/// The caller's request, or None where it is NULL, has a wrong size, or a
/// length that no object can have.
///
/// # Safety
/// `request` is NULL or valid for its `size`, and its strings are readable
/// for `'a`.
unsafe fn borrow_request<'a>(
    request: *const cors_request,
) -> Option<Request<'a>> {
    const OWN: usize = size_of::<cors_request>();
    if request.is_null() {
        return None;
    }
    // SAFETY: every version of the struct begins with its size.
    let size = unsafe { (*request).size };
    if !(REQUEST_SIZE_0_1..=isize::MAX as usize).contains(&size) {
        return None;
    }
    if size > OWN {
        // SAFETY: the caller promises `size` readable bytes.
        let unknown = unsafe {
            slice::from_raw_parts(request.cast::<u8>().add(OWN), size - OWN)
        };
        // A later caller that asks for what this version cannot do is told so.
        if unknown.iter().any(|&byte| byte != 0) {
            return None;
        }
    }
    // Each member by itself: an older caller's request ends behind these, and
    // no reference to the whole may be made. The later ones are not used yet.
    // SAFETY: every version of the struct has these four.
    let strings = unsafe {
        [
            (*request).method,
            (*request).origin,
            (*request).request_method,
            (*request).request_headers,
        ]
    };
    // All at once, as it never happens: the length of an absent one is any.
    if strings.iter().fold(0, |lens, str| lens | str.len) > isize::MAX as usize
        && strings
            .iter()
            .any(|str| !str.ptr.is_null() && str.len > isize::MAX as usize)
    {
        return None;
    }
    // SAFETY: the caller promises readable strings.
    let [method, origin, request_method, request_headers] =
        strings.map(|str| unsafe { borrow_str(str) });
    Some(Request { method, origin, request_method, request_headers })
}

/// # Safety
/// `str.ptr` is NULL or points to `str.len` bytes, readable for `'a`; no more
/// than an object can have.
unsafe fn borrow_str<'a>(str: cors_str) -> Option<&'a [u8]> {
    // A NULL pointer must not reach from_raw_parts, not even with length 0.
    if str.ptr.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises `len` readable bytes.
    Some(unsafe { slice::from_raw_parts(str.ptr.cast(), str.len) })
}

/// Writes all but `size`, which is the caller's, and the headers that are not
/// used. Each member by itself: what was there before may be anything.
struct Writer {
    to: *mut cors_decision,
    count: usize,
}

impl Writer {
    /// # Safety
    /// `to` points to writable memory of a `cors_decision`'s size. No more
    /// headers come than it has places.
    unsafe fn header(&mut self, Header { name, value }: Header<'_>) {
        let header = cors_header { name: str_of(name), value: str_of(value) };
        // SAFETY: the caller's promises.
        unsafe {
            let places = &raw mut (*self.to).headers;
            places.cast::<cors_header>().add(self.count).write(header);
        }
        self.count += 1;
    }

    /// # Safety
    /// As above.
    unsafe fn outcome(self, outcome: Outcome<'_>) {
        let Self { to, count } = self;
        let Outcome { verdict, reason, status, culprit, pattern } = outcome;
        // SAFETY: the caller's promise.
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

fn borrow_diagnostic(diagnostic: &Diagnostic) -> cors_diagnostic {
    cors_diagnostic {
        size: size_of::<cors_diagnostic>(),
        severity: match diagnostic.severity {
            Severity::Error => cors_severity::CORS_SEVERITY_ERROR,
            Severity::Warning => cors_severity::CORS_SEVERITY_WARNING,
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
