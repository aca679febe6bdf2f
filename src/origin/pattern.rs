//! The origin patterns of a policy.
//!
//! A pattern without a wildcard is an origin, byte for byte. In any other, each
//! wildcard is filled with the shortest text that it matches, and the strict
//! origin parser judges the result: a pattern that could match nothing is
//! rejected. A range of addresses is judged as its first one.

use memchr::{memchr, memchr_iter, memrchr};

use super::ranges::{self, AddressRange};
use super::syntax::{self, ORIGIN_MAX, Origin, Scheme, Tuple};

/// Most `*` in one label. No use for more was ever seen, and the limit keeps
/// matching one simple pass.
pub(crate) const STARS_MAX: usize = 3;

/// One element of `allow_origins`, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern<'a> {
    /// `*`
    Any,
    /// `null`
    Null,
    /// One origin.
    Exact(Tuple<'a>),
    /// Many http or https origins.
    Wildcard(Wildcard<'a>),
    /// `http://192.168.0.0/16`: many http or https origins whose hosts are
    /// addresses.
    Range(Range),
    /// `moz-extension://*`: every origin of a scheme that has no port.
    AnyHost(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) scheme: Scheme,
    pub(crate) addresses: AddressRange,
    pub(crate) port: PortPattern,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) host: HostPattern<'a>,
    pub(crate) port: PortPattern,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern<'a> {
    /// One host; the wildcard is in the port.
    Whole(&'a str),
    /// `**.` and what follows: one or more labels, then this.
    Subdomains(&'a str),
    /// `left` is everything up to the end of the label with the stars,
    /// literal labels before it included; `suffix` is the labels after it.
    Label { left: &'a str, suffix: &'a str },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortPattern {
    /// The scheme's default, which is never written.
    Default,
    Number(u16),
    /// `:*`: the default or any other.
    Any,
}

/// Why a text is not a pattern. The strict origin parser only says that it is
/// not; the rules of the policy find out what was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// Not an origin as a browser serializes it.
    Malformed,
    /// `file:`, whose origins any local file can send.
    File,
    /// A wildcard with a scheme other than http and https that is not the
    /// whole host, or with a scheme that pages do not have.
    WildcardScheme,
    /// A wildcard in an IP address.
    WildcardAddress,
    /// More than one label with wildcards.
    WildcardLabels,
    /// No literal label to the right of the wildcard.
    WildcardLast,
    /// `**` that is not the whole leftmost label.
    DoubleStar,
    /// More than [`STARS_MAX`] stars in a label.
    Stars,
    /// A host with wildcards and a trailing dot.
    FinalDot,
}

impl<'a> Pattern<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.starts_with("file:") {
            return Err(PatternError::File);
        }
        if memchr(b'*', text.as_bytes()).is_none() {
            return match syntax::parse(text.as_bytes()) {
                Some(Origin::Opaque) => Ok(Self::Null),
                Some(Origin::Tuple(tuple)) => Ok(Self::Exact(tuple)),
                None => parse_range(text, None),
            };
        }
        let (scheme, rest) =
            text.split_once("://").ok_or(PatternError::Malformed)?;
        if !matches!(scheme, "http" | "https") {
            return parse_any_host(text);
        }
        let (any_port, host_and_port) = match rest.strip_suffix(":*") {
            Some(host) => (true, host),
            None => (false, rest),
        };
        let host = match host_and_port.rsplit_once(':') {
            // A colon inside brackets belongs to the address.
            Some((host, port)) if !port.contains(']') => host,
            _ => host_and_port,
        };
        if any_port && host != host_and_port {
            return Err(PatternError::Malformed);
        }
        let pattern = parse_host(host)?;
        let end = text.len() - if any_port { ":*".len() } else { 0 };
        let mut buffer = [0; ORIGIN_MAX];
        let filled = fill(&text.as_bytes()[..end], &mut buffer);
        let any_port = any_port.then_some(PortPattern::Any);
        let Some(Origin::Tuple(origin)) = filled.and_then(syntax::parse)
        else {
            return parse_range(&text[..end], any_port);
        };
        Ok(Self::Wildcard(Wildcard {
            scheme: origin.scheme,
            host: pattern,
            port: any_port.unwrap_or(origin.port.into()),
        }))
    }
}

