//! The C functions with whatever a C caller may hand over: sizes, lengths and
//! pointers that are wrong, and buffers of exactly the length that was said,
//! so that AddressSanitizer sees a byte too many.
//!
//! The structs are written down here once more, as a C compiler would read
//! them in `cors.h`.

#![no_main]
#![allow(non_camel_case_types)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::{offset_of, size_of};
use std::{fs, process, ptr};

use arbitrary::{Arbitrary, Result, Unstructured};
use cors::{Policy, Request};
use libfuzzer_sys::fuzz_target;

const CORS_OK: c_int = 0;
const CORS_ERROR_ARGUMENT: c_int = 1;
const CORS_ERROR_POLICY: c_int = 2;
const CORS_ERROR_IO: c_int = 3;

#[repr(C)]
#[derive(Clone, Copy)]
struct cors_str {
    ptr: *const c_char,
    len: usize,
}

#[repr(C)]
struct cors_diagnostic {
    size: usize,
    severity: i32,
    line: u32,
    column: u32,
    code: cors_str,
    pointer: cors_str,
    message: cors_str,
    help: cors_str,
}

#[repr(C)]
struct cors_request {
    size: usize,
    method: cors_str,
    origin: cors_str,
    request_method: cors_str,
    request_headers: cors_str,
    /// Host and those behind it, which came after 0.1.
    later: [cors_str; 4],
}

#[repr(C)]
struct cors_header {
    name: cors_str,
    value: cors_str,
}

#[repr(C)]
struct cors_decision {
    size: usize,
    verdict: i32,
    reason: i32,
    status: u32,
    header_count: u32,
    headers: [cors_header; 8],
    culprit: cors_str,
    pattern: cors_str,
}

enum cors_policy {}

type cors_diagnostic_fn =
    Option<unsafe extern "C" fn(*mut c_void, *const cors_diagnostic)>;

unsafe extern "C" {
    fn cors_policy_load(
        json: *const c_char,
        json_len: usize,
        report: cors_diagnostic_fn,
        context: *mut c_void,
        policy: *mut *mut cors_policy,
    ) -> c_int;
    fn cors_policy_load_file(
        path: *const c_char,
        report: cors_diagnostic_fn,
        context: *mut c_void,
        policy: *mut *mut cors_policy,
    ) -> c_int;
    fn cors_policy_free(policy: *mut cors_policy);
    fn cors_evaluate(
        policy: *const cors_policy,
        request: *const cors_request,
        decision: *mut cors_decision,
    ) -> c_int;
    fn cors_explain(
        policy: *const cors_policy,
        request: *const cors_request,
        buffer: *mut c_char,
        capacity: usize,
    ) -> usize;
    fn cors_version() -> *const c_char;
    fn cors_status_text(status: c_int) -> *const c_char;
    fn cors_verdict_text(verdict: c_int) -> *const c_char;
    fn cors_reason_text(reason: c_int) -> *const c_char;
}

#[derive(Debug)]
struct Input<'a> {
    json: &'a [u8],
    load: Load<'a>,
    calls: Vec<Call<'a>>,
    number: c_int,
}

#[derive(Debug)]
enum Load<'a> {
    Memory,
    File,
    /// No file of this name is a policy.
    Path(&'a [u8]),
    BadArgument(u8),
}

#[derive(Debug)]
struct Call<'a> {
    request_size: usize,
    /// What an old library does not know of a larger request.
    request_tail: u8,
    decision_size: usize,
    fields: [Field<'a>; FIELDS],
    null: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Field<'a> {
    /// NULL, with any length.
    Absent(usize),
    Bytes(&'a [u8]),
    /// An address, and a length that no object can have.
    Impossible(usize),
}

const JSON: [&str; 6] = [
    r#"{"allow_origins":["https://a.com","https://*.a.com","http://[::1]:*"],
        "allow_credentials":true,"allow_methods":["*"],
        "allow_headers":["*","X-A"],"expose_headers":["X-A"],"max_age":60}"#,
    r#"{"allow_origins":["*"],"allow_methods":["PUT"],
        "allow_headers":["*","authorization"],"expose_headers":["*"]}"#,
    r#"{"allow_origins":["null","https://**.a.com"],"preflight_status":200,
        "allow_headers":["x-a"],"dangerously_allow":{"null_origin":true}}"#,
    r#"{"allow_origins":["https://a.com"],
        "block":["unsafe_methods","websockets"]}"#,
    r#"{"allow_origins":["*"],"block":["websockets"]}"#,
    r#"{"allow_origins":["https://a.com/"],"allow_methods":["put"],"x":1}"#,
];

