//! `Vary`: names that a response lists already are not added again (RFC 9110,
//! [section 12.5.5]).
//!
//! [section 12.5.5]: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5

use crate::names::token::trim_spaces;

/// The names in `wanted`, such as the value of a decision's `Vary`, that
/// `existing`, the value of one `Vary` field of a response, does not list.
/// There are none if `existing` lists `*`. If a response has several `Vary`
/// fields, each of them reduces what is missing.
///
/// Names are case-insensitive; spaces, tabs and empty elements are ignored
/// (RFC 9110, section 5.6.1.2).
pub fn vary_missing<'w>(
    existing: &[u8],
    wanted: &'w [u8],
) -> impl Iterator<Item = &'w [u8]> {
    let missing = move |name: &&[u8]| {
        !names(existing)
            .any(|other| other == b"*" || other.eq_ignore_ascii_case(name))
    };
    names(wanted).filter(missing)
}

/// The elements of a comma-separated list, without the empty ones.
fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',')
        .map(trim_spaces)
        .filter(|name| !name.is_empty())
}
