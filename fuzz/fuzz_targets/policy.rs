//! Any bytes as a policy file: what the diagnostics promise.

#![no_main]

use cors::{Code, DIAGNOSTICS_MAX, Diagnostic, Policy, Request, Severity};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    let loaded = Policy::from_json(json);
    let diagnostics = diagnostics(&loaded);
    let is_error = |d: &&Diagnostic| d.severity == Severity::Error;
    let errors = diagnostics.iter().filter(is_error).count();
    assert_eq!(loaded.is_err(), errors > 0, "{diagnostics:#?}");
    assert!(diagnostics.len() <= DIAGNOSTICS_MAX);
    for diagnostic in diagnostics {
        check_texts(diagnostic);
        check_place(json, diagnostic);
        check_help(diagnostic);
    }
    check_order(diagnostics);

    let again = Policy::from_json(json);
    assert_eq!(diagnostics, self::diagnostics(&again), "not deterministic");
    if let (Ok(one), Ok(other)) = (&loaded, &again) {
        check_decisions(one, other);
    }
});

fn diagnostics(loaded: &Result<Policy, cors::LoadError>) -> &[Diagnostic] {
    match loaded {
        Ok(policy) => policy.warnings(),
        Err(error) => error.diagnostics(),
    }
}

/// One line each, of characters that are seen.
fn check_texts(diagnostic: &Diagnostic) {
    let Diagnostic { pointer, message, help, .. } = diagnostic;
    let texts = [pointer, message, help.as_deref().unwrap_or_default()];
    for text in texts {
        assert!(text.chars().all(is_visible), "{diagnostic:?}");
    }
    assert!(!message.is_empty(), "{diagnostic:?}");
    assert!(pointer.is_empty() || pointer.starts_with('/'), "{diagnostic:?}");
    let escapes = pointer.split('~').skip(1);
    assert!(
        escapes.clone().all(|rest| rest.starts_with(['0', '1'])),
        "{diagnostic:?}"
    );
}

/// No control character, no white space but the space, and none of those that
/// show nothing or turn the line around.
fn is_visible(c: char) -> bool {
    let hidden = matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    c == ' ' || !(c.is_control() || c.is_whitespace() || hidden)
}

/// Line and column lead into the file; where a pointer goes with them, to a
/// value or a key.
fn check_place(json: &[u8], diagnostic: &Diagnostic) {
    let Diagnostic { code, pointer, line, column, .. } = diagnostic;
    if *line == 0 {
        assert_eq!(*code, Code::More, "{diagnostic:?}");
        assert_eq!(*column, 0, "{diagnostic:?}");
        return;
    }
    let text = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let place = text
        .split(|&byte| byte == b'\n')
        .nth(*line as usize - 1)
        .and_then(|line| rest_of_line(line, *column));
    let rest = place.unwrap_or_else(|| panic!("outside: {diagnostic:?}"));
    if !pointer.is_empty() {
        assert!(
            rest.first().is_some_and(|b| b"\"[{tfn-0123456789".contains(b)),
            "not at a value: {diagnostic:?}"
        );
    }
}

/// What stands from the character `column` on; its end is a place too.
fn rest_of_line(line: &[u8], column: u32) -> Option<&[u8]> {
    let goes_on = |byte: u8| byte & 0xc0 == 0x80;
    let starts = (0..line.len()).filter(|&i| !goes_on(line[i]));
    let at = starts.chain([line.len()]).nth((column as usize).checked_sub(1)?);
    at.map(|at| &line[at..])
}

/// In the order of the file; only what was left out is counted at the end.
fn check_order(diagnostics: &[Diagnostic]) {
    let places: Vec<_> = diagnostics
        .iter()
        .filter(|d| d.code != Code::More)
        .map(|d| (d.line, d.column))
        .collect();
    assert!(places.is_sorted(), "{diagnostics:#?}");
    let more = diagnostics.iter().position(|d| d.code == Code::More);
    assert!(more.is_none_or(|at| at == DIAGNOSTICS_MAX - 1));
}

/// Who does what the help for an origin says must not be refused again.
fn check_help(diagnostic: &Diagnostic) {
    let Some(fix) = offered_origin(diagnostic) else { return };
    let json = format!(
        r#"{{"allow_origins":["{fix}"],
             "dangerously_allow":{{"null_origin":true}}}}"#
    );
    if let Err(error) = Policy::from_json(json.as_bytes()) {
        panic!("the fix is refused: {diagnostic:?}\n{error}");
    }
}

/// The origin in "use <origin>", where the help has that form.
fn offered_origin(diagnostic: &Diagnostic) -> Option<&str> {
    if !diagnostic.code.name().starts_with("origin-") {
        return None;
    }
    let fix = diagnostic.help.as_deref()?.strip_prefix("use ")?;
    let fix = fix.split(", or list ").next()?;
    let is_origin = fix == "null" || fix.contains("://");
    (is_origin && !fix.contains(' ')).then_some(fix)
}

/// Two loads of one file decide the same.
fn check_decisions(one: &Policy, other: &Policy) {
    let origins = [
        "null",
        "https://a.com",
        "https://b.a.com",
        "http://[::1]",
        "http://10.1.2.3:8080",
        "app://a",
        "",
    ];
    let headers = ["", "x-a,authorization", "x a"];
    for origin in origins {
        for headers in headers {
            for method in ["OPTIONS", "POST"] {
                let request = Request {
                    method: Some(method.as_bytes()),
                    origin: Some(origin.as_bytes()),
                    request_method: Some(b"PUT"),
                    request_headers: Some(headers.as_bytes()),
                    ..Request::default()
                };
                assert_eq!(one.explain(&request), other.explain(&request));
            }
        }
    }
}