const VALUES: [&[u8]; 19] = [
    b"OPTIONS",
    b"GET",
    b"PUT",
    b"POST",
    b"a.com",
    b"same-origin",
    b"none",
    b"cross-site",
    b"websocket",
    b"https",
    b"*",
    b"null",
    b"https://a.com",
    b"https://b.a.com",
    b"http://[::1]:8080",
    b"x-a",
    b"x-b, authorization",
    b"",
    b"a\r\nb",
];

const REQUEST: usize = size_of::<cors_request>();
const REQUEST_0_1: usize = offset_of!(cors_request, later);
const REQUEST_WITH_UPGRADE: usize = REQUEST_0_1 + 3 * size_of::<cors_str>();
/// Four of 0.1, and those that came later.
const FIELDS: usize = 8;
const DECISION: usize = size_of::<cors_decision>();
const IMPOSSIBLE: usize = isize::MAX as usize + 1;

impl<'a> Arbitrary<'a> for Input<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let load = match u.int_in_range(0..=31)? {
            0 => Load::File,
            1 => Load::Path(u.arbitrary()?),
            2 => Load::BadArgument(u.arbitrary()?),
            _ => Load::Memory,
        };
        let json = match u.ratio(1, 8)? {
            true => u.arbitrary()?,
            false => u.choose(&JSON)?.as_bytes(),
        };
        let number = match u.arbitrary()? {
            true => u.arbitrary()?,
            false => u.int_in_range(-1..=8)?,
        };
        let mut calls = Vec::new();
        while calls.is_empty() || (!u.is_empty() && calls.len() < 4) {
            calls.push(Call::arbitrary(u)?);
        }
        Ok(Self { json, load, calls, number })
    }
}

impl<'a> Call<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let odd = u.ratio(1, 4)?;
        let size = |u: &mut Unstructured<'a>, right: usize| match odd {
            true => size(u, right),
            false => Ok(right),
        };
        let request = match u.arbitrary()? {
            true => REQUEST,
            false => REQUEST_0_1,
        };
        Ok(Self {
            request_size: size(u, request)?,
            request_tail: if odd { u.int_in_range(0..=1)? } else { 0 },
            decision_size: size(u, DECISION)?,
            null: if odd { u.arbitrary()? } else { None },
            fields: fields(u)?,
        })
    }
}

/// Most often one that no allocation is too small for.
fn size(u: &mut Unstructured<'_>, right: usize) -> Result<usize> {
    Ok(match u.int_in_range(0..=7)? {
        0 => 0,
        1 => right - 1,
        2 => right + 1,
        3 => right + 8,
        4 => u.int_in_range(0..=1024)?,
        5 => IMPOSSIBLE,
        6 => usize::MAX,
        _ => right,
    })
}

fn fields<'a>(u: &mut Unstructured<'a>) -> Result<[Field<'a>; FIELDS]> {
    let mut fields = [Field::Absent(0); FIELDS];
    for one in &mut fields {
        *one = field(u)?;
    }
    Ok(fields)
}

fn field<'a>(u: &mut Unstructured<'a>) -> Result<Field<'a>> {
    Ok(match u.int_in_range(0..=15)? {
        0 => Field::Absent(0),
        1 => Field::Absent(u.arbitrary()?),
        2 => Field::Impossible(IMPOSSIBLE | u.arbitrary::<usize>()?),
        3..=5 => Field::Bytes(u.arbitrary()?),
        _ => Field::Bytes(u.choose(&VALUES)?),
    })
}

fuzz_target!(|input: Input<'_>| {
    check_texts(input.number);
    let policy = load(&input);
    // The Rust face says what the C one has to.
    let expected = Policy::from_json(input.json);
    assert_eq!(policy.is_null(), expected.is_err());
    for call in &input.calls {
        evaluate(policy, expected.as_ref().ok(), call);
    }
    // SAFETY: no call is running, and no decision is in use.
    unsafe { cors_policy_free(policy) };
    // SAFETY: NULL is fine.
    unsafe { cors_policy_free(ptr::null_mut()) };
});

