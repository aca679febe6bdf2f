//! The strict origin parser: the only way into the matcher.
//!
//! It accepts what a browser serializes and nothing else (HTML standard,
//! [ascii serialization of an origin], URL standard, [host serializing]): a
//! lower-case scheme, a canonical host, and a port that is not the default; or
//! `null`. The patterns of a policy pass through the same code.
//!
//! [ascii serialization of an origin]: https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
//! [host serializing]: https://url.spec.whatwg.org/#concept-host-serializer

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::ports::default_port;
use crate::table::byte_set;

/// Longest origin: scheme, `://`, host, colon and port, each at its longest.
pub const ORIGIN_MAX: usize = SCHEME_MAX + 3 + HOST_MAX + 1 + PORT_MAX;

/// Longer than any registered scheme; chosen so that a limit exists.
pub(crate) const SCHEME_MAX: usize = 64;

/// The longest name that DNS can carry, written with dots (RFC 1035, 2.3.4).
pub(crate) const HOST_MAX: usize = 253;

/// RFC 1035, 2.3.4.
pub(crate) const LABEL_MAX: usize = 63;

/// The digits of 65535.
const PORT_MAX: usize = 5;

/// A well-formed origin, borrowed from the bytes that were parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// `null`, the serialization of every opaque origin.
    Opaque,
    /// Scheme, host and port.
    Tuple(Tuple<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuple<'a> {
    pub(crate) scheme: Scheme,
    /// As written: an IPv6 address keeps its brackets, a name its trailing dot.
    pub(crate) host: &'a [u8],
    /// Absent if it is the scheme's default.
    pub(crate) port: Option<u16>,
}

/// What a scheme means for host and port. Wildcard patterns only have `http`
/// and `https`, so the others need no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
    /// `ws`, `wss` and `ftp`: hosts and default ports as in the URL standard.
    Special,
    /// Any other, such as `chrome-extension`: its host is opaque.
    Other,
}

/// Parses one serialized origin; `None` if it is malformed. Linear in the
/// bytes, of which at most [`ORIGIN_MAX`] are looked at.
#[inline]
pub(crate) fn parse(bytes: &[u8]) -> Option<Origin<'_>> {
    match bytes.len() {
        0..=ORIGIN_MAX if bytes == b"null" => Some(Origin::Opaque),
        0..=ORIGIN_MAX => parse_tuple(bytes).map(Origin::Tuple),
        _ => None,
    }
}

fn parse_tuple(bytes: &[u8]) -> Option<Tuple<'_>> {
    let (scheme, default_port, rest) = split_scheme(bytes)?;
    let (host, port) = match scheme {
        Scheme::Other => split_opaque_host(rest)?,
        Scheme::Http | Scheme::Https | Scheme::Special => {
            match rest.first()? {
                b'[' => split_ipv6_host(rest)?,
                _ => split_domain_or_ipv4(rest)?,
            }
        }
    };
    let port = match port {
        [] => None,
        [b':', digits @ ..] => Some(parse_port(digits)?),
        _ => return None,
    };
    if port.is_some() && port == default_port {
        return None;
    }
    Some(Tuple { scheme, host, port })
}

/// A port as a URL serializes it: 1 to 65535, no leading zero.
pub(crate) fn parse_port(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > PORT_MAX || digits[0] == b'0' {
        return None;
    }
    let mut port = 0u32;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        port = port * 10 + u32::from(digit - b'0');
    }
    u16::try_from(port).ok()
}

/// What a `*` in a label matches, and what a label consists of. RFC 1123 has no
/// underscore in host names, but URLs accept it, and sites use it.
pub(crate) fn is_label_byte(byte: u8) -> bool {
    LABEL_BYTES[usize::from(byte)]
}

/// Whether a host's last label makes the URL standard parse the whole host as
/// an IPv4 address ([ends in a number]; here `0x` alone is enough).
///
/// [ends in a number]: https://url.spec.whatwg.org/#ends-in-a-number-checker
pub(crate) fn is_number_label(label: &[u8]) -> bool {
    label.starts_with(b"0x") || label.iter().all(u8::is_ascii_digit)
}

