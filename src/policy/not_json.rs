//! What a text that is not JSON was meant to be, and how JSON says it.

use super::correction::{has_variable, variable};
use super::diagnostic::{Code, Finding};
use super::document::{self, SyntaxError};

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

/// What the parser found in words, and the offset of what is to change.
pub(super) fn explain(text: &str, error: SyntaxError) -> (usize, Finding) {
    let SyntaxError { message, offset } = error;
    let syntax = |message: &str, help: &str| {
        Code::JsonSyntax.says(message).help(help.to_owned())
    };
    if text.trim().is_empty() {
        return (0, syntax("the policy is empty", &format!("use {EXAMPLE}")));
    }
    if let Some((what, at)) = other_format(text) {
        let message = format!("the policy is {what}, not JSON");
        let help = format!("use JSON, such as {EXAMPLE}");
        return (at, syntax(&message, &help));
    }
    let offset = match message.starts_with("EOF") {
        true => text.trim_end().len(),
        false => offset,
    };
    if in_string(text, offset) {
        let (message, help) = if message == "invalid escape" {
            ("a backslash that escapes nothing", r"use \\ for a backslash")
        } else if message.starts_with("control character") {
            (
                "a line break or another control character inside a string",
                r"add the closing quote, or use \n for a line break",
            )
        } else if message.starts_with("EOF") {
            ("the file ends inside a string", "add the closing quote")
        } else {
            (&*message, "use valid escapes")
        };
        return (offset, syntax(message, help));
    }

    // A word may have begun before the character that made it wrong. One that
    // ends there and is JSON is not what is wrong.
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let mut word_at = text[..offset].trim_end_matches(in_word).len();
    let is_right = !text[offset..].starts_with(in_word)
        && document::parse(&text[word_at..offset]).is_ok();
    if is_right || in_string(text, word_at) {
        word_at = offset;
    }
    let before = text[..word_at].trim_end();
    let rest = &text[word_at..];
    let word = &rest[..rest.find(|c| !in_word(c)).unwrap_or(rest.len())];
    let behind = rest[word.len()..].trim_start();
    let variable_text = rest.split_whitespace().next().unwrap_or_default();
    let in_braces = before.ends_with('{') && rest.starts_with(['{', '%']);
    let is_word = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let literal = match word.to_ascii_lowercase().as_str() {
        _ if behind.starts_with(':') => None,
        "true" | "yes" | "on" => Some("use true"),
        "false" | "no" | "off" => Some("use false"),
        "none" | "undefined" | "nil" | "nan" | "null" => {
            Some("remove the key, or use a value")
        }
        _ => None,
    };
    let space = rest.chars().next().filter(|&c| {
        (c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'))
            && !matches!(c, ' ' | '\t' | '\n' | '\r')
    });
    let is_number = word.starts_with(|c: char| c.is_ascii_digit());
    let starts_value =
        rest.starts_with(['"', '{', '[', '-']) || !word.is_empty();
    const STRING: (&str, &str) = (
        "JSON strings have double quotes",
        "use \" before and after the string",
    );
    let (message, help) = if rest.starts_with(['#', '/']) {
        let help = "remove it, or add the key \"description\"";
        ("JSON has no comments", help)
    } else if before.ends_with(',') && rest.starts_with([']', '}']) {
        let finding = syntax("trailing comma", "remove the comma");
        return (before.len() - 1, finding);
    } else if rest.starts_with(',') && before.ends_with([',', '[', '{', ':']) {
        ("a comma with nothing before it", "remove the comma")
    } else if rest.starts_with(OTHER_QUOTES) {
        STRING
    } else if in_braces
        || rest.starts_with(['$', '%', '<']) && has_variable(variable_text)
    {
        let at = if in_braces { before.len() - 1 } else { word_at };
        let help = variable(variable_text).help;
        return (at, syntax("variables are not replaced", &help));
    } else if let Some(help) = literal {
        (&*format!("{word} is not a JSON value"), help)
    } else if is_word
        && before.ends_with(['{', ','])
        && behind.starts_with(':')
    {
        ("JSON keys have double quotes", &*format!("use {word:?}"))
    } else if is_word && before.ends_with(['[', ',', ':']) {
        STRING
    } else if let Some(c) = space {
        let message = format!("U+{:04X} is not JSON white space", c as u32);
        return (word_at, syntax(&message, "use plain spaces"));
    } else if before.is_empty() {
        let help = format!("use JSON, such as {EXAMPLE}");
        return (word_at, syntax("the policy is not JSON", &help));
    } else if rest.starts_with(['+', '.'])
        || is_number && word.contains(|c: char| c.is_alphabetic())
    {
        ("invalid number", "use a whole number, such as 600")
    } else if rest.starts_with(';') {
        ("a semicolon between values", "use a comma")
    } else {
        word_at = offset;
        match message.as_str() {
            "key must be a string" => (
                "JSON keys are strings in double quotes",
                "use \" before and after the key",
            ),
            "expected `:`" => (
                "expected a colon after the key",
                "use a colon between key and value",
            ),
            "expected `,` or `]`" | "expected `,` or `}`" if starts_value => {
                ("missing comma before this", "add a comma")
            }
            "expected `,` or `]`" => ("expected , or ]", "add the missing ]"),
            "expected `,` or `}`" => ("expected , or }", "add the missing }"),
            "trailing characters" => (
                "unexpected text after the end of the policy",
                "remove it, since a file contains one policy",
            ),
            "EOF while parsing an object" => {
                ("the file ends inside an object", "add the missing }")
            }
            "EOF while parsing a list" => {
                ("the file ends inside an array", "add the missing ]")
            }
            "EOF while parsing a value" => {
                ("expected a value, found the end of the file", "add it")
            }
            "invalid number" => {
                ("invalid number", "use a whole number, such as 600")
            }
            message => (message, "use JSON, as POLICY.md describes it"),
        }
    };
    (word_at, syntax(message, help))
}

const OTHER_QUOTES: [char; 9] = [
    '\'', '`', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201c}', '\u{201d}',
    '\u{201e}', '\u{ab}',
];

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
