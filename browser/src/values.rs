//! How the values of headers are read.

use std::collections::BTreeSet;

use crate::Header;

/// The value is not what the standard's grammar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The values of a list of tokens over all its lines. `None` means that there
/// is no such header, which differs from an empty list.
/// <https://fetch.spec.whatwg.org/#extract-header-list-values> with the
/// grammar of <https://fetch.spec.whatwg.org/#http-new-header-syntax>; how a
/// list is read: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1>
pub fn extract_list_values(
    name: &str,
    headers: &[Header],
) -> Result<Option<Vec<String>>, Malformed> {
    let lines = lines(name, headers);
    if lines.is_empty() {
        return Ok(None);
    }
    let mut values = Vec::new();
    for line in lines {
        for element in line.split(|byte| *byte == b',') {
            let element = trim(element, tab_or_space);
            // A recipient takes empty elements and leaves them out.
            if element.is_empty() {
                continue;
            }
            if !token(element) {
                return Err(Malformed);
            }
            values.push(isomorphic_decode(element));
        }
    }
    Ok(Some(values))
}

/// The values of one header, line by line, without the whitespace around them.
pub fn lines<'a>(name: &str, headers: &'a [Header]) -> Vec<&'a [u8]> {
    let mut lines = Vec::new();
    for (other, value) in headers {
        if other.eq_ignore_ascii_case(name) {
            lines.push(trim(value, tab_or_space));
        }
    }
    lines
}

/// <https://fetch.spec.whatwg.org/#concept-header-list-get>
pub(crate) fn header(name: &str, headers: &[Header]) -> Option<Vec<u8>> {
    let lines = lines(name, headers);
    (!lines.is_empty()).then(|| lines.join(b", ".as_slice()))
}

/// <https://fetch.spec.whatwg.org/#header-value-get-decode-and-split>
pub(crate) fn decode_and_split(value: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    let mut current = Vec::new();
    let mut quoted = false;
    let mut escaped = false;
    for &byte in value {
        if byte == b',' && !quoted {
            values.push(isomorphic_decode(trim(&current, tab_or_space)));
            current.clear();
            continue;
        }
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && !escaped && byte == b'\\';
        current.push(byte);
    }
    values.push(isomorphic_decode(trim(&current, tab_or_space)));
    values
}

/// <https://fetch.spec.whatwg.org/#convert-header-names-to-a-sorted-lowercase-set>
pub(crate) fn sorted_lowercase_set(names: &[String]) -> Vec<String> {
    let set: BTreeSet<String> =
        names.iter().map(|name| name.to_ascii_lowercase()).collect();
    set.into_iter().collect()
}

pub(crate) fn contains_star(list: &[String]) -> bool {
    list.iter().any(|item| item == "*")
}

pub(crate) fn one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2>
pub(crate) fn token(bytes: &[u8]) -> bool {
    let token_byte = |byte: &u8| {
        byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
    };
    !bytes.is_empty() && bytes.iter().all(token_byte)
}

/// <https://fetch.spec.whatwg.org/#http-tab-or-space-byte>
fn tab_or_space(byte: u8) -> bool {
    byte == b'\t' || byte == b' '
}

/// <https://fetch.spec.whatwg.org/#http-whitespace-byte>
pub(crate) fn http_whitespace(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r' || tab_or_space(byte)
}

pub(crate) fn trim(bytes: &[u8], unwanted: impl Fn(u8) -> bool) -> &[u8] {
    trim_start(trim_end(bytes, &unwanted), &unwanted)
}

pub(crate) fn trim_start(
    mut bytes: &[u8],
    unwanted: impl Fn(u8) -> bool,
) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && unwanted(*first)
    {
        bytes = rest;
    }
    bytes
}

pub(crate) fn trim_end(
    mut bytes: &[u8],
    unwanted: impl Fn(u8) -> bool,
) -> &[u8] {
    while let [rest @ .., last] = bytes
        && unwanted(*last)
    {
        bytes = rest;
    }
    bytes
}

/// <https://infra.spec.whatwg.org/#isomorphic-decode>
pub(crate) fn isomorphic_decode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
