//! Bounds that no vector can hold. The others are tested in `vectors/`, at,
//! below and above each.

use crate::{Code, POLICY_MAX, Policy};

#[test]
fn a_policy_of_256_mib_loads_and_one_byte_more_does_not() {
    let mut json = br#"{ "allow_origins": ["*"] }"#.to_vec();
    json.resize(POLICY_MAX, b' ');
    assert!(Policy::from_json(&json).is_ok());
    json.push(b' ');
    let error = Policy::from_json(&json).expect_err("it is too large");
    let [diagnostic] = error.diagnostics() else { panic!("{error}") };
    assert_eq!(diagnostic.code, Code::PolicySize);
    assert_eq!((diagnostic.line, diagnostic.column), (0, 0));
}

#[test]
fn a_byte_order_mark_is_skipped_and_counts_for_no_column() {
    assert!(
        Policy::from_json(b"\xef\xbb\xbf{\"allow_origins\":[\"*\"]}").is_ok()
    );
    let error = Policy::from_json(b"\xef\xbb\xbf{}").expect_err("no origins");
    let [diagnostic] = error.diagnostics() else { panic!("{error}") };
    assert_eq!((diagnostic.line, diagnostic.column), (1, 1));
}

#[test]
fn columns_count_characters_and_not_bytes() {
    let json = "{\n\"description\": \"\u{e9}\u{1f600}\", \"x\": 1}".as_bytes();
    let error = Policy::from_json(json).expect_err("an unknown key");
    let diagnostic = &error.diagnostics()[1];
    assert_eq!(diagnostic.code, Code::UnknownKey);
    assert_eq!((diagnostic.line, diagnostic.column), (2, 22));
}
