//! A naive browser, written straight from the Fetch standard: what a browser
//! sends across origins, and what it concludes from a response.
//!
//! The library's tests compare the engine with it, and the command `cors`
//! explains and probes with it. It shares no code with the engine, takes
//! requests and lists of headers, and follows the standard's steps one by one,
//! slow as they are. Not in the model: redirects, bodies, navigations, service
//! workers and time.

use std::collections::BTreeSet;

/// One header line; a name may occur on several lines.
pub type Header = (String, Vec<u8>);

/// What a script asks for, as it wrote it, of another origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserRequest {
    /// As the browser serializes it.
    pub origin: String,
    /// As the script wrote it; the browser normalizes it.
    pub method: String,
    /// As the script set them, forbidden ones included.
    pub headers: Vec<Header>,
    /// The credentials mode is "include"; else "same-origin" or "omit".
    pub credentials: bool,
    /// Set by an upload listener of XMLHttpRequest or a stream as the body.
    /// <https://fetch.spec.whatwg.org/#use-cors-preflight-flag>
    pub use_cors_preflight: bool,
}

/// Does `Access-Control-Allow-Headers: *` cover `Authorization`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationStar {
    /// No, as the standard says.
    Strict,
    /// Yes, as the browsers of today do.
    /// <https://github.com/whatwg/fetch/issues/1919>
    Lax,
}

/// What the browser puts on the wire, as far as CORS goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentRequest {
    /// `OPTIONS` of a preflight, else the normalized method.
    pub method: String,
    /// `Origin`
    pub origin: String,
    /// `Access-Control-Request-Method`
    pub request_method: Option<String>,
    /// `Access-Control-Request-Headers`
    pub request_headers: Option<String>,
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// As they arrive, line by line.
    pub headers: Vec<Header>,
}

/// Why the script gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The script's call throws, and nothing is sent.
    Script,
    /// The preflight's answer does not pass the CORS check.
    PreflightOrigin,
    /// The preflight's answer has a status other than 200 to 299.
    PreflightStatus,
    /// The preflight's lists of methods or headers are not lists of tokens.
    PreflightMalformed,
    /// The preflight's answer does not allow the method.
    PreflightMethod,
    /// The preflight's answer does not allow this header.
    PreflightHeader(String),
    /// The answer itself does not pass the CORS check.
    ActualOrigin,
}

/// The value is not what the standard's grammar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A browser with its memory of preflights, for one URL.
#[derive(Clone, Debug)]
pub struct Browser {
    star: AuthorizationStar,
    cache: Vec<CacheEntry>,
}

impl Browser {
    /// A browser that has cached no preflight yet.
    pub fn new(star: AuthorizationStar) -> Self {
        Browser { star, cache: Vec::new() }
    }

    /// Fetches from another origin; `server` answers the preflight, if there
    /// is one, and then the request. Returns the names of the response
    /// headers that the script can read.
    /// <https://fetch.spec.whatwg.org/#concept-main-fetch> and
    /// <https://fetch.spec.whatwg.org/#concept-http-fetch>
    pub fn fetch(
        &mut self,
        request: &BrowserRequest,
        mut server: impl FnMut(&SentRequest) -> Answer,
    ) -> Result<Vec<String>, Failure> {
        check_script(request)?;
        let result = self.http_fetch(request, &mut server);
        if result.is_err() && needs_preflight(request) {
            self.clear_entries(request);
        }
        result
    }

    fn http_fetch(
        &mut self,
        request: &BrowserRequest,
        server: &mut impl FnMut(&SentRequest) -> Answer,
    ) -> Result<Vec<String>, Failure> {
        if let Some((request_method, request_headers)) =
            preflight_headers(request)
            && !self.cached(request)
        {
            let answer = server(&SentRequest {
                method: "OPTIONS".to_owned(),
                origin: request.origin.clone(),
                request_method: Some(request_method),
                request_headers,
            });
            preflight_passes(
                request,
                self.star,
                answer.status,
                &answer.headers,
            )?;
            self.remember(request, &answer.headers);
        }
        let answer = server(&SentRequest {
            method: normalize_method(&request.method),
            origin: request.origin.clone(),
            request_method: None,
            request_headers: None,
        });
        if !cors_check(request, &answer.headers) {
            return Err(Failure::ActualOrigin);
        }
        Ok(exposed(&answer.headers, request.credentials))
    }

