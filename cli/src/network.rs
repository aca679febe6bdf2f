//! The networks for which browsers ask the user before CORS applies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// An address space that is not the public internet.
/// <https://wicg.github.io/local-network-access/#ip-address-space-section>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    /// The user's network: other machines there.
    Local,
    /// The user's own machine.
    Loopback,
}

impl Space {
    /// What the URL shows by itself. For most names only DNS knows; the
    /// exceptions are loopback names and those of multicast DNS (RFC 6762,
    /// section 3).
    pub(crate) fn of_url(url: &Url) -> Option<Self> {
        match url.host()? {
            Host::Domain(name) if cors::is_loopback(name) => {
                Some(Self::Loopback)
            }
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name.ends_with(".local").then_some(Self::Local)
            }
            Host::Ipv4(address) => Self::of(address.into()),
            Host::Ipv6(address) => Self::of(address.into()),
        }
    }

    /// <https://wicg.github.io/local-network-access/#non-public-ip-address-blocks>,
    /// as of 22 April 2026. The first block that contains the address counts.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        use Space::{Local, Loopback};
        const V4: [(Ipv4Addr, u32, Space); 9] = [
            (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback),
            (Ipv4Addr::new(10, 0, 0, 0), 8, Local),
            (Ipv4Addr::new(100, 64, 0, 0), 10, Local),
            (Ipv4Addr::new(172, 16, 0, 0), 12, Local),
            (Ipv4Addr::new(192, 168, 0, 0), 16, Local),
            (Ipv4Addr::new(198, 18, 0, 0), 15, Loopback),
            (Ipv4Addr::new(169, 254, 0, 0), 16, Local),
            (Ipv4Addr::UNSPECIFIED, 32, Loopback),
            (Ipv4Addr::UNSPECIFIED, 8, Local),
        ];
        const fn block(first: u16, second: u16) -> Ipv6Addr {
            Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)
        }
        const V6: [(Ipv6Addr, u32, Space); 7] = [
            (Ipv6Addr::LOCALHOST, 128, Loopback),
            (block(0xfc00, 0), 7, Local),
            (block(0xfe80, 0), 10, Local),
            (block(0xfec0, 0), 10, Local),
            (Ipv6Addr::UNSPECIFIED, 128, Loopback),
            (block(0x2001, 0xdb8), 32, Local),
            (block(0x3fff, 0), 20, Local),
        ];
        match address.to_canonical() {
            IpAddr::V4(address) => {
                V4.iter().find_map(|&(block, len, space)| {
                    let differs = address.to_bits() ^ block.to_bits();
                    (differs >> (32 - len) == 0).then_some(space)
                })
            }
            IpAddr::V6(address) => {
                V6.iter().find_map(|&(block, len, space)| {
                    let differs = address.to_bits() ^ block.to_bits();
                    (differs >> (128 - len) == 0).then_some(space)
                })
            }
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Local => "the local network",
            Self::Loopback => "the user's own machine",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_their_space() {
        for (address, expected) in [
            ("127.0.0.1", Some(Space::Loopback)),
            ("126.255.255.255", None),
            ("128.0.0.0", None),
            ("9.255.255.255", None),
            ("10.0.0.0", Some(Space::Local)),
            ("10.255.255.255", Some(Space::Local)),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.1", Some(Space::Local)),
            ("100.128.0.0", None),
            ("172.15.255.255", None),
            ("172.16.0.0", Some(Space::Local)),
            ("172.31.255.255", Some(Space::Local)),
            ("172.32.0.0", None),
            ("192.168.1.5", Some(Space::Local)),
            ("192.169.0.0", None),
            ("198.18.0.1", Some(Space::Loopback)),
            ("198.20.0.0", None),
            ("169.254.169.254", Some(Space::Local)),
            ("0.0.0.0", Some(Space::Loopback)),
            ("0.0.0.1", Some(Space::Local)),
            ("1.1.1.1", None),
            ("::1", Some(Space::Loopback)),
            ("::", Some(Space::Loopback)),
            ("::2", None),
            ("fd00::1", Some(Space::Local)),
            ("fdff::", Some(Space::Local)),
            ("fe00::", None),
            ("fe80::1", Some(Space::Local)),
            ("fec0::1", Some(Space::Local)),
            ("ff02::1", None),
            ("2001:db8::1", Some(Space::Local)),
            ("2001:db9::", None),
            ("3fff:fff::1", Some(Space::Local)),
            ("3fff:1000::", None),
            ("::ffff:192.168.0.1", Some(Space::Local)),
            ("::ffff:127.0.0.1", Some(Space::Loopback)),
            ("::ffff:1.1.1.1", None),
        ] {
            let parsed = address.parse().expect("an address");
            assert_eq!(Space::of(parsed), expected, "{address}");
        }
    }

    #[test]
    fn urls_have_the_space_of_their_whole_host() {
        for (host, expected) in [
            ("localhost", Some(Space::Loopback)),
            ("LOCALHOST", Some(Space::Loopback)),
            ("localhost.", Some(Space::Loopback)),
            ("app.localhost", Some(Space::Loopback)),
            ("localhost.evil.com", None),
            ("evil-localhost", None),
            ("127.evil.com", None),
            ("127.0.0.1.evil.com", None),
            ("127.0.0.1.nip.io", None),
            // Browsers read these as 127.0.0.1.
            ("127.1", Some(Space::Loopback)),
            ("0x7f.1", Some(Space::Loopback)),
            ("2130706433", Some(Space::Loopback)),
            ("127.0.0.1.", Some(Space::Loopback)),
            ("[::1]", Some(Space::Loopback)),
            ("[::ffff:7f00:1]", Some(Space::Loopback)),
            ("printer.local", Some(Space::Local)),
            ("printer.local.", Some(Space::Local)),
            ("local", None),
            ("printer.local.evil.com", None),
            ("192.168.1.5", Some(Space::Local)),
            ("api.example.com", None),
        ] {
            let url = Url::parse(&format!("http://{host}/")).expect("a URL");
            assert_eq!(Space::of_url(&url), expected, "{host}");
        }
    }
}
