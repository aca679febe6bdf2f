//! Errors as Rust programs show them, and what is wrong with a text that is no
//! JSON, where no vector says so.

use std::error::Error as _;

use crate::{LoadError, Policy};

fn error_of(json: &[u8]) -> LoadError {
    Policy::from_json(json).expect_err("it is no policy")
}

#[test]
fn each_diagnostic_is_one_line_with_its_place_and_code() {
    let error = error_of(
        b"{\n \"allow_origins\": [\"http://a.example\", \"https://a.example/\"],
 \"description\": 5\n}",
    );
    let lines: Vec<String> =
        error.to_string().lines().map(String::from).collect();
    assert_eq!(lines.len(), error.diagnostics().len());
    for (line, diagnostic) in lines.iter().zip(error.diagnostics()) {
        assert_eq!(*line, diagnostic.to_string());
        assert!(line.ends_with(&format!(" [{}]", diagnostic.code)), "{line}");
        let help = diagnostic.help.as_deref().expect("each of these has one");
        let text = format!("{}; {help} [", diagnostic.message);
        assert!(line.contains(&text), "{line}");
    }
    assert!(lines[0].starts_with("line 2, column 20: warning: "));
    assert!(lines[1].starts_with("line 2, column 40: \""));
    assert!(lines[2].starts_with("line 3, column 17: "));
    assert!(error.source().is_none());

    let error = Policy::from_file("/nowhere".as_ref()).expect_err("no file");
    assert!(error.source().is_some());
    assert!(!error.to_string().starts_with("line"), "{error}");
}

#[test]
fn a_policy_is_not_shown_whole() {
    let policy = Policy::from_json(br#"{"allow_origins": ["https://a.b"]}"#);
    let policy = policy.expect("it is one");
    assert_eq!(format!("{policy:?}"), "Policy { .. }");
}

/// With the column of the fault, which is in the first line.
#[test]
fn what_is_not_json_has_a_place_and_a_fix() {
    for (json, code, column) in [
        (&b"\0\0\0{"[..], "json-encoding", 1),
        (b"{\0\0\0", "json-encoding", 1),
        (b"\xff\xfe\0\0{", "json-encoding", 1),
        (b"\xff\xfe{\0", "json-encoding", 1),
        (b"{\0}\0", "json-encoding", 1),
        (b"\0{\0}", "json-encoding", 1),
        (b"{1: 2}", "json-syntax", 2),
        (b"{\"max_age\": -}", "json-syntax", 14),
        (b"{\"max_age\":", "json-syntax", 12),
        (b"{\"allow_origins\": [\"*\"}", "json-syntax", 23),
        (b"{\"allow_origins\": \"*\"]", "json-syntax", 22),
        (b"{\"a\": [\"b\" ;", "json-syntax", 12),
        (b"{\"a\": \"\\uZZZZ\"}", "json-syntax", 13),
        ("{\"a\": \u{e9}".as_bytes(), "json-syntax", 7),
    ] {
        let shown = json.escape_ascii();
        let error = error_of(json);
        let [diagnostic] = error.diagnostics() else { panic!("{shown}") };
        let place = (diagnostic.line, diagnostic.column);
        assert_eq!(diagnostic.code.name(), code, "{shown}");
        assert_eq!(place, (1, column), "{shown}");
        assert!(diagnostic.help.is_some(), "{shown}");
    }
}

/// Brackets in a string do not count, whatever is escaped in it.
#[test]
fn the_depth_is_that_of_arrays_and_objects() {
    for (brackets, code) in [
        (7, "wrong-type"),
        (8, "json-nesting"),
        // The parser has no limit of its own.
        (200_000, "json-nesting"),
    ] {
        let json = format!(
            r#"{{"allow_origins": ["*"], "max_age": {}"\\\"[["{}}}"#,
            "[".repeat(brackets),
            "]".repeat(brackets)
        );
        let error = error_of(json.as_bytes());
        let [diagnostic] = error.diagnostics() else { panic!("{error}") };
        assert_eq!(diagnostic.code.name(), code);
    }
}

/// What is no pattern is not in the set, but the elements behind it are.
#[test]
fn an_origin_twice_is_told_behind_one_that_is_malformed() {
    let error = error_of(
        br#"{"allow_origins": ["https://a.example/", "https://b.example",
            "https://b.example"]}"#,
    );
    let codes: Vec<_> =
        error.diagnostics().iter().map(|d| d.code.name()).collect();
    assert_eq!(codes, ["origin-trailing-slash", "duplicate"]);
}