    /// Do earlier preflights allow all that this request asks for?
    fn cached(&self, request: &BrowserRequest) -> bool {
        let method = normalize_method(&request.method);
        let method_asked =
            !safelisted_method(&method) || request.use_cors_preflight;
        if method_asked && !self.method_cached(request, &method) {
            return false;
        }
        unsafe_request_header_names(&header_list(request))
            .iter()
            .all(|name| self.header_cached(request, name))
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-match-method>
    fn method_cached(&self, request: &BrowserRequest, method: &str) -> bool {
        self.cache.iter().any(|entry| {
            entry.matches(request)
                && match &entry.allows {
                    Allows::Method(name) => name == method || name == "*",
                    Allows::Header(_) => false,
                }
        })
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-match-header>
    fn header_cached(&self, request: &BrowserRequest, name: &str) -> bool {
        self.cache.iter().any(|entry| {
            entry.matches(request)
                && match &entry.allows {
                    Allows::Method(_) => false,
                    Allows::Header(allowed) => {
                        allowed.eq_ignore_ascii_case(name)
                            || (allowed == "*"
                                && (self.star == AuthorizationStar::Lax
                                    || !non_wildcard(name)))
                    }
                }
        })
    }

    /// The end of <https://fetch.spec.whatwg.org/#cors-preflight-fetch>; the
    /// answer has passed. Without time, what is kept stays for ever: of an
    /// answer of no seconds nothing is, and no earlier entry gets a new age.
    fn remember(&mut self, request: &BrowserRequest, answer: &[Header]) {
        if max_age(answer) == 0 {
            return;
        }
        let methods =
            extract_list_values("Access-Control-Allow-Methods", answer);
        let names =
            extract_list_values("Access-Control-Allow-Headers", answer);
        let mut methods = methods.unwrap_or_default();
        if methods.is_none() && request.use_cors_preflight {
            methods = Some(vec![normalize_method(&request.method)]);
        }
        let methods = methods.unwrap_or_default().into_iter();
        let names = names.unwrap_or_default().unwrap_or_default().into_iter();
        let all = methods.map(Allows::Method).chain(names.map(Allows::Header));
        for allows in all {
            self.cache.push(CacheEntry {
                origin: request.origin.clone(),
                credentials: request.credentials,
                allows,
            });
        }
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-clear>
    fn clear_entries(&mut self, request: &BrowserRequest) {
        self.cache.retain(|entry| entry.origin != request.origin);
    }
}

/// Is it one of the methods that scripts may not use?
/// <https://fetch.spec.whatwg.org/#forbidden-method>
pub fn forbidden_method(method: &str) -> bool {
    one_of(method, &["CONNECT", "TRACE", "TRACK"])
}

/// The method as it is sent.
/// <https://fetch.spec.whatwg.org/#concept-method-normalize>
pub fn normalize_method(method: &str) -> String {
    if one_of(method, &["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]) {
        method.to_ascii_uppercase()
    } else {
        method.to_owned()
    }
}

/// Is it a method that needs no preflight?
/// <https://fetch.spec.whatwg.org/#cors-safelisted-method>
pub fn safelisted_method(method: &str) -> bool {
    ["GET", "HEAD", "POST"].contains(&method)
}

/// Is it a header that the browser alone may set?
/// <https://fetch.spec.whatwg.org/#forbidden-request-header>
pub fn forbidden_request_header(name: &str, value: &[u8]) -> bool {
    let always = [
        "Accept-Charset",
        "Accept-Encoding",
        "Access-Control-Request-Headers",
        "Access-Control-Request-Method",
        "Connection",
        "Content-Length",
        "Cookie",
        "Cookie2",
        "Date",
        "DNT",
        "Expect",
        "Host",
        "Keep-Alive",
        "Origin",
        "Referer",
        "Set-Cookie",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Via",
    ];
    if one_of(name, &always) {
        return true;
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("proxy-") || lower.starts_with("sec-") {
        return true;
    }
    let overrides =
        ["X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"];
    one_of(name, &overrides)
        && decode_and_split(value)
            .iter()
            .any(|method| forbidden_method(method))
}

/// Is it a port that browsers never connect to, as the server behind it may
/// speak another protocol?
/// <https://fetch.spec.whatwg.org/#bad-port>
pub fn bad_port(port: u16) -> bool {
    [
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53,
        69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117,
        119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
        515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989,
        990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
        6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    ]
    .contains(&port)
}

/// Does the browser send this header unasked?
/// <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>
pub fn safelisted_request_header(name: &str, value: &[u8]) -> bool {
    if value.len() > 128 {
        return false;
    }
    match name.to_ascii_lowercase().as_str() {
        "accept" => !value.iter().any(unsafe_request_header_byte),
        "accept-language" | "content-language" => {
            value.iter().all(language_byte)
        }
        "content-type" => {
            !value.iter().any(unsafe_request_header_byte)
                && mime_type_essence(value).is_some_and(|essence| {
                    [
                        "application/x-www-form-urlencoded",
                        "multipart/form-data",
                        "text/plain",
                    ]
                    .contains(&essence.as_str())
                })
        }
        "range" => single_range_with_start(value),
        _ => false,
    }
}

/// The names that a preflight asks for: lower-case, sorted, each once.
/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names>
pub fn unsafe_request_header_names(headers: &[Header]) -> Vec<String> {
    let mut unsafe_names = Vec::new();
    let mut potentially_unsafe_names = Vec::new();
    let mut safelist_value_size = 0;
    for (name, value) in headers {
        if safelisted_request_header(name, value) {
            potentially_unsafe_names.push(name.clone());
            safelist_value_size += value.len();
        } else {
            unsafe_names.push(name.clone());
        }
    }
    if safelist_value_size > 1024 {
        unsafe_names.append(&mut potentially_unsafe_names);
    }
    sorted_lowercase_set(&unsafe_names)
}

/// Does the browser ask before it sends this, its cache aside?
/// <https://fetch.spec.whatwg.org/#concept-main-fetch>, where a script's
/// requests have the unsafe-request flag.
pub fn needs_preflight(request: &BrowserRequest) -> bool {
    request.use_cors_preflight
        || !safelisted_method(&normalize_method(&request.method))
        || !unsafe_request_header_names(&header_list(request)).is_empty()
}

/// The preflight's `Access-Control-Request-Method` and
/// `Access-Control-Request-Headers`; nothing where none is needed.
/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
pub fn preflight_headers(
    request: &BrowserRequest,
) -> Option<(String, Option<String>)> {
    if !needs_preflight(request) {
        return None;
    }
    let names = unsafe_request_header_names(&header_list(request));
    let list = (!names.is_empty()).then(|| names.join(","));
    Some((normalize_method(&request.method), list))
}

/// The values of a list of tokens over all its lines. No such header is
/// `None`, which differs from an empty list.
/// <https://fetch.spec.whatwg.org/#extract-header-list-values> with the
/// grammar of <https://fetch.spec.whatwg.org/#http-new-header-syntax>; how a
/// list is read: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1>
pub fn extract_list_values(
    name: &str,
    headers: &[Header],
) -> Result<Option<Vec<String>>, Malformed> {
    let lines = lines(name, headers);
    if lines.is_empty() {
        return Ok(None);
    }
    let mut values = Vec::new();
    for line in lines {
        for element in line.split(|byte| *byte == b',') {
            let element = trim(element, tab_or_space);
            // A recipient takes empty elements and leaves them out.
            if element.is_empty() {
                continue;
            }
            if !token(element) {
                return Err(Malformed);
            }
            values.push(isomorphic_decode(element));
        }
    }
    Ok(Some(values))
}

/// May this response be shared with the script?
/// <https://fetch.spec.whatwg.org/#concept-cors-check>
pub fn cors_check(request: &BrowserRequest, response: &[Header]) -> bool {
    let Some(origin) = header("Access-Control-Allow-Origin", response) else {
        return false;
    };
    if !request.credentials && origin == b"*" {
        return true;
    }
    if origin != request.origin.as_bytes() {
        return false;
    }
    if !request.credentials {
        return true;
    }
    header("Access-Control-Allow-Credentials", response)
        .is_some_and(|credentials| credentials == b"true")
}

/// Does the preflight's answer allow the request?
/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
pub fn preflight_passes(
    request: &BrowserRequest,
    star: AuthorizationStar,
    status: u16,
    response: &[Header],
) -> Result<(), Failure> {
    // The check is done on the request, not on the preflight, which has no
    // credentials.
    if !cors_check(request, response) {
        return Err(Failure::PreflightOrigin);
    }
    if !(200..=299).contains(&status) {
        return Err(Failure::PreflightStatus);
    }
    let methods =
        extract_list_values("Access-Control-Allow-Methods", response);
    let names = extract_list_values("Access-Control-Allow-Headers", response);
    let (Ok(methods), Ok(names)) = (methods, names) else {
        return Err(Failure::PreflightMalformed);
    };
    let method = normalize_method(&request.method);
    let methods = match methods {
        Some(methods) => methods,
        None if request.use_cors_preflight => vec![method.clone()],
        None => Vec::new(),
    };
    // The standard's "and … is include or … does not contain" binds as the
    // brackets here do; the web platform tests agree.
    if !methods.contains(&method)
        && !safelisted_method(&method)
        && (request.credentials || !contains_star(&methods))
    {
        return Err(Failure::PreflightMethod);
    }
    let names = names.unwrap_or_default();
    let listed =
        |name: &str| names.iter().any(|item| item.eq_ignore_ascii_case(name));
    let headers = header_list(request);
    if star == AuthorizationStar::Strict {
        for (name, _) in &headers {
            if non_wildcard(name) && !listed(name) {
                let name = name.to_ascii_lowercase();
                return Err(Failure::PreflightHeader(name));
            }
        }
    }
    for name in unsafe_request_header_names(&headers) {
        if !listed(&name) && (request.credentials || !contains_star(&names)) {
            return Err(Failure::PreflightHeader(name));
        }
    }
    Ok(())
}

/// The names of the response headers that a script can read: lower-case,
/// sorted, each once.
/// <https://fetch.spec.whatwg.org/#concept-main-fetch> and
/// <https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name>
pub fn exposed(response: &[Header], credentials: bool) -> Vec<String> {
    // A malformed list exposes nothing; the standard's "is non-null or
    // failure" can mean nothing else.
    let listed =
        extract_list_values("Access-Control-Expose-Headers", response)
            .unwrap_or_default()
            .unwrap_or_default();
    let all = !credentials && contains_star(&listed);
    let safelist = [
        "Cache-Control",
        "Content-Language",
        "Content-Length",
        "Content-Type",
        "Expires",
        "Last-Modified",
        "Pragma",
    ];
    let mut readable = Vec::new();
    for (name, _) in response {
        let named = listed.iter().any(|item| item.eq_ignore_ascii_case(name));
        if one_of(name, &safelist)
            || ((all || named) && !forbidden_response_header_name(name))
        {
            readable.push(name.clone());
        }
    }
    sorted_lowercase_set(&readable)
}

/// <https://fetch.spec.whatwg.org/#concept-cache>
#[derive(Clone, Debug)]
struct CacheEntry {
    origin: String,
    credentials: bool,
    allows: Allows,
}

#[derive(Clone, Debug)]
enum Allows {
    Method(String),
    Header(String),
}

impl CacheEntry {
    /// <https://fetch.spec.whatwg.org/#concept-cache-match>
    fn matches(&self, request: &BrowserRequest) -> bool {
        self.origin == request.origin
            && (self.credentials || !request.credentials)
    }
}

/// Does the call itself throw? The constructor of `Request` refuses methods
/// and headers: <https://fetch.spec.whatwg.org/#dom-request> and
/// <https://fetch.spec.whatwg.org/#headers-validate>
fn check_script(request: &BrowserRequest) -> Result<(), Failure> {
    if !token(request.method.as_bytes()) || forbidden_method(&request.method) {
        return Err(Failure::Script);
    }
    for (name, value) in &request.headers {
        let value = trim(value, http_whitespace);
        let bad_byte = |byte: &u8| [0, b'\n', b'\r'].contains(byte);
        if !token(name.as_bytes()) || value.iter().any(bad_byte) {
            return Err(Failure::Script);
        }
    }
    Ok(())
}

/// What becomes of the script's headers: values lose the whitespace around
/// them, and forbidden headers are left out in silence.
/// <https://fetch.spec.whatwg.org/#concept-headers-append>
fn header_list(request: &BrowserRequest) -> Vec<Header> {
    let mut list = Vec::new();
    for (name, value) in &request.headers {
        let value = trim(value, http_whitespace);
        if !forbidden_request_header(name, value) {
            list.push((name.clone(), value.to_vec()));
        }
    }
    list
}

/// Is it a header that `Access-Control-Allow-Headers: *` does not cover?
/// <https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name>
pub fn non_wildcard(name: &str) -> bool {
    one_of(name, &["Authorization"])
}

/// Is it a header that no script can read?
/// <https://fetch.spec.whatwg.org/#forbidden-response-header-name>
pub fn forbidden_response_header_name(name: &str) -> bool {
    one_of(name, &["Set-Cookie", "Set-Cookie2"])
}

/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte>
fn unsafe_request_header_byte(byte: &u8) -> bool {
    (*byte < 0x20 && *byte != b'\t') || b"\"():<>?@[\\]{}\x7F".contains(byte)
}

fn language_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b" *,-.;=".contains(byte)
}

/// The essence alone, since parameters never make the parsing fail.
/// <https://mimesniff.spec.whatwg.org/#parse-a-mime-type>
fn mime_type_essence(value: &[u8]) -> Option<String> {
    let value = trim(value, http_whitespace);
    let slash = value.iter().position(|byte| *byte == b'/')?;
    let (main, rest) = (&value[..slash], &value[slash + 1..]);
    let end = rest.iter().position(|byte| *byte == b';');
    let sub = &rest[..end.unwrap_or(rest.len())];
    let sub = trim_end(sub, http_whitespace);
    if !token(main) || !token(sub) {
        return None;
    }
    let essence =
        format!("{}/{}", isomorphic_decode(main), isomorphic_decode(sub));
    Some(essence.to_ascii_lowercase())
}

/// `bytes=0-` and `bytes=0-9`, but not `bytes=-9`.
/// <https://fetch.spec.whatwg.org/#simple-range-header-value> without
/// whitespace, and with a start.
fn single_range_with_start(value: &[u8]) -> bool {
    let Some(range) = value.strip_prefix(b"bytes=") else {
        return false;
    };
    let Some(dash) = range.iter().position(|byte| *byte == b'-') else {
        return false;
    };
    let (start, end) = (&range[..dash], &range[dash + 1..]);
    !start.is_empty()
        && start.iter().all(u8::is_ascii_digit)
        && end.iter().all(u8::is_ascii_digit)
        && (end.is_empty() || !decimal_greater(start, end))
}

/// Compares decimal numbers of any length.
fn decimal_greater(left: &[u8], right: &[u8]) -> bool {
    let left = trim_start(left, |byte| byte == b'0');
    let right = trim_start(right, |byte| byte == b'0');
    (left.len(), left) > (right.len(), right)
}

/// Seconds that a preflight's answer is kept; more digits than a number
/// holds are as good as for ever.
/// <https://fetch.spec.whatwg.org/#http-access-control-max-age>
fn max_age(response: &[Header]) -> u64 {
    match lines("Access-Control-Max-Age", response).as_slice() {
        [line] if !line.is_empty() && line.iter().all(u8::is_ascii_digit) => {
            isomorphic_decode(line).parse().unwrap_or(u64::MAX)
        }
        _ => 5,
    }
}

/// The lines of one header, as the network hands them over: without the
/// whitespace around the value.
fn lines<'a>(name: &str, headers: &'a [Header]) -> Vec<&'a [u8]> {
    let mut lines = Vec::new();
    for (other, value) in headers {
        if other.eq_ignore_ascii_case(name) {
            lines.push(trim(value, tab_or_space));
        }
    }
    lines
}

/// <https://fetch.spec.whatwg.org/#concept-header-list-get>
fn header(name: &str, headers: &[Header]) -> Option<Vec<u8>> {
    let lines = lines(name, headers);
    (!lines.is_empty()).then(|| lines.join(b", ".as_slice()))
}

/// <https://fetch.spec.whatwg.org/#header-value-get-decode-and-split>
fn decode_and_split(value: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    let mut current = Vec::new();
    let mut quoted = false;
    let mut escaped = false;
    for &byte in value {
        if byte == b',' && !quoted {
            values.push(isomorphic_decode(trim(&current, tab_or_space)));
            current.clear();
            continue;
        }
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && !escaped && byte == b'\\';
        current.push(byte);
    }
    values.push(isomorphic_decode(trim(&current, tab_or_space)));
    values
}

/// <https://fetch.spec.whatwg.org/#convert-header-names-to-a-sorted-lowercase-set>
fn sorted_lowercase_set(names: &[String]) -> Vec<String> {
    let set: BTreeSet<String> =
        names.iter().map(|name| name.to_ascii_lowercase()).collect();
    set.into_iter().collect()
}

fn contains_star(list: &[String]) -> bool {
    list.iter().any(|item| item == "*")
}

fn one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2>
fn token(bytes: &[u8]) -> bool {
    let token_byte = |byte: &u8| {
        byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
    };
    !bytes.is_empty() && bytes.iter().all(token_byte)
}

/// <https://fetch.spec.whatwg.org/#http-tab-or-space-byte>
fn tab_or_space(byte: u8) -> bool {
    byte == b'\t' || byte == b' '
}

/// <https://fetch.spec.whatwg.org/#http-whitespace-byte>
fn http_whitespace(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r' || tab_or_space(byte)
}

fn trim(bytes: &[u8], unwanted: impl Fn(u8) -> bool) -> &[u8] {
    trim_start(trim_end(bytes, &unwanted), &unwanted)
}

fn trim_start(mut bytes: &[u8], unwanted: impl Fn(u8) -> bool) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && unwanted(*first)
    {
        bytes = rest;
    }
    bytes
}

fn trim_end(mut bytes: &[u8], unwanted: impl Fn(u8) -> bool) -> &[u8] {
    while let [rest @ .., last] = bytes
        && unwanted(*last)
    {
        bytes = rest;
    }
    bytes
}

/// <https://infra.spec.whatwg.org/#isomorphic-decode>
fn isomorphic_decode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