/// What `report` is told, and that its context is the one that was given.
struct Reports {
    errors: usize,
    warnings: usize,
    io: bool,
}

unsafe extern "C" fn report(
    context: *mut c_void,
    diagnostic: *const cors_diagnostic,
) {
    // SAFETY: `load` hands over both, and they are valid during the call.
    let (reports, diagnostic) =
        unsafe { (&mut *context.cast::<Reports>(), &*diagnostic) };
    assert_eq!(diagnostic.size, size_of::<cors_diagnostic>());
    match diagnostic.severity {
        0 => reports.errors += 1,
        1 => reports.warnings += 1,
        severity => panic!("severity {severity}"),
    }
    let cors_diagnostic { code, pointer, message, help, .. } = diagnostic;
    for text in [code, pointer, message] {
        assert!(!text.ptr.is_null());
    }
    for text in [code, pointer, message, help] {
        // SAFETY: they are absent or valid during the call.
        let text = unsafe { bytes_of(text) }.unwrap_or_default();
        let text = std::str::from_utf8(text).expect("it is UTF-8");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    // SAFETY: as above.
    reports.io |= unsafe { bytes_of(code) } == Some(b"io");
}

fn load(input: &Input<'_>) -> *mut cors_policy {
    if let Load::BadArgument(which) = input.load {
        load_with_bad_arguments(which);
    }
    if let Load::Path(path) = input.load {
        load_no_policy(path);
    }
    let mut reports = Reports { errors: 0, warnings: 0, io: false };
    let context = (&raw mut reports).cast();
    let mut policy = ptr::dangling_mut();
    let status = if let Load::File = input.load {
        let name = format!("libcors-fuzz-{}.json", process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, input.json).expect("a file can be written");
        let name = path.to_str().expect("it is text");
        let name = CString::new(name).expect("it holds no NUL");
        // SAFETY: as cors.h asks for.
        let status = unsafe {
            cors_policy_load_file(
                name.as_ptr(),
                Some(report),
                context,
                &mut policy,
            )
        };
        fs::remove_file(&path).expect("it is there");
        status
    } else {
        let json: Box<[u8]> = input.json.into();
        // SAFETY: as cors.h asks for.
        unsafe {
            cors_policy_load(
                json.as_ptr().cast(),
                json.len(),
                Some(report),
                context,
                &mut policy,
            )
        }
    };
    let expected = match policy.is_null() {
        true => CORS_ERROR_POLICY,
        false => CORS_OK,
    };
    assert_eq!(status, expected);
    assert_eq!(reports.errors > 0, policy.is_null());
    assert!(reports.errors + reports.warnings <= 100 && !reports.io);
    policy
}

fn load_with_bad_arguments(which: u8) {
    let mut policy = ptr::dangling_mut();
    let (json, len, out) = match which % 4 {
        0 => (c"{}".as_ptr(), 2, ptr::null_mut()),
        1 => (ptr::null(), 1, &raw mut policy),
        2 => (c"{}".as_ptr(), IMPOSSIBLE, &raw mut policy),
        _ => (ptr::null(), usize::MAX, &raw mut policy),
    };
    // SAFETY: no byte can be read by these lengths, and none may be.
    let status =
        unsafe { cors_policy_load(json, len, None, ptr::null_mut(), out) };
    assert_eq!(status, CORS_ERROR_ARGUMENT);
    assert!(out.is_null() || policy.is_null());
    // SAFETY: as above.
    let status = unsafe {
        cors_policy_load_file(ptr::null(), None, ptr::null_mut(), out)
    };
    assert_eq!(status, CORS_ERROR_ARGUMENT);
}

/// Directories, devices, and names that no file has.
fn load_no_policy(path: &[u8]) {
    let path = match path.first() {
        None => c"".to_owned(),
        Some(0) => c"/dev/null".to_owned(),
        Some(1) => c"/".to_owned(),
        Some(_) => {
            let path = path.escape_ascii().to_string().replace('/', ".");
            CString::new(format!("/dev/null/{path}")).expect("no NUL")
        }
    };
    let mut reports = Reports { errors: 0, warnings: 0, io: false };
    let mut policy = ptr::dangling_mut();
    // SAFETY: as cors.h asks for.
    let status = unsafe {
        cors_policy_load_file(
            path.as_ptr(),
            Some(report),
            (&raw mut reports).cast(),
            &mut policy,
        )
    };
    let errno = std::io::Error::last_os_error().raw_os_error();
    assert_eq!(status, CORS_ERROR_IO);
    assert!(policy.is_null() && reports.io);
    assert_eq!((reports.errors, reports.warnings), (1, 0));
    assert!(errno.is_some_and(|errno| errno != 0));
}

fn evaluate(
    policy: *const cors_policy,
    expected: Option<&Policy>,
    call: &Call<'_>,
) {
    let buffers: [Option<Box<[u8]>>; FIELDS] =
        call.fields.map(|one| match one {
            Field::Absent(_) => None,
            Field::Bytes(bytes) => Some(bytes.into()),
            Field::Impossible(_) => Some(b"x"[..].into()),
        });
    let mut strings = [cors_str { ptr: ptr::null(), len: 0 }; FIELDS];
    for ((string, field), buffer) in
        strings.iter_mut().zip(call.fields).zip(&buffers)
    {
        *string = cors_str {
            ptr: buffer.as_ref().map_or(ptr::null(), |b| b.as_ptr().cast()),
            len: match field {
                Field::Absent(len) | Field::Impossible(len) => len,
                Field::Bytes(bytes) => bytes.len(),
            },
        };
    }
    let [method, origin, request_method, request_headers, later @ ..] =
        strings;
    let absent = || cors_str { ptr: ptr::null(), len: 0 };
    let request = Exact::new(call.request_size, call.request_tail, |size| {
        cors_request {
            size,
            method,
            origin,
            request_method,
            request_headers,
            later,
        }
    });
    let decision =
        Exact::new(call.decision_size, 0xa5, |size| cors_decision {
            size,
            verdict: -1,
            reason: -1,
            status: 1,
            header_count: 9,
            headers: [(); 8]
                .map(|()| cors_header { name: absent(), value: absent() }),
            culprit: absent(),
            pattern: absent(),
        });
    let null = |which: u8| call.null.is_some_and(|null| null % 4 == which);
    let policy = if null(0) { ptr::null() } else { policy };
    let request_ptr =
        if null(1) { ptr::null() } else { request.as_ptr().cast() };
    let decision_ptr =
        if null(2) { ptr::null_mut() } else { decision.as_ptr().cast() };
    let before = decision.bytes().to_vec();
    // SAFETY: as cors.h asks for, but for what it answers with an error.
    let status = unsafe { cors_evaluate(policy, request_ptr, decision_ptr) };

    let request_fits = (REQUEST_0_1..IMPOSSIBLE).contains(&call.request_size)
        && !request_ptr.is_null();
    // What the library sees of it.
    let seen = match request_fits {
        true => seen(&request, &buffers),
        false => [None; FIELDS],
    };
    let is_impossible = |fields: &[Option<Seen<'_>>]| {
        fields.iter().flatten().any(|one| one.bytes.is_none())
    };
    let writable = !decision_ptr.is_null() && call.decision_size >= DECISION;
    let loaded = expected.filter(|_| !policy.is_null());
    let blocks = loaded.is_some_and(|policy| policy.blocks().count() > 0);
    let readable = loaded.is_some()
        && request_fits
        && (call.request_size <= REQUEST || call.request_tail == 0)
        && (call.request_size >= REQUEST_WITH_UPGRADE || !blocks)
        && !is_impossible(&seen[..4]);
    // Of those that came later, it reads what it needs.
    let is_open = readable && is_impossible(&seen[4..]);
    let readable = readable && !(is_open && status != CORS_OK);
    let right = match writable && readable {
        true => CORS_OK,
        false => CORS_ERROR_ARGUMENT,
    };
    assert_eq!(status, right, "{call:?}");
    let after = decision.bytes();
    let own = DECISION.min(after.len());
    assert_eq!(after[..size_of::<usize>()], before[..size_of::<usize>()]);
    assert_eq!(after[own..], before[own..], "written past its own struct");
    if !writable {
        assert_eq!(after, before, "written where it must not");
    }
    let policy_face = loaded.filter(|_| readable);
    let [
        method,
        origin,
        request_method,
        request_headers,
        host,
        fetch_site,
        upgrade,
        scheme,
    ] = seen.map(|one| one.and_then(|one| one.bytes));
    let rust_request = Request {
        method,
        origin,
        request_method,
        request_headers,
        host,
        fetch_site,
        upgrade,
        scheme,
    };
    if writable {
        // SAFETY: it is as large as the struct, and every member was written.
        let decision: &cors_decision = unsafe { &*decision.as_ptr().cast() };
        let count = decision.header_count as usize;
        let unused = offset_of!(cors_decision, headers)
            + count * size_of::<cors_header>()
            ..offset_of!(cors_decision, culprit);
        assert_eq!(after[unused.clone()], before[unused], "not left alone");
        let upgrade_is_unread = call.request_size < REQUEST_WITH_UPGRADE
            || !request_fits
            || seen[6].is_some_and(|one| one.bytes.is_none());
        let opens = match upgrade_is_unread {
            true => loaded.is_some_and(|policy| {
                policy.blocks().any(|kind| kind == "websockets")
            }),
            false => names_websocket(upgrade.unwrap_or_default()),
        };
        let is_safe = match method {
            Some(b"GET" | b"OPTIONS") => !opens,
            method => method == Some(b"HEAD"),
        };
        check_decision(
            decision,
            policy_face,
            blocks && !is_safe,
            &rust_request,
            &buffers,
        );
    }
    // The text needs all of it.
    let policy_face = policy_face.filter(|_| !is_open);
    let text = policy_face.map(|policy| policy.explain(&rust_request));
    explain(policy, request_ptr, &text.unwrap_or_default());
}

/// A string of the request.
#[derive(Clone, Copy)]
struct Seen<'b> {
    /// `None` if its length cannot be.
    bytes: Option<&'b [u8]>,
}

