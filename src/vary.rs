//! `Vary`: what a response lists already is not added again (RFC 9110,
//! [section 12.5.5]).
//!
//! [section 12.5.5]: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5

use crate::names::token::trim_spaces;

/// The names of `wanted`, such as the value of a decision's `Vary`, that
/// `existing`, the value of one `Vary` field of a response, does not list.
/// None if `existing` lists `*`. A response with several `Vary` fields is
/// asked about each in turn.
///
/// Names compare without case; spaces, tabs and empty elements are ignored
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFLIGHT: &str = "origin, access-control-request-method, access-control-request-headers";

    fn missing(existing: &str, wanted: &str) -> String {
        let names: Vec<_> =
            vary_missing(existing.as_bytes(), wanted.as_bytes())
                .map(|name| str::from_utf8(name).expect("ASCII"))
                .collect();
        names.join(", ")
    }

    #[test]
    fn only_what_is_not_listed_is_missing() {
        for (existing, wanted, expected) in [
            ("", "origin", "origin"),
            ("Origin", "origin", ""),
            ("Accept-Encoding", "origin", "origin"),
            ("Accept-Encoding,ORIGIN", "origin", ""),
            ("accept-encoding ,\torigin\t,", "origin", ""),
            ("*", PREFLIGHT, ""),
            ("Accept, *", PREFLIGHT, ""),
            // No star by itself, and not the whole name.
            ("x*", "origin", "origin"),
            ("origins, x-origin", "origin", "origin"),
            ("", PREFLIGHT, PREFLIGHT),
            (
                "Access-Control-Request-Method",
                PREFLIGHT,
                "origin, access-control-request-headers",
            ),
            ("origin,access-control-request-headers", "origin", ""),
            (",,", "origin", "origin"),
            ("Origin", ",,", ""),
        ] {
            assert_eq!(missing(existing, wanted), expected, "{existing:?}");
        }
    }

    proptest! {
        /// A response with what it listed and what was missing lists all, and
        /// nothing is missing twice.
        #[test]
        fn nothing_is_missing_once_it_is_added(
            existing in "[ ,a-cA-C*]{0,12}",
            wanted in "[ ,a-c]{0,12}",
        ) {
            let added = missing(&existing, &wanted);
            let merged = format!("{existing},{added}");
            prop_assert_eq!(missing(&merged, &wanted), "");
            prop_assert!(added.len() <= 2 * wanted.len());
        }
    }
}
