//! The parts of an origin pattern that the library has accepted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A pattern other than `*` and `null`. Exact origins are patterns, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern<'p> {
    pub(crate) scheme: &'p str,
    pub(crate) host: Host<'p>,
    pub(crate) port: Port,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Host<'p> {
    /// Every host of the scheme.
    Any,
    Range(Range),
    /// A host, which may have wildcards.
    Text(&'p str),
}

/// A range of addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// How many bits they have in common.
    pub(crate) length: u32,
    pub(crate) first: IpAddr,
    pub(crate) last: IpAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Port {
    /// The scheme's default, which is not written.
    Default,
    Number(u16),
    Any,
}

impl<'p> Pattern<'p> {
    pub(crate) fn parse(text: &'p str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, "*")) => (host, Port::Any),
            // A colon inside brackets is of the address.
            Some((host, port)) if !port.contains(']') => {
                (host, Port::Number(port.parse().ok()?))
            }
            _ => (rest, Port::Default),
        };
        let host = match host.split_once('/') {
            Some((address, length)) => {
                let address = address.trim_matches(['[', ']']).parse().ok()?;
                Host::Range(Range::new(address, length.parse().ok()?)?)
            }
            None if host == "*" => Host::Any,
            None => Host::Text(host),
        };
        Some(Self { scheme, host, port })
    }
}

impl Range {
    /// The range of one address.
    pub(crate) fn of(address: IpAddr) -> Self {
        let length = if address.is_ipv4() { 32 } else { 128 };
        Self { length, first: address, last: address }
    }

    /// The addresses that have so many bits in common with the first one.
    fn new(first: IpAddr, length: u32) -> Option<Self> {
        let last = match first {
            IpAddr::V4(address) => {
                let rest = 32_u32.checked_sub(length)?;
                let rest = u32::MAX.checked_shr(32 - rest).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() | rest).into()
            }
            IpAddr::V6(address) => {
                let rest = 128_u32.checked_sub(length)?;
                let rest = u128::MAX.checked_shr(128 - rest).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() | rest).into()
            }
        };
        Some(Self { length, first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_their_ends() {
        for (text, first, last) in [
            ("http://192.168.0.0/16", "192.168.0.0", "192.168.255.255"),
            ("http://0.0.0.0/0:*", "0.0.0.0", "255.255.255.255"),
            ("https://10.1.2.3/32:8443", "10.1.2.3", "10.1.2.3"),
            ("http://10.1.2.2/31", "10.1.2.2", "10.1.2.3"),
            ("http://[fd00::]/112:3000", "fd00::", "fd00::ffff"),
            ("http://[::1]/128", "::1", "::1"),
            ("http://[::]/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let Some(Pattern { host: Host::Range(range), .. }) =
                Pattern::parse(text)
            else {
                panic!("{text} is no range");
            };
            assert_eq!(range.first.to_string(), first, "{text}");
            assert_eq!(range.last.to_string(), last, "{text}");
        }
    }

    #[test]
    fn ports_are_split_off() {
        for (text, host, port) in [
            ("https://[::1]", "[::1]", Port::Default),
            ("https://[::1]:*", "[::1]", Port::Any),
            ("https://[::1]:3000", "[::1]", Port::Number(3000)),
            ("https://*.a.example", "*.a.example", Port::Default),
            ("app://", "", Port::Default),
        ] {
            let pattern = Pattern::parse(text).expect("a pattern");
            assert_eq!(pattern.port, port, "{text}");
            assert!(
                matches!(pattern.host, Host::Text(found) if found == host)
            );
        }
        let pattern = Pattern::parse("app://*").expect("a pattern");
        assert!(matches!(pattern.host, Host::Any));
        assert!(Pattern::parse("null").is_none());
        assert!(Pattern::parse("*").is_none());
    }
}
