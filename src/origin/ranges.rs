//! Ranges of IP addresses in CIDR form, and which of many has an address.
//!
//! All ranges of one prefix length are in one hash table, by their network's
//! address. So an address is masked and looked up once for each length that
//! the policy has, of which there are at most 33 for IPv4 and 129 for IPv6,
//! however many ranges there are.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::SeedableRandomState;

use super::syntax::ipv6_text;
use crate::table::{Table, table_hash};

/// The addresses of one family that begin with the same bits ([RFC 4632,
/// section 3.1], [RFC 4291, section 2.3]).
///
/// [RFC 4632, section 3.1]: https://www.rfc-editor.org/rfc/rfc4632#section-3.1
/// [RFC 4291, section 2.3]: https://www.rfc-editor.org/rfc/rfc4291#section-2.3
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressRange {
    family: Family,
    /// The network's address, from the highest bit on; the rest is 0.
    bits: u128,
    /// How many bits all addresses have in common.
    length: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// A range with one scheme and one port pattern, which no other entry has, and
/// the number of its pattern.
pub(super) struct Entry {
    pub(super) range: AddressRange,
    pub(super) scheme_and_port: u32,
    pub(super) number: u32,
}

/// All ranges of a policy.
pub(super) struct RangeIndex {
    entries: Box<[Entry]>,
    /// Places in `entries`.
    table: Table,
    /// The lengths of the ranges, for each family, each once.
    lengths: [Box<[u8]>; 2],
}

impl RangeIndex {
    pub(super) fn new(
        entries: Vec<Entry>,
        seed: &SeedableRandomState,
    ) -> Self {
        let mut table = Table::with_room_for(entries.len());
        let mut has_length = [[false; 129]; 2];
        for (entry, i) in entries.iter().zip(0..) {
            let Entry { range, scheme_and_port, .. } = *entry;
            let hash = hash(seed, range, scheme_and_port);
            table.insert(hash, i, |_| false);
            has_length[range.family as usize][usize::from(range.length)] =
                true;
        }
        let lengths = has_length.map(|has_length| {
            (0..=128).filter(|&len| has_length[usize::from(len)]).collect()
        });
        Self { entries: entries.into(), table, lengths }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The least number, if it is below `best`, of a pattern that covers
    /// `range` with one of these schemes and ports. Otherwise `best`.
    pub(super) fn find(
        &self,
        seed: &SeedableRandomState,
        range: AddressRange,
        schemes_and_ports: &[u32],
        best: u32,
    ) -> u32 {
        let lengths = &self.lengths[range.family as usize];
        let ranges = lengths.iter().map_while(|&len| range.truncated(len));
        let found = ranges.flat_map(|range| {
            schemes_and_ports.iter().filter_map(move |&wanted| {
                self.table.find(hash(seed, range, wanted), |i| {
                    let entry = &self.entries[i as usize];
                    (entry.range == range && entry.scheme_and_port == wanted)
                        .then_some(entry.number)
                })
            })
        });
        found.fold(best, u32::min)
    }
}

fn hash(
    seed: &SeedableRandomState,
    range: AddressRange,
    scheme_and_port: u32,
) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write_u128(range.bits);
    let kind = u32::from(range.length) << 1 | range.family as u32;
    hasher.write_u64(u64::from(kind) << 32 | u64::from(scheme_and_port));
    table_hash(hasher.finish())
}