impl From<Option<u16>> for PortPattern {
    /// What matches an origin's port alone.
    fn from(port: Option<u16>) -> Self {
        match port {
            Some(number) => Self::Number(number),
            None => Self::Default,
        }
    }
}

/// An origin whose host is an address, with `/` and a length after the host.
fn parse_range(
    text: &str,
    any_port: Option<PortPattern>,
) -> Result<Pattern<'_>, PatternError> {
    let range = || {
        let (scheme, rest) =
            text.split_once("://").filter(|_| text.len() <= ORIGIN_MAX)?;
        let (host, tail) = rest.split_once('/')?;
        let length = tail.split(':').next()?;
        let origin = format!("{scheme}://{host}{}", &tail[length.len()..]);
        let Origin::Tuple(origin) = syntax::parse(origin.as_bytes())? else {
            return None;
        };
        let address = ranges::host_address(origin.host)?;
        let addresses = address.truncated(length.parse().ok()?)?;
        let is_web = matches!(origin.scheme, Scheme::Http | Scheme::Https);
        let is_canonical = origin.host == host.as_bytes()
            && addresses.network() == address.network()
            && addresses.length().to_string() == length;
        let port = any_port.unwrap_or(origin.port.into());
        (is_web && is_canonical).then_some(Range {
            scheme: origin.scheme,
            addresses,
            port,
        })
    };
    range().map(Pattern::Range).ok_or(PatternError::Malformed)
}

/// `moz-extension://*`: nothing follows the star.
fn parse_any_host(text: &str) -> Result<Pattern<'_>, PatternError> {
    let scheme = text.strip_suffix("://*").filter(|scheme| {
        if scheme.contains('*') {
            return false;
        }
        let mut buffer = [0; ORIGIN_MAX];
        let origin =
            fill(text.as_bytes(), &mut buffer).and_then(syntax::parse);
        matches!(
            origin,
            Some(Origin::Tuple(Tuple { scheme: Scheme::Other, .. }))
        )
    });
    scheme.map(Pattern::AnyHost).ok_or(PatternError::WildcardScheme)
}

/// The shortest text that a `*` or `**` matches. Not a digit, which could turn
/// a pattern into an IP address.
const FILLER: u8 = b'x';

/// A pattern with its stars filled in; `None` if it is too long.
fn fill<'b>(
    pattern: &[u8],
    buffer: &'b mut [u8; ORIGIN_MAX],
) -> Option<&'b [u8]> {
    let mut len = 0;
    let mut last = 0;
    for &byte in pattern {
        // `**` is filled once.
        if (last, byte) != (b'*', b'*') {
            *buffer.get_mut(len)? = if byte == b'*' { FILLER } else { byte };
            len += 1;
        }
        last = byte;
    }
    Some(&buffer[..len])
}

fn parse_host(host: &str) -> Result<HostPattern<'_>, PatternError> {
    let Some(first) = memchr(b'*', host.as_bytes()) else {
        return Ok(HostPattern::Whole(host));
    };
    if host.starts_with('[') {
        return Err(PatternError::WildcardAddress);
    }
    // The label with the first star: from `start` to `end`.
    let bytes = host.as_bytes();
    let start = memrchr(b'.', &bytes[..first]).map_or(0, |dot| dot + 1);
    let end = memchr(b'.', &bytes[first..]).map(|dot| first + dot);
    let Some(end) = end.filter(|&end| end + 1 < host.len()) else {
        return Err(PatternError::WildcardLast);
    };
    let (label, suffix) = (&host[start..end], &host[end + 1..]);
    if memchr(b'*', suffix.as_bytes()).is_some() {
        return Err(PatternError::WildcardLabels);
    }
    if suffix.ends_with('.') {
        return Err(PatternError::FinalDot);
    }
    let last = memrchr(b'.', suffix.as_bytes()).map_or(0, |dot| dot + 1);
    if syntax::is_number_label(&suffix.as_bytes()[last..]) {
        return Err(PatternError::WildcardAddress);
    }
    if label == "**" && start == 0 {
        return Ok(HostPattern::Subdomains(suffix));
    }
    if label.contains("**") {
        return Err(PatternError::DoubleStar);
    }
    if memchr_iter(b'*', label.as_bytes()).count() > STARS_MAX {
        return Err(PatternError::Stars);
    }
    Ok(HostPattern::Label { left: &host[..end], suffix })
}
