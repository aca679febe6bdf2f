//! Origin patterns and origins put together from few pieces, so that they
//! often meet, and a naive check of what a pattern is.

use std::net::{Ipv4Addr, Ipv6Addr};

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

const NETWORKS: [&str; 20] = [
    "10.0.0.0",
    "10.0.0.0",
    "10.1.0.0",
    "10.128.0.0",
    "10.1.2.3",
    "127.0.0.0",
    "0.0.0.0",
    "128.0.0.0",
    "255.255.255.255",
    "10.0.0",
    "010.0.0.0",
    "a.com",
    "[::]",
    "[fd00::]",
    "[fd00:1::]",
    "[::ffff:a00:0]",
    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    "[FD00::]",
    "[fd00:0::]",
    "[::1]",
];

const LENGTHS: [&str; 20] = [
    "0", "1", "7", "8", "9", "16", "24", "31", "32", "33", "64", "65", "96",
    "127", "128", "129", "08", "", "8/", "*",
];

const PORTS: [&str; 16] = [
    "", "", "", "", ":*", ":*", ":1", ":8080", ":80", ":443", ":21", ":65535",
    ":65536", ":0", ":01", ":",
];

const SPECIAL: [&str; 16] = [
    "app://",
    "app://*",
    "capacitor://*",
    "chrome-extension://*",
    "app://*:80",
    "app://*:*",
    "app://a*",
    "*://*",
    "ws://*",
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
            9..=11 => {
                let (network, length) =
                    (u.choose(&NETWORKS)?, u.choose(&LENGTHS)?);
                format!("{scheme}{network}/{length}{port}")
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
    let address = match Range::of(pattern) {
        Some(range) => Some(range.near(u)?),
        None => None,
    };
    let pattern = address.as_deref().unwrap_or(pattern);
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

/// A range of addresses.
#[derive(Clone, Copy)]
pub(crate) struct Range<'t> {
    pub(crate) scheme: &'t str,
    pub(crate) bits: u32,
    pub(crate) first: u128,
    pub(crate) last: u128,
    /// With its colon, if there is one.
    pub(crate) port: &'t str,
}

impl<'t> Range<'t> {
    /// The range that `text` is, if it is written as it must be.
    pub(crate) fn of(text: &'t str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (host, tail) = rest.split_once('/')?;
        let (length, port) =
            tail.split_at(tail.find(':').unwrap_or(tail.len()));
        let one = match port {
            ":*" => format!("{scheme}://{host}"),
            _ => format!("{scheme}://{host}{port}"),
        };
        if !naive::is_origin(&one) {
            return None;
        }
        let (bits, first) = naive::number(host)?;
        let number: u32 = length.parse().ok()?;
        let rest = bits.checked_sub(number)?;
        let rest = u128::MAX.checked_shr(128 - rest).unwrap_or(0);
        let is_range = matches!(scheme, "http" | "https")
            && number.to_string() == length
            && first & rest == 0;
        is_range.then_some(Self {
            scheme,
            bits,
            first,
            last: first | rest,
            port,
        })
    }

    /// An address in it, or next to it, with its port.
    fn near(&self, u: &mut Unstructured<'_>) -> Result<String> {
        let address = match u.int_in_range(0..=5)? {
            0 => self.first,
            1 => self.last,
            2 => self.first.wrapping_sub(1),
            3 => self.last.wrapping_add(1),
            4 => {
                self.first | u.arbitrary::<u128>()? & (self.last - self.first)
            }
            _ => u.arbitrary()?,
        };
        let address = address & (u128::MAX >> (128 - self.bits));
        let host = match u32::try_from(address) {
            Ok(address) if self.bits == 32 => {
                Ipv4Addr::from(address).to_string()
            }
            _ => format!("[{}]", ipv6_text(Ipv6Addr::from(address))),
        };
        Ok(format!("{}://{host}{}", self.scheme, self.port))
    }
}

/// As RFC 5952 has it, and without an embedded IPv4 address.
fn ipv6_text(address: Ipv6Addr) -> String {
    let [.., left, right] = address.segments();
    match address.to_ipv4_mapped() {
        Some(_) => format!("::ffff:{left:x}:{right:x}"),
        None => address.to_string(),
    }
}

/// Whether a policy takes `text` as a pattern, as DESIGN.md says it in words.
pub(crate) fn is_pattern(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    if text.starts_with("file:") {
        return false;
    }
    if Range::of(text).is_some() {
        return true;
    }
    if !text.contains('*') {
        return naive::is_origin(text);
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    // A host may be empty only where the scheme is none of the web's.
    if rest == "*" {
        return naive::is_origin(&format!("{scheme}://"));
    }
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
