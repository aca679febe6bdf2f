//! The names that the Fetch standard forbids scripts to use.

/// A [forbidden method], in any case.
///
/// [forbidden method]: https://fetch.spec.whatwg.org/#forbidden-method
pub(crate) fn is_forbidden_method(method: &[u8]) -> bool {
    [&b"CONNECT"[..], b"TRACE", b"TRACK"]
        .iter()
        .any(|name| method.eq_ignore_ascii_case(name))
}

/// The name of a [forbidden request-header], in lower case, which scripts
/// cannot set. (A name that is only forbidden with some values, such as
/// `X-HTTP-Method-Override`, may be requested.)
///
/// [forbidden request-header]: https://fetch.spec.whatwg.org/#forbidden-request-header
#[doc(hidden)]
pub fn is_forbidden_request_header(lower: &[u8]) -> bool {
    matches!(
        lower,
        b"accept-charset"
            | b"accept-encoding"
            | b"access-control-request-headers"
            | b"access-control-request-method"
            | b"connection"
            | b"content-length"
            | b"cookie"
            | b"cookie2"
            | b"date"
            | b"dnt"
            | b"expect"
            | b"host"
            | b"keep-alive"
            | b"origin"
            | b"referer"
            | b"set-cookie"
            | b"te"
            | b"trailer"
            | b"transfer-encoding"
            | b"upgrade"
            | b"via"
    ) || lower.starts_with(b"proxy-")
        || lower.starts_with(b"sec-")
}

/// A [forbidden response-header name], in lower case, which scripts cannot
/// read.
///
/// [forbidden response-header name]: https://fetch.spec.whatwg.org/#forbidden-response-header-name
pub(crate) fn is_forbidden_response_header(lower: &[u8]) -> bool {
    matches!(lower, b"set-cookie" | b"set-cookie2")
}

/// A header of the CORS protocol itself, in lower case.
pub(crate) fn is_cors_header(lower: &[u8]) -> bool {
    lower.starts_with(b"access-control-")
}
