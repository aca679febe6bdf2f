//! Origin patterns and origins put together from few pieces, so that they
//! often meet, and a naive check of what a pattern is.

use arbitrary::{Result, Unstructured};

use crate::naive;

const SCHEMES: [&str; 12] = [
    "https://",
    "https://",
    "https://",
    "http://",
    "http://",
    "ws://",
    "ftp://",
    "capacitor://",
    "file://",
    "HTTPS://",
    "https:/",
    "",
];

/// Longest labels, and one byte more.
const A63: &str =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const A64: &str =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const STARS_64: &str =
    "*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa*";

const LEFT: [&str; 31] = [
    "*", "**", "a*", "*a", "a*b", "*-*", "*a*b*", "a-*-b", "*aab*", "pr-*",
    "*b", "ab*", "a", "b", "ab", "aab", "a-b", "_", "-", "xn--a", "***",
    "a**", "*a*a*a*", "", "1", "0", "A", "\u{e9}", A63, A64, STARS_64,
];

const SUFFIX: [&str; 28] = [
    "com",
    "a.com",
    "b.a.com",
    "localhost",
    "github.io",
    "kawasaki.jp",
    "127.0.0.1",
    "10.0.0.1",
    "256.0.0.1",
    "01.0.0.1",
    "0.1",
    "0x",
    "1",
    "com.",
    "a.com.",
    "com..",
    "*",
    "*.com",
    "",
    "[::1]",
    "[::]",
    "[1:0:0:2::3]",
    "[1::2:0:0:3]",
    "[::ffff:1.2.3.4]",
    "[1:2:3:4:5:6:7::]",
    "[0:0::1]",
    "[::A]",
    "[",
];

const PORTS: [&str; 16] = [
    "", "", "", "", ":*", ":*", ":1", ":8080", ":80", ":443", ":21", ":65535",
    ":65536", ":0", ":01", ":",
];

const SPECIAL: [&str; 8] = [
    "app://",
    "app://:80",
    "null",
    "*",
    "chrome-extension://aBc",
    "capacitor://localhost:80",
    "NULL",
    "https://user@a.com/path",
];

/// What a star is filled with.
const FILLINGS: [&str; 14] = [
    "a",
    "x",
    "b",
    "ab",
    "aab",
    "a-b",
    "-",
    "_",
    "a.b",
    "a.a.a",
    "",
    ".",
    "1",
    "abababababababababababababababab",
];

/// From 1 to `most` texts, most of which are patterns.
pub(crate) fn patterns(
    u: &mut Unstructured<'_>,
    most: usize,
) -> Result<Vec<String>> {
    let mut patterns = Vec::new();
    let (mut scheme, mut suffix, mut port) = (SCHEMES[0], SUFFIX[0], PORTS[0]);
    for _ in 0..u.int_in_range(1..=most)? {
        // The engine groups patterns that end alike: so do many of these.
        if u.ratio(1, 2)? {
            scheme = u.choose(&SCHEMES)?;
            suffix = u.choose(&SUFFIX)?;
            port = u.choose(&PORTS)?;
        }
        patterns.push(match u.int_in_range(0..=19)? {
            0 => u.choose(&SPECIAL)?.to_string(),
            1 => u.arbitrary::<&str>()?.to_owned(),
            2..=4 => format!("{scheme}{suffix}{port}"),
            5..=7 => {
                let (first, left) = (u.choose(&LEFT)?, u.choose(&LEFT)?);
                format!("{scheme}{first}.{left}.{suffix}{port}")
            }
            // As long as a host can be, and a little longer.
            8 => {
                let left = u.choose(&LEFT)?;
                let fill = "a.".repeat(u.int_in_range(110..=128)?);
                format!("{scheme}{left}.{fill}{suffix}{port}")
            }
            _ => format!("{scheme}{}.{suffix}{port}", u.choose(&LEFT)?),
        });
    }
    Ok(patterns)
}

/// Bytes that are an origin which `pattern` matches, or a little off.
pub(crate) fn near(
    u: &mut Unstructured<'_>,
    pattern: &str,
) -> Result<Vec<u8>> {
    let (host, any_port) = match pattern.strip_suffix(":*") {
        Some(host) => (host, true),
        None => (pattern, false),
    };
    let mut origin = String::new();
    for (i, piece) in host.replace("**", "*").split('*').enumerate() {
        if i > 0 {
            origin += u.choose(&FILLINGS)?;
        }
        origin += piece;
    }
    if any_port {
        origin += u.choose(&PORTS)?;
    }
    let mut origin = origin.into_bytes();
    let edit = u.int_in_range(0..=15)?;
    if edit < 6 {
        let at = u.int_in_range(0..=origin.len().min(255))?;
        match edit {
            0 => origin.insert(at, u.arbitrary()?),
            1 => origin.truncate(at),
            2 if at < origin.len() => {
                origin.remove(at);
            }
            3 if at < origin.len() => origin[at] = u.arbitrary()?,
            4 => origin.extend_from_slice(u.choose(&PORTS)?.as_bytes()),
            _ => origin.extend_from_slice(b".evil.com"),
        }
    }
    Ok(origin)
}

/// Whether a policy takes `text` as a pattern, as DESIGN.md says it in words.
pub(crate) fn is_pattern(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    if text.starts_with("file:") {
        return false;
    }
    if !text.contains('*') {
        return naive::is_origin(text);
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    if scheme != "http" && scheme != "https" {
        return false;
    }
    // `:*` is any port, and 1 is one.
    let rest = match rest.strip_suffix(":*") {
        Some(host) => format!("{host}:1"),
        None => rest.to_owned(),
    };
    // It must match something.
    let filled = rest.replace("**", "x").replace('*', "x");
    if !naive::is_origin(&format!("{scheme}://{filled}")) {
        return false;
    }
    if !rest.contains('*') {
        return true;
    }
    // An IPv6 address holds no x, so this colon is the port's.
    let host = rest.split_once(':').map_or(&*rest, |(host, _)| host);
    let labels: Vec<&str> = host.split('.').collect();
    let Some(at) = labels.iter().position(|label| label.contains('*')) else {
        return true;
    };
    let literal = &labels[at + 1..];
    let valid_label = match labels[at] {
        "**" => at == 0,
        label => !label.contains("**") && label.matches('*').count() <= 3,
    };
    valid_label
        && !literal.is_empty()
        && !literal.iter().any(|label| label.contains('*'))
        && literal.last() != Some(&"")
}

/// `text` in JSON.
pub(crate) fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => json += &format!("\\u{:04x}", u32::from(c)),
            c => json.push(c),
        }
    }
    json + "\""
}

/// `list` in JSON.
pub(crate) fn json_list(list: &[impl AsRef<str>]) -> String {
    let list: Vec<_> =
        list.iter().map(|text| json_string(text.as_ref())).collect();
    format!("[{}]", list.join(","))
}
