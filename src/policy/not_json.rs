//! What a text that is not JSON was meant to be, and how JSON says it.

use super::correction::{VARIABLE_HELP, has_variable};
use super::document::SyntaxError;

/// A syntax error explained.
pub(super) struct Explained {
    pub(super) message: String,
    pub(super) help: String,
    pub(super) offset: usize,
}

pub(super) const ENCODING_HELP: &str = "use UTF-8 when you save the file";

const EXAMPLE: &str = r#"{"allow_origins": ["https://app.example.com"]}"#;

/// The encoding of a text that is Unicode, but not in UTF-8.
pub(super) fn other_encoding(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        // An ASCII character without a mark before it.
        [0, 0, 0, c, ..] | [c, 0, 0, 0, ..] if *c != 0 => Some("UTF-32"),
        [0, c, ..] | [c, 0, ..] if *c != 0 => Some("UTF-16"),
        _ => None,
    }
}

/// Explains what the parser found; the offset may move to what is to change.
pub(super) fn explain(text: &str, error: SyntaxError) -> Explained {
    let SyntaxError { message, offset } = error;
    let explained = |message: &str, help: &str, offset| Explained {
        message: message.into(),
        help: help.into(),
        offset,
    };
    if text.trim().is_empty() {
        let help = format!("use {EXAMPLE}");
        return explained("the policy is empty", &help, 0);
    }
    if let Some((what, at)) = other_format(text) {
        let message = format!("the policy is {what}, not JSON");
        let help = format!("use JSON, such as {EXAMPLE}");
        return explained(&message, &help, at);
    }
    let offset = match message.starts_with("EOF") {
        true => text.trim_end().len(),
        false => offset,
    };
    // A word may have begun before the character that made it wrong.
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let word_at = text[..offset].trim_end_matches(in_word).len();
    let word_at = match in_string(text, word_at) {
        true => offset,
        false => word_at,
    };
    let before = text[..word_at].trim_end();
    let rest = &text[word_at..];
    let word = &rest[..rest.find(|c| !in_word(c)).unwrap_or(rest.len())];
    let behind = rest[word.len()..].trim_start();

    if in_string(text, offset) {
        return match message.as_str() {
            "invalid escape" => explained(
                "the string has a backslash that escapes nothing",
                r"use \\ for a backslash",
                offset,
            ),
            _ if message.starts_with("control character") => explained(
                "the string has a line break or another control character",
                r"add the closing quote, or use \n for a line break",
                offset,
            ),
            _ if message.starts_with("EOF") => explained(
                "the file ends inside a string",
                "add the closing quote",
                offset,
            ),
            _ => explained(&message, "use valid escapes", offset),
        };
    }
    if rest.starts_with(['#', '/']) {
        return explained(
            "JSON has no comments",
            "remove it, or add the key \"description\"",
            word_at,
        );
    }
    if before.ends_with(',') && rest.starts_with([']', '}']) {
        return explained(
            "trailing comma",
            "remove the comma",
            before.len() - 1,
        );
    }
    if rest.starts_with(',') && before.ends_with([',', '[', '{', ':']) {
        return explained(
            "a comma with nothing before it",
            "remove the comma",
            word_at,
        );
    }
    const OTHER_QUOTES: [char; 9] = [
        '\'', '`', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201c}', '\u{201d}',
        '\u{201e}', '\u{ab}',
    ];
    if rest.starts_with(OTHER_QUOTES) {
        return explained(
            "JSON strings have double quotes",
            "use \" before and after the string",
            word_at,
        );
    }
    let in_braces = before.ends_with('{') && rest.starts_with(['{', '%']);
    let variable = rest.split_whitespace().next().unwrap_or_default();
    if in_braces || rest.starts_with(['$', '%', '<']) && has_variable(variable)
    {
        let at = if in_braces { before.len() - 1 } else { word_at };
        return explained("variables are not replaced", VARIABLE_HELP, at);
    }
    let literal = match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => "use true",
        "false" | "no" | "off" => "use false",
        "none" | "undefined" | "nil" | "nan" | "null" => {
            "remove the key, or use a value"
        }
        _ => "",
    };
    if !literal.is_empty() && !behind.starts_with(':') {
        let message = format!("{word} is not a JSON value");
        return explained(&message, literal, word_at);
    }
    let is_word = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if is_word && before.ends_with(['{', ',']) && behind.starts_with(':') {
        let help = format!("use {:?}", word);
        return explained("JSON keys have double quotes", &help, word_at);
    }
    if is_word && before.ends_with(['[', ',', ':']) {
        return explained(
            "JSON strings have double quotes",
            "use \" before and after the string",
            word_at,
        );
    }
    if let Some(c) = rest.chars().next()
        && (c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'))
        && !matches!(c, ' ' | '\t' | '\n' | '\r')
    {
        let message = format!("U+{:04X} is not a space of JSON", c as u32);
        return explained(&message, "use plain spaces", word_at);
    }
    if before.is_empty() {
        let help = format!("use JSON, such as {EXAMPLE}");
        return explained("the policy is not JSON", &help, word_at);
    }
    let is_number = word.starts_with(|c: char| c.is_ascii_digit());
    if rest.starts_with(['+', '.'])
        || is_number && word.contains(|c: char| c.is_alphabetic())
    {
        let help = "use a whole number, such as 600";
        return explained("invalid number", help, word_at);
    }
    if rest.starts_with(';') {
        let help = "use a comma";
        return explained("a semicolon between values", help, word_at);
    }
    let starts_value =
        rest.starts_with(['"', '{', '[', '-']) || !word.is_empty();
    let (message, help) = match message.as_str() {
        "key must be a string" => (
            "JSON keys are strings in double quotes",
            "use \" before and after the key",
        ),
        "expected `:`" => (
            "a key has no colon after it",
            "use a colon between key and value",
        ),
        "expected `,` or `]`" | "expected `,` or `}`" if starts_value => {
            ("there is no comma before this", "add a comma")
        }
        "expected `,` or `]`" => ("expected , or ]", "add the missing ]"),
        "expected `,` or `}`" => ("expected , or }", "add the missing }"),
        "trailing characters" => (
            "there is more after the end of the policy",
            "remove it, since one file is one policy",
        ),
        "EOF while parsing an object" => {
            ("the file ends inside an object", "add the missing }")
        }
        "EOF while parsing a list" => {
            ("the file ends inside an array", "add the missing ]")
        }
        "EOF while parsing a value" => {
            ("the file ends where a value is due", "add the value")
        }
        "invalid number" => {
            ("invalid number", "use a whole number, such as 600")
        }
        "recursion limit exceeded" => {
            ("arrays or objects are nested too deep", "remove some of them")
        }
        message => (message, "use JSON, as POLICY.md describes it"),
    };
    explained(message, help, word_at.max(offset.min(text.len())))
}

