//! The lists of header names, and the values that need no preflight.

use crate::Header;
use crate::methods::forbidden_method;
use crate::values::{
    decode_and_split, http_whitespace, isomorphic_decode, one_of,
    sorted_lowercase_set, token, trim, trim_end, trim_start,
};

/// Is it a header that only the browser may set?
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

/// Is it a header that `Access-Control-Allow-Headers: *` does not cover?
/// <https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name>
pub fn non_wildcard(name: &str) -> bool {
    one_of(name, &["Authorization"])
}

/// Does this header need no preflight?
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

/// The names that a preflight asks for: lowercase, sorted, without duplicates.
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

/// Only the essence, as parameters never make parsing fail.
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
