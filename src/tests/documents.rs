//! The documents say what the code does.

use std::fs;
use std::path::Path;

use crate::{
    Code, DIAGNOSTICS_MAX, Diagnostic, KEYS, Key, KeyDefault, Policy, Request,
    Severity, Values, Verdict,
};

/// For each code of an error or warning, the shortest policy that has it.
const EXAMPLES: &[(Code, &str)] = &[
    (Code::JsonSyntax, r#"{"allow_origins": ["https://a.example",]}"#),
    (Code::JsonEncoding, r#"{"allow_origins": ["\ud800"]}"#),
    (Code::JsonNesting, r#"{"allow_origins": [[[[[[[[]]]]]]]]}"#),
    (Code::JsonNul, r#"{"allow_origins": ["https://a.example\u0000"]}"#),
    (Code::WrongType, r#"{"allow_origins": "https://a.example"}"#),
    (Code::VariableNotReplaced, r#"{"allow_origins": ["${CORS_ORIGIN}"]}"#),
    (Code::UnknownKey, r#"{"allow_origin": ["*"]}"#),
    (
        Code::DuplicateKey,
        r#"{"allow_origins": ["*"], "allow_origins": ["*"]}"#,
    ),
    (Code::MissingKey, r#"{}"#),
    (
        Code::MisplacedKey,
        r#"{"rules": [{"allow_origins": ["*"]}], "max_age": 60}"#,
    ),
    (Code::RulesEmpty, r#"{"rules": []}"#),
    (Code::RulesTooMany, ""),
    (Code::OriginsEmpty, r#"{"allow_origins": []}"#),
    (
        Code::OriginsAnyNotAlone,
        r#"{"allow_origins": ["*", "https://a.example"]}"#,
    ),
    (
        Code::OriginsAnyNotLast,
        r#"{"rules": [{"allow_origins": ["*"]}, {"allow_origins": ["https://a.example"]}]}"#,
    ),
    (
        Code::OriginAnyCredentials,
        r#"{"allow_origins": ["*"], "allow_credentials": true}"#,
    ),
    (Code::OriginNull, r#"{"allow_origins": ["null"]}"#),
    (
        Code::OriginNullCredentials,
        r#"{"allow_origins": ["null"], "allow_credentials": true}"#,
    ),
    (Code::OriginEmpty, r#"{"allow_origins": [""]}"#),
    (
        Code::OriginSeveral,
        r#"{"allow_origins": ["https://a.example, https://b.example"]}"#,
    ),
    (Code::OriginSpace, r#"{"allow_origins": ["https://a.example "]}"#),
    (Code::OriginCase, r#"{"allow_origins": ["https://A.example"]}"#),
    (Code::OriginSchemeMissing, r#"{"allow_origins": ["a.example"]}"#),
    (Code::OriginKeyword, r#"{"allow_origins": ["'self'"]}"#),
    (
        Code::OriginTrailingSlash,
        r#"{"allow_origins": ["https://a.example/"]}"#,
    ),
    (Code::OriginPath, r#"{"allow_origins": ["https://a.example/app"]}"#),
    (Code::OriginUserinfo, r#"{"allow_origins": ["https://me@a.example"]}"#),
    (Code::OriginHost, r#"{"allow_origins": ["https://a..example"]}"#),
    (Code::OriginUnicode, r#"{"allow_origins": ["https://bücher.example"]}"#),
    (Code::OriginIpv4, r#"{"allow_origins": ["https://192.0.2"]}"#),
    (Code::OriginIpv6, r#"{"allow_origins": ["https://[2001:DB8:0:0::1]"]}"#),
    (Code::OriginPort, r#"{"allow_origins": ["https://a.example:08443"]}"#),
    (
        Code::OriginDefaultPort,
        r#"{"allow_origins": ["https://a.example:443"]}"#,
    ),
    (
        Code::OriginTooLong,
        r#"{"allow_origins": ["https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"]}"#,
    ),
    (Code::OriginMalformed, r#"{"allow_origins": ["1://a"]}"#),
    (Code::OriginFile, r#"{"allow_origins": ["file://"]}"#),
    (
        Code::OriginRegex,
        r#"{"allow_origins": ["^https://.+\\.a\\.example$"]}"#,
    ),
    (
        Code::OriginWildcardScheme,
        r#"{"allow_origins": ["chrome-extension://*:3000"]}"#,
    ),
    (Code::OriginWildcardAddress, r#"{"allow_origins": ["http://10.0.*.1"]}"#),
    (
        Code::OriginAddressRange,
        r#"{"allow_origins": ["http://192.168.0.0/255.255.0.0"]}"#,
    ),
    (
        Code::OriginRangeNetwork,
        r#"{"allow_origins": ["https://192.168.1.5/24"]}"#,
    ),
    (
        Code::OriginWildcardLabels,
        r#"{"allow_origins": ["https://*.*.a.example"]}"#,
    ),
    (Code::OriginWildcardLast, r#"{"allow_origins": ["https://*"]}"#),
    (
        Code::OriginDoubleStar,
        r#"{"allow_origins": ["https://a.**.example.com"]}"#,
    ),
    (
        Code::OriginStars,
        r#"{"allow_origins": ["https://a*b*c*d*.example.com"]}"#,
    ),
    (
        Code::OriginWildcardDot,
        r#"{"allow_origins": ["https://*.example.com."]}"#,
    ),
    (
        Code::OriginInsecure,
        r#"{"allow_origins": ["http://a.example"], "allow_credentials": true}"#,
    ),
    (
        Code::OriginPublicSuffix,
        r#"{"allow_origins": ["https://*.github.io"], "allow_credentials": true}"#,
    ),
    (
        Code::OriginPublicRange,
        r#"{"allow_origins": ["https://192.0.0.0/8"], "allow_credentials": true}"#,
    ),
    (
        Code::OriginAnyHost,
        r#"{"allow_origins": ["moz-extension://*"], "allow_credentials": true}"#,
    ),
    (
        Code::OriginLoopback,
        r#"{"allow_origins": ["http://localhost:*"], "allow_credentials": true}"#,
    ),
    (Code::OriginNeverSent, r#"{"allow_origins": ["wss://a.example"]}"#),
    (
        Code::OriginPortBlocked,
        r#"{"allow_origins": ["https://a.example:6000"]}"#,
    ),
    (
        Code::OriginAnyPort,
        r#"{"allow_origins": ["https://a.example:*"], "allow_credentials": true}"#,
    ),
    (
        Code::OriginCovered,
        r#"{"allow_origins": ["https://*.a.example", "https://b.a.example"]}"#,
    ),
    (
        Code::OriginInEarlierRule,
        r#"{"rules": [{"allow_origins": ["https://*.example.com"]}, {"allow_origins": ["https://a.example.com"]}]}"#,
    ),
    (
        Code::Duplicate,
        r#"{"allow_origins": ["https://a.example", "https://a.example"]}"#,
    ),
    (
        Code::MethodMalformed,
        r#"{"allow_origins": ["*"], "allow_methods": ["PUT, PATCH"]}"#,
    ),
    (
        Code::MethodForbidden,
        r#"{"allow_origins": ["*"], "allow_methods": ["TRACE"]}"#,
    ),
    (
        Code::MethodCase,
        r#"{"allow_origins": ["*"], "allow_methods": ["put"]}"#,
    ),
    (
        Code::MethodWildcard,
        r#"{"allow_origins": ["*"], "allow_methods": ["PUT*"]}"#,
    ),
    (
        Code::MethodsAnyNotAlone,
        r#"{"allow_origins": ["*"], "allow_methods": ["*", "PUT"]}"#,
    ),
    (
        Code::HeaderMalformed,
        r#"{"allow_origins": ["*"], "allow_headers": ["X A"]}"#,
    ),
    (
        Code::HeaderForbidden,
        r#"{"allow_origins": ["*"], "allow_headers": ["Cookie"]}"#,
    ),
    (
        Code::HeaderCors,
        r#"{"allow_origins": ["*"], "expose_headers": ["Access-Control-Max-Age"]}"#,
    ),
    (
        Code::HeaderCovered,
        r#"{"allow_origins": ["*"], "allow_headers": ["*", "X-A"]}"#,
    ),
    (
        Code::HeaderWildcard,
        r#"{"allow_origins": ["*"], "allow_headers": ["x-amz-*"]}"#,
    ),
    (
        Code::ExposeAnyNotAlone,
        r#"{"allow_origins": ["*"], "expose_headers": ["*", "X-A"]}"#,
    ),
    (
        Code::ExposeAnyCredentials,
        r#"{"allow_origins": ["https://a.example"], "allow_credentials": true, "expose_headers": ["*"]}"#,
    ),
    (Code::ListTooLong, ""),
    (Code::MaxAgeRange, r#"{"allow_origins": ["*"], "max_age": 1728000}"#),
    (
        Code::PreflightStatus,
        r#"{"allow_origins": ["*"], "preflight_status": 202}"#,
    ),
    (
        Code::BlockKind,
        r#"{"allow_origins": ["*"], "block": ["unsafe_method"]}"#,
    ),
    (
        Code::TimingOrigin,
        r#"{"allow_origins": ["*"], "timing_allow_origins": ["https://*.example.com"]}"#,
    ),
    (
        Code::TimingAnyNotAlone,
        r#"{"allow_origins": ["*"], "timing_allow_origins": ["*", "https://a.example"]}"#,
    ),
    (
        Code::DangerUnneeded,
        r#"{"allow_origins": ["*"], "dangerously_allow": {"null_origin": true}}"#,
    ),
    (Code::PolicySize, ""),
];

#[test]
fn documents_list_every_code_with_an_example() {
    check("POLICY.md", "<!-- codes:", "<!-- end of codes -->", &table());
}

#[test]
fn documents_list_every_key() {
    check("POLICY.md", "<!-- keys:", "<!-- end of keys -->", &key_table());
    let mut dangers = String::from("| member | turned off |\n|---|---|\n");
    for key in keys_below(KEYS).iter().filter(|key| !is_top(key)) {
        dangers += &format!(
            "| `\"{}\": {}` | {} |\n",
            key.name(),
            if matches!(key.values, Values::Boolean) {
                "true"
            } else {
                "[patterns]"
            },
            key.meaning
        );
    }
    check("POLICY.md", "<!-- dangers:", "<!-- end of dangers -->", &dangers);
}

#[test]
fn the_fuzzers_know_every_key() {
    let words: String = keys_below(KEYS)
        .iter()
        .map(|key| format!("\"\\\"{}\\\":\"\n", key.name()))
        .collect();
    check("fuzz/dict/policy.dict", "# Keys:", "# End of keys.", &words);
}

/// A key is read, and from where it says: a value of a type that it does not
/// take is an error there.
#[test]
fn every_key_has_the_type_that_it_says() {
    for key in keys_below(KEYS) {
        let wrong = match key.values {
            Values::Text => "1",
            _ => "\"text\"",
        };
        let policy = match is_top(key) {
            true => format!("{{\"{}\": {wrong}}}", key.name()),
            false => format!(
                "{{\"dangerously_allow\": {{\"{}\": {wrong}}}}}",
                key.name()
            ),
        };
        let error = Policy::from_json(policy.as_bytes()).expect_err(&policy);
        let found = error.diagnostics().iter().any(|diagnostic| {
            diagnostic.code == Code::WrongType
                && diagnostic.pointer == key.pointer
        });
        assert!(found, "{policy}: {error}");
    }
}

/// Compares what is between two marks of a file, the first of which may go on
/// to the end of its line, or writes it.
fn check(file: &str, start: &str, end: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    // A package of the library alone has no fuzzers.
    let Ok(text) = fs::read_to_string(&path) else {
        assert!(file.starts_with("fuzz"), "{file} is not there");
        return;
    };
    let (before, rest) = text.split_once(start).expect("the first mark");
    let (mark, rest) = rest.split_once('\n').expect("its end");
    let (_, after) = rest.split_once(end).expect("the second mark");
    let expected = format!("{before}{start}{mark}\n{expected}{end}{after}");
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(&path, &expected).expect("it can be written");
    } else {
        assert!(
            text == expected,
            "{file} is stale: UPDATE_DOCUMENTS=1 cargo test documents"
        );
    }
}

/// These keys, and those of the objects that they take.
fn keys_below(keys: &[&'static Key]) -> Vec<&'static Key> {
    let mut all = keys.to_vec();
    for key in keys {
        if let Values::Object(members) = key.values {
            all.extend(keys_below(members));
        }
    }
    all
}

fn is_top(key: &Key) -> bool {
    key.pointer.matches('/').count() == 1
}

fn key_table() -> String {
    let mut table = String::from(
        "| key | value | default | meaning |\n|---|---|---|---|\n",
    );
    for key in KEYS {
        let values = match key.values {
            Values::Text => "text".into(),
            Values::Boolean => "boolean".into(),
            Values::Seconds(max) => format!("seconds, 0 to {max}"),
            Values::Status([one, other]) => format!("{one} or {other}"),
            Values::Origins => "origin patterns, at least one".into(),
            Values::ExactOrigins => "exact origins, or `*`".into(),
            Values::Patterns => "origin patterns".into(),
            Values::Names => "names, or `*`".into(),
            Values::Choices(words) => format!("`{}`", words.join("`, `")),
            Values::Rules(_) => "objects, at least one, see below".into(),
            Values::Object(_) => "object, see below".into(),
        };
        let default = match key.default {
            KeyDefault::Required => "required".into(),
            KeyDefault::Absent => String::new(),
            KeyDefault::Json(value) => format!("`{value}`"),
        };
        table += &format!(
            "| `{}` | {values} | {default} | {} |\n",
            key.name(),
            key.meaning
        );
    }
    table
}

#[test]
fn every_code_has_an_example_or_cannot_have_one() {
    let examples: Vec<Code> = EXAMPLES.iter().map(|(code, _)| *code).collect();
    for code in Code::ALL {
        // A file that cannot be read, and the last of a hundred.
        let no_example = matches!(code, Code::Io | Code::More);
        assert_eq!(examples.contains(code), !no_example, "{code}");
    }
}

#[test]
fn documents_name_only_codes_that_there_are() {
    let documents = [
        include_str!("../../BLOCKING.md"),
        include_str!("../../POLICY.md"),
        include_str!("../../README.md"),
        include_str!("../../SECURITY.md"),
    ];
    for document in documents {
        for code in document.split("(`").skip(1).flat_map(|rest| {
            let inside = rest.split(')').next().unwrap_or_default();
            inside.trim_end_matches('`').split("`, `")
        }) {
            let known = Code::ALL.iter().any(|known| known.name() == code);
            let prefixes = ["origin-", "header-", "method-", "json-"];
            if prefixes.iter().any(|prefix| code.starts_with(prefix)) {
                assert!(known, "{code}");
            }
        }
    }
}

/// POLICY.md sends its readers there.
#[test]
fn packages_with_policy_md_have_blocking_md() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for list in ["Cargo.toml", "debian/libnginx-mod-http-cors.docs"] {
        // A package of the library alone has only the first.
        let Ok(text) = fs::read_to_string(root.join(list)) else { continue };
        for document in ["POLICY.md", "BLOCKING.md"] {
            let is_listed =
                text.split(['\n', '"', '/']).any(|w| w == document);
            assert!(is_listed, "{list}: {document}");
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
                let known = Code::ALL.iter().any(|known| known.name() == code);
                assert!(known, "{}: {code}", path.display());
            }
        }
    }
}

#[test]
fn patterns_match_what_the_document_says() {
    let text = include_str!("../../POLICY.md");
    let (_, rest) = text.split_once("<!-- patterns:").expect("the mark");
    let (table, _) = rest.split_once("<!-- end of patterns").expect("its end");
    let mut tried = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, pattern, _, matches, others, _] = cells[..] else {
            panic!("{row}");
        };
        let pattern = pattern.trim_matches('`');
        let json = format!(
            r#"{{"allow_origins": ["{pattern}"],
                 "dangerously_allow": {{"null_origin": true}}}}"#
        );
        let policy = Policy::from_json(json.as_bytes()).expect("it loads");
        for (origins, expected) in [(matches, true), (others, false)] {
            for origin in origins.split('`').skip(1).step_by(2) {
                let decision = policy.evaluate(&Request {
                    method: Some(b"GET"),
                    origin: Some(origin.as_bytes()),
                    ..Request::default()
                });
                let allowed = decision.verdict == Verdict::Allowed;
                assert_eq!(allowed, expected, "{pattern}, {origin}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 20, "{tried}");
}

#[test]
fn ranges_are_accepted_as_the_document_says() {
    let text = include_str!("../../POLICY.md");
    let (_, rest) = text.split_once("<!-- ranges:").expect("the mark");
    let (table, _) = rest.split_once("<!-- end of ranges").expect("its end");
    let mut tried = 0;
    for row in table.lines().filter(|line| line.contains("://")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, _, example, with, without, member, _] = cells[..] else {
            panic!("{row}");
        };
        let range = example.trim_matches('`');
        let code = with.split('`').nth(1);
        for (credentials, cell) in [(true, with), (false, without)] {
            let severity = match cell.split(" (").next() {
                Some("rejected") => Some(Severity::Error),
                Some("a warning") => Some(Severity::Warning),
                Some("loads") => None,
                _ => panic!("{row}"),
            };
            let found = diagnostics(range, credentials, "{}");
            let expected = severity.zip(code).into_iter().collect::<Vec<_>>();
            let found: Vec<(Severity, &str)> =
                found.iter().map(|d| (d.severity, d.code.name())).collect();
            assert_eq!(found, expected, "{row}");
            tried += 1;
        }
        let member = member.trim_matches('`');
        if !member.is_empty() {
            let danger = format!("{{\"{member}\": [\"{range}\"]}}");
            assert_eq!(diagnostics(range, true, &danger), [], "{row}");
            tried += 1;
        }
    }
    assert_eq!(tried, 11);
}

fn diagnostics(
    pattern: &str,
    credentials: bool,
    danger: &str,
) -> Vec<Diagnostic> {
    let policy = format!(
        r#"{{"allow_origins": ["{pattern}"],
             "allow_credentials": {credentials},
             "dangerously_allow": {danger}}}"#
    );
    match Policy::from_json(policy.as_bytes()) {
        Ok(policy) => policy.warnings().to_vec(),
        Err(error) => error.diagnostics().to_vec(),
    }
}

#[test]
fn the_design_has_every_dependency() {
    let design = include_str!("../../DESIGN.md");
    let (_, section) = design.split_once("\n## Dependencies\n").expect("it");
    let section = section.split("\n## ").next().unwrap_or_default();
    let is_name =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let words: Vec<&str> = section.split(|c| !is_name(c)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for manifest in ["Cargo.toml", "cli/Cargo.toml"] {
        // A package of the library alone has no command.
        let text = fs::read_to_string(root.join(manifest)).unwrap_or_default();
        let tables =
            text.split("\n[").filter(|t| t.contains("dependencies]\n"));
        let lines = tables.flat_map(str::lines);
        for (name, _) in lines.filter_map(|line| line.split_once(" = ")) {
            let is_ours = matches!(name, "libcors" | "browser");
            if name.chars().all(is_name) && !is_ours {
                assert!(words.contains(&name), "{manifest}: {name}");
                found += 1;
            }
        }
    }
    assert!(found > 10, "{found}");
}

#[test]
fn documents_keep_the_readme_short() {
    let readme = include_str!("../../README.md");
    assert!(readme.lines().count() < 200);
}

/// The headings of the table, each with the first code below it.
const GROUPS: &[(Code, &str)] = &[
    (Code::JsonSyntax, "The file"),
    (Code::WrongType, "Keys and values"),
    (Code::OriginsEmpty, "Origins: `*` and `null`"),
    (Code::OriginEmpty, "Origins: form"),
    (Code::OriginWildcardScheme, "Origins: wildcards"),
    (Code::OriginInsecure, "Origins: danger, and patterns without effect"),
    (Code::MethodMalformed, "Methods"),
    (Code::HeaderMalformed, "Headers"),
    (Code::MaxAgeRange, "Other keys"),
];

fn table() -> String {
    let mut table = String::new();
    for &(code, policy) in EXAMPLES {
        if let Some((_, heading)) = GROUPS.iter().find(|(c, _)| *c == code) {
            table += &format!(
                "\n### {heading}\n\n\
                 | code | example | message | fix |\n|---|---|---|---|\n"
            );
        }
        if policy.is_empty() {
            continue;
        }
        let diagnostic = diagnostic(code, policy);
        let severity = match diagnostic.severity {
            Severity::Error => "",
            Severity::Warning => " (warning)",
        };
        let cell = |text: &str| text.replace('*', "\\*").replace('|', "\\|");
        table += &format!(
            "| `{code}`{severity} | `{}` | {} | {} |\n",
            policy.replace('|', "\\|"),
            cell(&diagnostic.message),
            cell(&diagnostic.help.unwrap_or_default()),
        );
    }
    table + "\n"
}

fn diagnostic(code: Code, policy: &str) -> Diagnostic {
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