/// The strings that are there, as a library sees them that reads none of which
/// only a part is within the size.
fn seen<'b>(
    request: &Exact,
    buffers: &'b [Option<Box<[u8]>>; FIELDS],
) -> [Option<Seen<'b>>; FIELDS] {
    let word = |at: usize| {
        let word = request.bytes()[at..].first_chunk();
        usize::from_ne_bytes(*word.expect("it is within the size"))
    };
    let mut seen = [None; FIELDS];
    for (i, (one, buffer)) in seen.iter_mut().zip(buffers).enumerate() {
        let at = offset_of!(cors_request, method) + i * size_of::<cors_str>();
        if request.bytes().len() < at + size_of::<cors_str>() {
            break;
        }
        let (ptr, len) = (word(at), word(at + size_of::<usize>()));
        let bytes = buffer.as_deref().unwrap_or_default();
        *one = (ptr != 0).then(|| Seen { bytes: bytes.get(..len) });
    }
    seen
}

fn names_websocket(upgrade: &[u8]) -> bool {
    upgrade
        .split(|&byte| byte == b',')
        .any(|one| one.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

fn check_decision(
    decision: &cors_decision,
    policy: Option<&Policy>,
    may_be_blocked: bool,
    request: &Request<'_>,
    buffers: &[Option<Box<[u8]>>; FIELDS],
) {
    let headers = &decision.headers[..decision.header_count as usize];
    // SAFETY: policy and request live.
    let headers: Vec<_> = headers
        .iter()
        .map(|header| unsafe {
            (bytes_of(&header.name), bytes_of(&header.value))
        })
        .collect();
    // SAFETY: as above.
    let (culprit, pattern) =
        unsafe { (bytes_of(&decision.culprit), bytes_of(&decision.pattern)) };
    let Some(policy) = policy else {
        let vary: &[u8] = b"origin, access-control-request-method, \
                            access-control-request-headers";
        let (numbers, expected) = match may_be_blocked {
            true => (
                (6, 0, 403),
                vec![
                    (&b"vary"[..], &b"origin"[..]),
                    (b"cache-control", b"no-store"),
                ],
            ),
            false => ((2, 0, 0), vec![(&b"vary"[..], vary)]),
        };
        assert_eq!(
            (decision.verdict, decision.reason, decision.status),
            numbers
        );
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, value)| (Some(name), Some(value)))
            .collect();
        assert_eq!(headers, expected);
        assert_eq!((culprit, pattern), (None, None));
        return;
    };
    let expected = policy.evaluate(request);
    assert_eq!(decision.verdict, expected.verdict as i32);
    assert_eq!(decision.reason, expected.reason as i32);
    assert_eq!(decision.status, u32::from(expected.status));
    assert_eq!(culprit, expected.culprit);
    assert_eq!(pattern, expected.pattern);
    let expected: Vec<_> = expected
        .headers()
        .map(|header| (Some(header.name.as_bytes()), Some(header.value)))
        .collect();
    assert_eq!(headers, expected);

    // What is not the request's is the policy's, and ends in a NUL.
    let of_request = |text: &[u8]| {
        buffers
            .iter()
            .flatten()
            .any(|buffer| buffer.as_ptr_range().contains(&text.as_ptr()))
    };
    let texts = headers.iter().flat_map(|(name, value)| [name, value]);
    for text in texts.flatten().copied().chain(pattern) {
        if !of_request(text) {
            // SAFETY: cors.h says that there is one more byte.
            let next = unsafe { *text.as_ptr().add(text.len()) };
            assert_eq!(next, 0, "{}", text.escape_ascii());
        }
    }
    assert!(culprit.is_none_or(of_request));
}

