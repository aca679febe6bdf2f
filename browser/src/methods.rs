//! The lists of methods.

use crate::values::one_of;

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
