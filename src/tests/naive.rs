//! The matcher as a reader of the documentation would write it: no table, no
//! index, one pattern after the other, shared code with the engine none.

/// The rule that decides for `origin`, counted from 0, and its pattern: the
/// first rule one of whose patterns matches.
pub(super) fn find_rule<'p>(
    rules: &'p [Vec<String>],
    origin: &str,
) -> Option<(usize, &'p str)> {
    rules
        .iter()
        .enumerate()
        .find_map(|(i, patterns)| Some((i, find(patterns, origin)?)))
}

/// The pattern of one rule that allows `origin`: the same text, else the first
/// in the list that matches.
pub(super) fn find<'p>(
    patterns: &'p [String],
    origin: &str,
) -> Option<&'p str> {
    if let Some(any) = patterns.iter().find(|pattern| *pattern == "*") {
        return Some(any);
    }
    if !is_origin(origin) {
        return None;
    }
    patterns
        .iter()
        .find(|pattern| *pattern == origin)
        .or_else(|| patterns.iter().find(|pattern| matches(pattern, origin)))
        .map(String::as_str)
}

/// Whether `text` is one serialized origin.
pub(super) fn is_origin(text: &str) -> bool {
    if text == "null" {
        return true;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let mut characters = scheme.chars();
    let scheme_is_right = scheme.len() <= 64
        && characters.next().is_some_and(|c| c.is_ascii_lowercase())
        && characters.all(|c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c)
        });
    if !scheme_is_right {
        return false;
    }
    let (host, port) = split_port(rest);
    let default_port = match scheme {
        "http" | "ws" => "80",
        "https" | "wss" => "443",
        "ftp" => "21",
        _ => "",
    };
    if let Some(port) = port
        && (!is_port(port) || port == default_port)
    {
        return false;
    }
    if default_port.is_empty() {
        // No port stands behind an empty host.
        return host.len() <= 253
            && !(host.is_empty() && port.is_some())
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    }
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(is_ipv6);
    }
    is_name(host)
}

fn matches(pattern: &str, origin: &str) -> bool {
    let Some((pattern_scheme, pattern)) = pattern.split_once("://") else {
        return false;
    };
    let Some((scheme, origin)) = origin.split_once("://") else {
        return false;
    };
    let (host, port) = split_port(origin);
    if pattern == "*" {
        return pattern_scheme == scheme && port.is_none();
    }
    let (network, pattern) = match pattern.split_once('/') {
        Some((network, rest)) => (Some(network), rest),
        None => (None, pattern),
    };
    let (pattern_host, pattern_port) = split_port(pattern);
    if pattern_scheme != scheme
        || (pattern_port != Some("*") && pattern_port != port)
    {
        return false;
    }
    if let Some(network) = network {
        // What is left of the pattern is the length.
        return in_range(network, pattern_host, host);
    }
    let pattern: Vec<&str> = pattern_host.split('.').collect();
    let labels: Vec<&str> = host.split('.').collect();
    if pattern[0] == "**" {
        let fixed = &pattern[1..];
        return labels.len() > fixed.len()
            && &labels[labels.len() - fixed.len()..] == fixed;
    }
    pattern.len() == labels.len()
        && pattern
            .iter()
            .zip(&labels)
            .all(|(pattern, label)| glob(pattern.as_bytes(), label.as_bytes()))
}

/// Whether `host` is an address of the same family whose first `length` bits
/// are those of `network`.
fn in_range(network: &str, length: &str, host: &str) -> bool {
    let (Some((bits, network)), Some((host_bits, host)), Ok(length)) =
        (number(network), number(host), length.parse::<u32>())
    else {
        return false;
    };
    // A shift by all 128 bits leaves none.
    let first = |address: u128| address.checked_shr(bits - length);
    bits == host_bits && first(network) == first(host)
}