/// Like snprintf, whatever the capacity.
fn explain(
    policy: *const cors_policy,
    request: *const cors_request,
    text: &str,
) {
    // Each of the small ones, and those around the whole length.
    let len = text.len();
    let step = 1 + len / 256;
    let capacities = (0..len).step_by(step).chain(len..len + 3);
    for capacity in capacities {
        let mut buffer = vec![b'#'; capacity].into_boxed_slice();
        let pointer = match capacity {
            0 => ptr::null_mut(),
            _ => buffer.as_mut_ptr().cast(),
        };
        // SAFETY: the buffer has room for `capacity` bytes.
        let needed =
            unsafe { cors_explain(policy, request, pointer, capacity) };
        assert_eq!(needed, len);
        if capacity == 0 {
            continue;
        }
        let written = len.min(capacity - 1);
        assert_eq!(&buffer[..written], &text.as_bytes()[..written]);
        assert_eq!(buffer[written], 0);
        assert!(buffer[written + 1..].iter().all(|&byte| byte == b'#'));
    }
    assert!(text.bytes().all(|byte| matches!(byte, 0x20..0x7f)));
}

fn check_texts(number: c_int) {
    let numbered = [cors_status_text, cors_verdict_text, cors_reason_text];
    for text in numbered {
        // SAFETY: any number is fine, and the text lives for ever.
        let text = unsafe { CStr::from_ptr(text(number)) };
        assert!(!text.is_empty());
    }
    // SAFETY: the text lives for ever.
    let version = unsafe { CStr::from_ptr(cors_version()) };
    assert_eq!(version.to_bytes().split(|&byte| byte == b'.').count(), 3);
}