/// Whether only programs on the user's own machine can be this host, written
/// as in a URL: `localhost`, names that end in `.localhost` (RFC 6761, section
/// 6.3), 127.0.0.0/8 and `[::1]`. Given the literal end of a pattern's host,
/// whether that is so for every host that the pattern matches.
pub fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn split_scheme(bytes: &[u8]) -> Option<(Scheme, Option<u16>, &[u8])> {
    if let Some(rest) = bytes.strip_prefix(b"https://") {
        return Some((Scheme::Https, default_port(b"https"), rest));
    }
    if let Some(rest) = bytes.strip_prefix(b"http://") {
        return Some((Scheme::Http, default_port(b"http"), rest));
    }
    let (scheme, rest) = bytes.split_at(memchr::memchr(b':', bytes)?);
    let rest = rest.strip_prefix(b"://")?;
    if scheme.len() > SCHEME_MAX
        || !scheme.first()?.is_ascii_lowercase()
        || !scheme.iter().all(|byte| {
            matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.')
        })
    {
        return None;
    }
    Some(match default_port(scheme) {
        None => (Scheme::Other, None, rest),
        port => (Scheme::Special, port, rest),
    })
}

/// The host after a scheme that is not special, and what follows. It keeps its
/// case, and no form is canonical. It may be empty (Android's web view sends
/// `app://`), but then no port follows: the URL standard's [host state] fails.
///
/// [host state]: https://url.spec.whatwg.org/#host-state
fn split_opaque_host(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = rest.iter().position(|&byte| byte == b':');
    let (host, port) = rest.split_at(end.unwrap_or(rest.len()));
    (is_opaque_host(host) && (!host.is_empty() || port.is_empty()))
        .then_some((host, port))
}

pub(crate) fn is_opaque_host(host: &[u8]) -> bool {
    host.len() <= HOST_MAX
        && host.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
        })
}

/// The host, and what follows, which the caller checks.
fn split_domain_or_ipv4(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut next = rest;
    let last_label = loop {
        let end = next.iter().position(|&byte| !is_label_byte(byte));
        let (label, behind) = next.split_at(end.unwrap_or(next.len()));
        if label.is_empty() || label.len() > LABEL_MAX {
            return None;
        }
        let [b'.', behind @ ..] = behind else {
            next = behind;
            break label;
        };
        next = behind;
        // The only empty label is allowed after the root's dot.
        if let [] | [b':', ..] = behind {
            break label;
        }
    };
    let (host, port) = rest.split_at(rest.len() - next.len());
    (host.len() <= HOST_MAX
        && (!is_number_label(last_label) || is_ipv4_host(host)))
    .then_some((host, port))
}

fn is_ipv4_host(host: &[u8]) -> bool {
    // The standard library accepts four decimal numbers without leading zeros,
    // which is the canonical form.
    std::str::from_utf8(host)
        .is_ok_and(|host| host.parse::<Ipv4Addr>().is_ok())
}

fn split_ipv6_host(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = rest.iter().position(|&byte| byte == b']')?;
    let (host, port) = rest.split_at(end + 1);
    let address = std::str::from_utf8(&host[1..end]).ok()?;
    let parsed: Ipv6Addr = address.parse().ok()?;
    // An embedded IPv4 address is never serialized as such, so this rejects
    // it, too.
    (ipv6_text(parsed).as_str() == address).then_some((host, port))
}

/// The one form of RFC 5952, section 4, and of the URL standard's [IPv6
/// serializer]: lower case, the first longest run of two or more zeros
/// compressed, never an embedded IPv4 address (the standard library would
/// write one).
///
/// [IPv6 serializer]: https://url.spec.whatwg.org/#concept-ipv6-serializer
pub(crate) fn ipv6_text(address: Ipv6Addr) -> Ipv6Text {
    let pieces = address.segments();
    let (mut start, mut len) = (pieces.len(), 1);
    for i in 0..pieces.len() {
        let zeros = pieces[i..].iter().take_while(|&&piece| piece == 0);
        let zeros = zeros.count();
        if zeros > len {
            (start, len) = (i, zeros);
        }
    }
    let mut text = Ipv6Text { bytes: [0; 39], len: 0 };
    let mut i = 0;
    while i < pieces.len() {
        if i == start {
            text.push(b':');
            i += len;
            if i == pieces.len() {
                text.push(b':');
            }
            continue;
        }
        if i > 0 {
            text.push(b':');
        }
        let digits = (4 - pieces[i].leading_zeros() as usize / 4).max(1);
        for digit in (0..digits).rev() {
            let value = (pieces[i] >> (4 * digit)) & 0xf;
            text.push(b"0123456789abcdef"[usize::from(value)]);
        }
        i += 1;
    }
    text
}

/// Room for eight pieces of four digits; on the stack, as evaluation does not
/// allocate.
pub(crate) struct Ipv6Text {
    bytes: [u8; 39],
    len: usize,
}

impl Ipv6Text {
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Display for Ipv6Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const LABEL_BYTES: [bool; 256] =
    byte_set(b"abcdefghijklmnopqrstuvwxyz0123456789-_");
