//! Methods: the requested one, and those that a policy allows.

use std::ffi::CStr;

use super::Refusal;
use super::forbidden::is_forbidden_method;
use super::set::Names;
use super::token::is_token;

/// Longest method name of a request, in bytes. The longest registered one has
/// 17; the limit exists so that a hostile one costs nothing.
pub const METHOD_MAX: usize = 64;

/// What every preflight response allows: browsers send these without a
/// preflight, unless a script listens to the upload ([CORS-safelisted method]).
///
/// [CORS-safelisted method]: https://fetch.spec.whatwg.org/#cors-safelisted-method
pub(crate) const SAFELISTED: &CStr = c"GET,HEAD,POST";

/// Checks the value of `Access-Control-Request-Method`; `allowed` does not have
/// the safelisted methods. Methods are case-sensitive: browsers have uppercased
/// those that they do.
pub(crate) fn check<'a>(
    allowed: &Names,
    method: &'a [u8],
) -> Result<(), Refusal<'a>> {
    // What is listed is a token.
    if is_safelisted(method) || allowed.contains(method) {
        return Ok(());
    }
    if method.len() > METHOD_MAX || !is_token(method) {
        return Err(Refusal::Malformed);
    }
    // The wildcard covers neither its own name, which a script may use as a
    // method, nor what no browser sends.
    if allowed.any() && method != b"*" && !is_forbidden_method(method) {
        return Ok(());
    }
    Err(Refusal::NotAllowed(method))
}

/// CORS-safelisted methods always pass.
pub(crate) fn is_safelisted(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"POST")
}

/// [`SAFELISTED`] and `method` as one value, for common methods.
pub(crate) fn with_safelisted(method: &[u8]) -> Option<&'static CStr> {
    Some(match method {
        b"DELETE" => c"GET,HEAD,POST,DELETE",
        b"OPTIONS" => c"GET,HEAD,POST,OPTIONS",
        b"PATCH" => c"GET,HEAD,POST,PATCH",
        b"PUT" => c"GET,HEAD,POST,PUT",
        b"QUERY" => c"GET,HEAD,POST,QUERY",
        _ => return None,
    })
}

/// Methods that browsers uppercase before they send them, so that a policy's
/// name in another case never matches ([normalize a method]).
///
/// [normalize a method]: https://fetch.spec.whatwg.org/#concept-method-normalize
pub(crate) fn is_normalized_by_browsers(method: &str) -> bool {
    ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
        .iter()
        .any(|name| method.eq_ignore_ascii_case(name))
}