/// Another format, by how it begins, and where.
fn other_format(text: &str) -> Option<(&'static str, usize)> {
    let start = text.trim_start();
    let at = text.len() - start.len();
    let line = start.lines().next().unwrap_or_default();
    let word = line
        .split(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
        .next()
        .unwrap_or_default();
    let behind = line[word.len()..].trim_start();
    let is_word = word.starts_with(|c: char| c.is_alphabetic());
    let what = if start.starts_with("---")
        || start.starts_with("- ")
        || is_word && behind.starts_with(':') && !behind.starts_with("://")
    {
        "YAML"
    } else if matches!(word, "export" | "module.exports" | "const" | "let")
        || word == "var"
    {
        "JavaScript"
    } else if is_word && behind.starts_with('=')
        || start.strip_prefix('[').is_some_and(|section| {
            section.starts_with(|c: char| c.is_alphabetic())
                && line.trim_end().ends_with(']')
                && start.len() > line.len()
        })
    {
        "TOML or INI"
    } else if start.starts_with('<') && !start.starts_with("<%") {
        "XML or HTML"
    } else {
        return None;
    };
    Some((what, at))
}

/// Whether a byte of the text is inside a string, its quotes not included.
fn in_string(text: &str, offset: usize) -> bool {
    let (mut inside, mut escaped) = (false, false);
    for byte in text.bytes().take(offset) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            _ => {}
        }
    }
    inside
}