/// # Safety
/// The string is absent, or readable for `'a`.
unsafe fn bytes_of<'a>(string: &cors_str) -> Option<&'a [u8]> {
    if string.ptr.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(string.ptr.cast(), string.len) })
}

/// An allocation of exactly the size that the struct in it claims, where that
/// can be; none is smaller than the member `size`.
struct Exact {
    words: *mut u8,
    len: usize,
}

impl Exact {
    fn new<T>(size: usize, tail: u8, make: impl FnOnce(usize) -> T) -> Self {
        const { assert!(offset_of!(cors_request, size) == 0) };
        let value = make(size);
        // A size that cannot be may not be believed.
        let len = if size < IMPOSSIBLE { size } else { size_of::<T>() };
        let len = len.max(size_of::<usize>());
        let layout = Self::layout(len);
        // SAFETY: the layout is not empty; what is written fits into it.
        unsafe {
            let words = std::alloc::alloc(layout);
            assert!(!words.is_null());
            words.write_bytes(tail, len);
            let given = len.min(size_of::<T>());
            words.copy_from_nonoverlapping((&raw const value).cast(), given);
            Self { words, len }
        }
    }

    fn as_ptr(&self) -> *mut u8 {
        self.words
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: all of it was written when it was made.
        unsafe { std::slice::from_raw_parts(self.words, self.len) }
    }

    fn layout(len: usize) -> std::alloc::Layout {
        std::alloc::Layout::from_size_align(len, align_of::<cors_request>())
            .expect("it is small")
    }
}

impl Drop for Exact {
    fn drop(&mut self) {
        // SAFETY: it was made with the same layout.
        unsafe { std::alloc::dealloc(self.words, Self::layout(self.len)) };
    }
}
