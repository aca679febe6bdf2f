//! What a response's `Vary` lacks.

use proptest::prelude::*;

use crate::vary_missing;

const PREFLIGHT: &str =
    "origin, access-control-request-method, access-control-request-headers";

fn missing(existing: &str, wanted: &str) -> String {
    let names: Vec<_> = vary_missing(existing.as_bytes(), wanted.as_bytes())
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
