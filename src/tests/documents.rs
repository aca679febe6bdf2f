//! The documents say what the code does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::policy::diagnostic::{Diagnostic, Severity};
use crate::{DIAGNOSTICS_MAX, Policy};

/// For each code of an error or warning, the shortest policy that has it.
const EXAMPLES: &[(&str, &str)] = &[
    ("json-syntax", r#"{"allow_origins": ["https://a.example",]}"#),
    ("json-encoding", r#"{"allow_origins": ["\ud800"]}"#),
    ("json-nesting", r#"{"allow_origins": [[[[[[[[]]]]]]]]}"#),
    ("json-nul", r#"{"allow_origins": ["https://a.example\u0000"]}"#),
    ("wrong-type", r#"{"allow_origins": "https://a.example"}"#),
    ("variable-not-replaced", r#"{"allow_origins": ["${CORS_ORIGIN}"]}"#),
    ("unknown-key", r#"{"allow_origin": ["*"]}"#),
    ("duplicate-key", r#"{"allow_origins": ["*"], "allow_origins": ["*"]}"#),
    ("missing-key", r#"{}"#),
    ("origins-empty", r#"{"allow_origins": []}"#),
    (
        "origins-any-not-alone",
        r#"{"allow_origins": ["*", "https://a.example"]}"#,
    ),
    (
        "origin-any-credentials",
        r#"{"allow_origins": ["*"], "allow_credentials": true}"#,
    ),
    ("origin-null", r#"{"allow_origins": ["null"]}"#),
    (
        "origin-null-credentials",
        r#"{"allow_origins": ["null"], "allow_credentials": true}"#,
    ),
    ("origin-empty", r#"{"allow_origins": [""]}"#),
    (
        "origin-several",
        r#"{"allow_origins": ["https://a.example, https://b.example"]}"#,
    ),
    ("origin-space", r#"{"allow_origins": ["https://a.example "]}"#),
    ("origin-case", r#"{"allow_origins": ["https://A.example"]}"#),
    ("origin-scheme-missing", r#"{"allow_origins": ["a.example"]}"#),
    ("origin-keyword", r#"{"allow_origins": ["'self'"]}"#),
    ("origin-trailing-slash", r#"{"allow_origins": ["https://a.example/"]}"#),
    ("origin-path", r#"{"allow_origins": ["https://a.example/app"]}"#),
    ("origin-userinfo", r#"{"allow_origins": ["https://me@a.example"]}"#),
    ("origin-host", r#"{"allow_origins": ["https://a..example"]}"#),
    ("origin-unicode", r#"{"allow_origins": ["https://bücher.example"]}"#),
    ("origin-ipv4", r#"{"allow_origins": ["https://192.0.2"]}"#),
    ("origin-ipv6", r#"{"allow_origins": ["https://[2001:DB8:0:0::1]"]}"#),
    ("origin-port", r#"{"allow_origins": ["https://a.example:08443"]}"#),
    ("origin-default-port", r#"{"allow_origins": ["https://a.example:443"]}"#),
    (
        "origin-too-long",
        r#"{"allow_origins": ["https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"]}"#,
    ),
    ("origin-malformed", r#"{"allow_origins": ["1://a"]}"#),
    ("origin-file", r#"{"allow_origins": ["file://"]}"#),
    ("origin-regex", r#"{"allow_origins": ["^https://.+\\.a\\.example$"]}"#),
    (
        "origin-wildcard-scheme",
        r#"{"allow_origins": ["chrome-extension://*"]}"#,
    ),
    ("origin-wildcard-address", r#"{"allow_origins": ["http://10.0.*.1"]}"#),
    (
        "origin-address-range",
        r#"{"allow_origins": ["http://192.168.1.0/24"]}"#,
    ),
    (
        "origin-wildcard-labels",
        r#"{"allow_origins": ["https://*.*.a.example"]}"#,
    ),
    ("origin-wildcard-last", r#"{"allow_origins": ["https://*"]}"#),
    (
        "origin-double-star",
        r#"{"allow_origins": ["https://a.**.example.com"]}"#,
    ),
    ("origin-stars", r#"{"allow_origins": ["https://a*b*c*d*.example.com"]}"#),
    (
        "origin-wildcard-dot",
        r#"{"allow_origins": ["https://*.example.com."]}"#,
    ),
    (
        "origin-insecure",
        r#"{"allow_origins": ["http://a.example"], "allow_credentials": true}"#,
    ),
    (
        "origin-public-suffix",
        r#"{"allow_origins": ["https://*.github.io"], "allow_credentials": true}"#,
    ),
    (
        "origin-loopback",
        r#"{"allow_origins": ["http://localhost:*"], "allow_credentials": true}"#,
    ),
    ("origin-never-sent", r#"{"allow_origins": ["wss://a.example"]}"#),
    (
        "origin-port-blocked",
        r#"{"allow_origins": ["https://a.example:6000"]}"#,
    ),
    (
        "origin-any-port",
        r#"{"allow_origins": ["https://a.example:*"], "allow_credentials": true}"#,
    ),
    (
        "origin-covered",
        r#"{"allow_origins": ["https://*.a.example", "https://b.a.example"]}"#,
    ),
    (
        "duplicate",
        r#"{"allow_origins": ["https://a.example", "https://a.example"]}"#,
    ),
    (
        "method-malformed",
        r#"{"allow_origins": ["*"], "allow_methods": ["PUT, PATCH"]}"#,
    ),
    (
        "method-forbidden",
        r#"{"allow_origins": ["*"], "allow_methods": ["TRACE"]}"#,
    ),
    ("method-case", r#"{"allow_origins": ["*"], "allow_methods": ["put"]}"#),
    (
        "method-wildcard",
        r#"{"allow_origins": ["*"], "allow_methods": ["PUT*"]}"#,
    ),
    (
        "methods-any-not-alone",
        r#"{"allow_origins": ["*"], "allow_methods": ["*", "PUT"]}"#,
    ),
    (
        "header-malformed",
        r#"{"allow_origins": ["*"], "allow_headers": ["X A"]}"#,
    ),
    (
        "header-forbidden",
        r#"{"allow_origins": ["*"], "allow_headers": ["Cookie"]}"#,
    ),
    (
        "header-cors",
        r#"{"allow_origins": ["*"], "expose_headers": ["Access-Control-Max-Age"]}"#,
    ),
    (
        "header-covered",
        r#"{"allow_origins": ["*"], "allow_headers": ["*", "X-A"]}"#,
    ),
    (
        "header-wildcard",
        r#"{"allow_origins": ["*"], "allow_headers": ["x-amz-*"]}"#,
    ),
    (
        "expose-any-not-alone",
        r#"{"allow_origins": ["*"], "expose_headers": ["*", "X-A"]}"#,
    ),
    (
        "expose-any-credentials",
        r#"{"allow_origins": ["https://a.example"], "allow_credentials": true, "expose_headers": ["*"]}"#,
    ),
    ("list-too-long", ""),
    ("max-age-range", r#"{"allow_origins": ["*"], "max_age": 1728000}"#),
    (
        "preflight-status",
        r#"{"allow_origins": ["*"], "preflight_status": 202}"#,
    ),
    (
        "danger-unneeded",
        r#"{"allow_origins": ["*"], "dangerously_allow": {"null_origin": true}}"#,
    ),
    ("policy-size", ""),
];

#[test]
fn documents_list_every_code_with_an_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("POLICY.md");
    let text = fs::read_to_string(&path).expect("POLICY.md is there");
    let (before, rest) = text.split_once("<!-- codes:").expect("the mark");
    let (mark, rest) = rest.split_once("-->\n").expect("its end");
    let (_, after) =
        rest.split_once("<!-- end of codes -->").expect("the end of codes");
    let expected = format!(
        "{before}<!-- codes:{mark}-->\n{}<!-- end of codes -->{after}",
        table()
    );
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(&path, &expected).expect("POLICY.md can be written");
    } else {
        assert!(
            text == expected,
            "POLICY.md is stale: UPDATE_DOCUMENTS=1 cargo test documents"
        );
    }
}

#[test]
fn documents_know_all_codes_of_the_source() {
    let sources = [
        include_str!("../policy/rules.rs"),
        include_str!("../policy/rules/names.rs"),
        include_str!("../policy/rules/origins.rs"),
        include_str!("../policy/correction.rs"),
    ];
    let in_source: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(|text| {
            text.contains('-')
                && !text.starts_with('-')
                && !text.ends_with('-')
                && text
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        })
        .chain(["duplicate"])
        .collect();
    let in_table = EXAMPLES.iter().map(|(code, _)| *code).collect();
    assert_eq!(in_source, in_table);
}

#[test]
fn documents_name_only_codes_that_there_are() {
    let documents =
        [include_str!("../../POLICY.md"), include_str!("../../README.md")];
    for document in documents {
        for code in document.split("(`").skip(1).flat_map(|rest| {
            let inside = rest.split(')').next().unwrap_or_default();
            inside.trim_end_matches('`').split("`, `")
        }) {
            let known = EXAMPLES.iter().any(|(known, _)| *known == code);
            let prefixes = ["origin-", "header-", "method-", "json-"];
            if prefixes.iter().any(|prefix| code.starts_with(prefix)) {
                assert!(known, "{code}");
            }
        }
    }
}

#[test]
fn comments_of_the_sources_name_only_codes_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for folder in ["src", "cli/src", "bindings", "nginx-module", "include"] {
        // A package of the library alone has only the first.
        let path = root.join(folder);
        if path.exists() {
            check_comments(&path, &mut seen);
        }
    }
    assert!(seen > 0, "no comment names a code");
}

fn check_comments(path: &Path, seen: &mut usize) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("it can be listed") {
            check_comments(&entry.expect("it can be listed").path(), seen);
        }
    }
    let is_source = path.extension().is_some_and(|extension| {
        ["rs", "h", "hpp", "c"].iter().any(|known| extension == *known)
    });
    if !is_source || path.is_dir() {
        return;
    }
    let text = fs::read_to_string(path).expect("sources are UTF-8");
    for comment in text.lines().filter_map(|line| line.split_once("//")) {
        let words = comment.1.split(|c: char| {
            !matches!(c, 'a'..='z' | '0'..='9' | '-' | '[' | ']' | '`')
        });
        for word in words {
            let code = word.trim_matches(['[', ']', '`']);
            let families = ["origin-", "origins-", "header-", "method-"];
            let is_code = code.len() + 2 <= word.len()
                && families.iter().any(|family| code.starts_with(family));
            if is_code {
                *seen += 1;
                let known = EXAMPLES.iter().any(|(known, _)| *known == code);
                assert!(known, "{}: {code}", path.display());
            }
        }
    }
}

#[test]
fn documents_show_examples_as_they_are_compiled() {
    let readme = include_str!("../../README.md");
    let example = include_str!("../../bindings/c/example.c");
    let (_, listing) = readme.split_once("```c\n").expect("it is in C");
    let (listing, _) = listing.split_once("```\n").expect("it ends");
    assert!(!listing.is_empty());
    for line in listing.lines() {
        assert!(example.contains(&format!("    {line}\n")), "{line}");
    }
    assert!(readme.lines().count() < 200);
}

fn table() -> String {
    let mut table =
        String::from("| code | | example | fix |\n|---|---|---|---|\n");
    for &(code, policy) in EXAMPLES {
        if policy.is_empty() {
            continue;
        }
        let diagnostic = diagnostic(code, policy);
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let help = diagnostic.help.unwrap_or_default();
        table += &format!(
            "| `{code}` | {severity} | `{}` | {} |\n",
            policy.replace('|', "\\|"),
            help.replace('*', "\\*").replace('|', "\\|"),
        );
    }
    table
}

fn diagnostic(code: &str, policy: &str) -> Diagnostic {
    let loaded = Policy::from_json(policy.as_bytes());
    let diagnostics = match &loaded {
        Ok(policy) => policy.warnings(),
        Err(error) => error.diagnostics(),
    };
    assert!(diagnostics.len() <= DIAGNOSTICS_MAX);
    diagnostics
        .iter()
        .find(|diagnostic| diagnostic.code == code)
        .unwrap_or_else(|| panic!("no {code} in {diagnostics:?}"))
        .clone()
}
