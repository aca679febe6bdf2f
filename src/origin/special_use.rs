//! Special-use names, which nobody can register.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ranges::AddressRange;

/// Whether a name is one of them or below one.
pub(super) fn is_special_use(name: &str) -> bool {
    SPECIAL_USE.iter().any(|reserved| {
        name.strip_suffix(reserved)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// RFC 6761, sections 6.2 to 6.5 (and RFC 2606), RFC 8375 for `home.arpa`, and
/// [ICANN's reservation of `internal`].
///
/// [ICANN's reservation of `internal`]: https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en#section2.a
pub(crate) const SPECIAL_USE: [&str; 6] =
    ["example", "home.arpa", "internal", "invalid", "localhost", "test"];

/// Blocks of addresses that nobody can rent: private ones (RFC 1918, RFC
/// 4193), loopback, link-local (RFC 3927, RFC 4291), those that providers
/// share among customers (RFC 6598), and those of documentation (RFC 5737, RFC
/// 3849, RFC 9637).
const CLOSED_BLOCKS: [(IpAddr, u8); 14] = [
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 0)), 24),
    (IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0)), 24),
    (IpAddr::V4(Ipv4Addr::new(203, 0, 113, 0)), 24),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0)), 32),
    (IpAddr::V6(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0)), 20),
];

/// Whether anyone may get an address in the range. One address has one owner.
pub(crate) fn is_open(range: AddressRange) -> bool {
    let is_closed = |&(address, length): &(IpAddr, u8)| {
        let block = AddressRange::of(address).truncated(length);
        block.is_some_and(|block| block.covers(range))
    };
    range.host().is_none() && !CLOSED_BLOCKS.iter().any(is_closed)
}
