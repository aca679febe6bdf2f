//! Ranges of IP addresses in CIDR form, and which of many has an address.
//!
//! Of two ranges, one covers the other, or they have no address in common. So
//! the ranges are sorted, and each knows the next wider one that covers it. The
//! last range that begins before an address has it, or one of those around
//! that range has it, or none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::glob_index::NONE;
use super::syntax::ipv6_text;

/// The addresses of one family that begin with the same bits ([RFC 4632,
/// section 3.1], [RFC 4291, section 2.3]).
///
/// [RFC 4632, section 3.1]: https://www.rfc-editor.org/rfc/rfc4632#section-3.1
/// [RFC 4291, section 2.3]: https://www.rfc-editor.org/rfc/rfc4291#section-2.3
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AddressRange {
    family: Family,
    /// The network's address, from the highest bit on; the rest is 0.
    bits: u128,
    /// How many bits all addresses have in common.
    length: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    V4,
    V6,
}

impl AddressRange {
    /// The range of one address.
    pub(crate) fn of(address: IpAddr) -> Self {
        let (family, bits) = match address {
            IpAddr::V4(address) => {
                (Family::V4, u128::from(address.to_bits()) << 96)
            }
            IpAddr::V6(address) => (Family::V6, address.to_bits()),
        };
        Self { family, bits, length: family.length() }
    }

    /// The range with only so many bits in common, whose address is the
    /// network's; `None` if there are not so many.
    pub(crate) fn truncated(self, length: u8) -> Option<Self> {
        if length > self.length {
            return None;
        }
        let mask = u128::MAX.checked_shl(128 - u32::from(length));
        let bits = self.bits & mask.unwrap_or(0);
        Some(Self { bits, length, ..self })
    }

    /// Whether all addresses of `other` are in this range.
    pub(crate) fn covers(self, other: Self) -> bool {
        other.truncated(self.length) == Some(self)
    }

    pub(crate) fn network(self) -> IpAddr {
        match self.family {
            Family::V4 => Ipv4Addr::from((self.bits >> 96) as u32).into(),
            Family::V6 => Ipv6Addr::from(self.bits).into(),
        }
    }

    /// How many bits all addresses have in common.
    pub(crate) fn length(self) -> u8 {
        self.length
    }

    /// The host that is the only address, if it is one.
    pub(crate) fn host(self) -> Option<String> {
        (self.length == self.family.length()).then(|| self.host_text())
    }

    /// The network's address as the host of an origin.
    pub(crate) fn host_text(self) -> String {
        match self.network() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{}]", ipv6_text(address)),
        }
    }
}

impl Family {
    /// The bits of an address.
    fn length(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// The address that is the host of an origin, if it is one.
pub(crate) fn host_address(host: &[u8]) -> Option<AddressRange> {
    let text = str::from_utf8(host).ok()?;
    let address = match text.strip_prefix('[') {
        Some(text) => IpAddr::V6(text.strip_suffix(']')?.parse().ok()?),
        None => IpAddr::V4(text.parse().ok()?),
    };
    Some(AddressRange::of(address))
}

/// A range with one scheme and one port pattern, which no other entry has.
pub(super) struct Entry {
    range: AddressRange,
    scheme_and_port: u32,
    /// The number of its pattern; in an index, the least one of this pattern
    /// and those that cover it.
    number: u32,
    /// In an index, the place in the group of the narrowest other one that
    /// covers it, or `NONE`.
    above: u32,
}

/// All ranges of a policy.
pub(super) struct RangeIndex {
    /// In groups, and in each by the first address, the widest first. So a
    /// range is behind those that cover it.
    entries: Box<[Entry]>,
    groups: Box<[Group]>,
}

/// The ranges of one family with one scheme and one port pattern.
struct Group {
    key: (u32, Family),
    /// Places in the entries.
    entries: Range<u32>,
}

impl Entry {
    pub(super) fn new(
        range: AddressRange,
        scheme_and_port: u32,
        number: u32,
    ) -> Self {
        Self { range, scheme_and_port, number, above: NONE }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    fn group(&self) -> (u32, Family) {
        (self.scheme_and_port, self.range.family)
    }
}

impl RangeIndex {
    pub(super) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by_key(|entry| (entry.group(), entry.range));
        let mut groups = Vec::new();
        let mut start = 0;
        for entries in
            entries.chunk_by_mut(|one, other| one.group() == other.group())
        {
            for place in 0..entries.len() {
                let (before, rest) = entries.split_at_mut(place);
                let entry = &mut rest[0];
                if let Some(above) = narrowest(before, entry.range) {
                    entry.number = entry.number.min(before[above].number);
                    entry.above = above as u32;
                }
            }
            let end = start + entries.len() as u32;
            groups
                .push(Group { key: entries[0].group(), entries: start..end });
            start = end;
        }
        Self { entries: entries.into(), groups: groups.into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The least number, if it is below `best`, of a pattern that covers
    /// `range` with one of these schemes and ports. Otherwise `best`.
    pub(super) fn find(
        &self,
        range: AddressRange,
        schemes_and_ports: &[u32],
        mut best: u32,
    ) -> u32 {
        for &wanted in schemes_and_ports {
            let key = (wanted, range.family);
            let group = self.groups.binary_search_by_key(&key, |g| g.key);
            if let Ok(i) = group {
                let Range { start, end } = self.groups[i].entries;
                let entries = &self.entries[start as usize..end as usize];
                if let Some(place) = narrowest(entries, range) {
                    best = best.min(entries[place].number);
                }
            }
        }
        best
    }
}

/// The place of the narrowest range of a group that covers `range`.
fn narrowest(entries: &[Entry], range: AddressRange) -> Option<usize> {
    // The last one that begins before it, or one that covers that one: no
    // other covers it and begins before it.
    let wanted = (range.bits, range.length);
    let behind = entries.partition_point(|entry| {
        (entry.range.bits, entry.range.length) <= wanted
    });
    let mut place = behind.checked_sub(1)?;
    let common = entries[place].range.bits ^ range.bits;
    let common = common.leading_zeros().min(range.length.into());
    while u32::from(entries.get(place)?.range.length) > common {
        place = entries[place].above as usize;
    }
    Some(place)
}
