//! What a script requests, and what the browser sends for it.

use crate::Header;
use crate::headers::{forbidden_request_header, unsafe_request_header_names};
use crate::methods::{forbidden_method, normalize_method, safelisted_method};
use crate::values::{http_whitespace, token, trim};

/// What a script requests from another origin, exactly as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptRequest {
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

/// Does the request need a preflight, unless one is cached?
/// <https://fetch.spec.whatwg.org/#concept-main-fetch>, where a script's
/// requests have the unsafe-request flag.
pub fn needs_preflight(request: &ScriptRequest) -> bool {
    request.use_cors_preflight
        || !safelisted_method(&normalize_method(&request.method))
        || !unsafe_request_header_names(&header_list(request)).is_empty()
}

/// The preflight's `Access-Control-Request-Method` and
/// `Access-Control-Request-Headers`; `None` if no preflight is needed.
/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
pub fn preflight_headers(
    request: &ScriptRequest,
) -> Option<(String, Option<String>)> {
    if !needs_preflight(request) {
        return None;
    }
    let names = unsafe_request_header_names(&header_list(request));
    let list = (!names.is_empty()).then(|| names.join(","));
    Some((normalize_method(&request.method), list))
}

/// Does the call itself throw? The constructor of `Request` rejects methods
/// and headers: <https://fetch.spec.whatwg.org/#dom-request> and
/// <https://fetch.spec.whatwg.org/#headers-validate>
pub(crate) fn throws(request: &ScriptRequest) -> bool {
    let bad_byte = |byte: &u8| [0, b'\n', b'\r'].contains(byte);
    !token(request.method.as_bytes())
        || forbidden_method(&request.method)
        || request.headers.iter().any(|(name, value)| {
            !token(name.as_bytes())
                || trim(value, http_whitespace).iter().any(bad_byte)
        })
}

/// The headers that are sent: without whitespace around values, and without
/// forbidden headers, which are dropped silently.
/// <https://fetch.spec.whatwg.org/#concept-headers-append>
pub fn header_list(request: &ScriptRequest) -> Vec<Header> {
    let mut list = Vec::new();
    for (name, value) in &request.headers {
        let value = trim(value, http_whitespace);
        if !forbidden_request_header(name, value) {
            list.push((name.clone(), value.to_vec()));
        }
    }
    list
}
