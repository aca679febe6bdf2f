//! Header names: the requested list, and those that a policy allows.

use memchr::memchr;

use super::Refusal;
use super::forbidden::is_forbidden_request_header;
use super::set::Names;
use super::token::{is_token, trim_spaces};

/// Longest requested header name, in bytes. Servers accept at most a few
/// kilobytes for all headers; no name in use comes near this.
pub const HEADER_NAME_MAX: usize = 256;

/// Longest `Access-Control-Request-Headers`, in bytes, with repeated fields
/// joined.
pub const REQUEST_HEADERS_MAX: usize = 4096;

/// Checks the value of `Access-Control-Request-Headers` from left to right
/// in one pass; the first failure counts. Browsers send the names sorted,
/// in lower case, joined by commas. Proxies are known to add spaces and
/// empty elements, which a recipient must accept (RFC 9110, section
/// 5.6.1.2).
pub(crate) fn check<'a>(
    allowed: &Names,
    list: &'a [u8],
) -> Result<(), Refusal<'a>> {
    if list.len() > REQUEST_HEADERS_MAX {
        return Err(Refusal::Malformed);
    }
    let mut rest = Some(list);
    while let Some(list) = rest {
        let element;
        (element, rest) = match memchr(b',', list) {
            Some(comma) => (&list[..comma], Some(&list[comma + 1..])),
            None => (list, None),
        };
        let name = trim_spaces(element);
        // A listed name is a token, and browsers send lower case.
        if !name.is_empty() && !allowed.contains(name) {
            check_other(allowed, name)?;
        }
    }
    Ok(())
}

/// Checks a name that is not listed in the same case.
fn check_other<'a>(
    allowed: &Names,
    name: &'a [u8],
) -> Result<(), Refusal<'a>> {
    if name.len() > HEADER_NAME_MAX || !is_token(name) {
        return Err(Refusal::Malformed);
    }
    let mut buffer = [0; HEADER_NAME_MAX];
    let lower = &mut buffer[..name.len()];
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let covered = allowed.any()
        && lower != b"*"
        && lower != b"authorization"
        && !is_forbidden_request_header(lower);
    if covered || allowed.contains(lower) {
        return Ok(());
    }
    Err(Refusal::NotAllowed(name))
}