/// How many bits an address has, and the number that it is.
pub(super) fn number(host: &str) -> Option<(u32, u128)> {
    let Some(address) = host.strip_prefix('[') else {
        let bytes = host.split('.').map(|part| part.parse().unwrap_or(0));
        let number = bytes.fold(0, |number, byte: u128| number << 8 | byte);
        return is_ipv4(host).then_some((32, number));
    };
    let address = address.strip_suffix(']')?;
    let (left, right) = address.split_once("::").unwrap_or((address, ""));
    let pieces = |text: &str| -> Vec<u128> {
        text.split(':')
            .filter(|piece| !piece.is_empty())
            .map(|piece| u128::from_str_radix(piece, 16).unwrap_or(0))
            .collect()
    };
    let (mut all, right) = (pieces(left), pieces(right));
    all.resize(8 - right.len(), 0);
    all.extend(right);
    Some((128, all.iter().fold(0, |number, piece| number << 16 | piece)))
}

/// `*` is one or more of any character.
pub(super) fn glob(pattern: &[u8], label: &[u8]) -> bool {
    match (pattern, label) {
        ([], []) => true,
        ([b'*', rest @ ..], [_, label @ ..]) => {
            glob(rest, label) || glob(pattern, label)
        }
        ([one, pattern @ ..], [other, label @ ..]) if one == other => {
            glob(pattern, label)
        }
        _ => false,
    }
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

fn is_port(text: &str) -> bool {
    text.parse().is_ok_and(|port: u32| {
        (1..=65535).contains(&port) && port.to_string() == text
    })
}

fn is_name(host: &str) -> bool {
    if host.len() > 253 {
        return false;
    }
    let labels: Vec<&str> =
        host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let last = labels[labels.len() - 1];
    if last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit()) {
        return !last.is_empty() && is_ipv4(host);
    }
    labels.iter().all(|label| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| {
                c.is_ascii_lowercase()
                    || c.is_ascii_digit()
                    || "-_".contains(c)
            })
    })
}

fn is_ipv4(host: &str) -> bool {
    let parts: Vec<&str> = host.split('.').collect();
    parts.len() == 4
        && parts
            .iter()
            .all(|part| (0..=255).any(|n: u32| n.to_string() == *part))
}

/// RFC 5952, section 4, rule by rule.
fn is_ipv6(address: &str) -> bool {
    let (left, right) = match address.split_once("::") {
        Some((_, right)) if right.contains("::") => return false,
        Some((left, right)) => (left, Some(right)),
        None => (address, None),
    };
    let pieces = |text: &str| -> Vec<String> {
        match text {
            "" => Vec::new(),
            _ => text.split(':').map(str::to_owned).collect(),
        }
    };
    let (left, right_pieces) = (pieces(left), pieces(right.unwrap_or("")));
    let written = left.len() + right_pieces.len();
    // 4.2.2: "::" is not used for one piece alone.
    let zeros = match right {
        None if written == 8 => 0,
        Some(_) if written <= 6 => 8 - written,
        _ => return false,
    };
    // 4.1 and 4.3: no leading zeros, lower case.
    let valid = |piece: &String| {
        u16::from_str_radix(piece, 16)
            .is_ok_and(|number| format!("{number:x}") == *piece)
    };
    if !left.iter().chain(&right_pieces).all(valid) {
        return false;
    }
    let mut all = left.clone();
    all.extend(std::iter::repeat_n("0".to_owned(), zeros));
    all.extend(right_pieces);
    // 4.2.1 and 4.2.3: as short as can be, and the first of the longest.
    let runs: Vec<(usize, usize)> = (0..8)
        .map(|i| (i, all[i..].iter().take_while(|p| *p == "0").count()))
        .collect();
    let longest = runs.iter().map(|run| run.1).max().unwrap_or(0);
    match longest {
        0 | 1 => zeros == 0,
        _ => {
            let first = runs.iter().find(|run| run.1 == longest);
            zeros == longest && first.is_some_and(|run| run.0 == left.len())
        }
    }
}
