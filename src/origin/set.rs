//! The set of a policy's origin patterns: which one, if any, matches.
//!
//! Exact origins are in one hash table over one arena of text, so their number
//! does not matter. Patterns with wildcards are found by the literal labels at
//! their right end, their suffix: if a request's host has a dot as far from
//! its end as some suffix is long, one table lookup finds out whether what
//! follows the dot is a suffix. Hosts have at most 127 labels, so there are no
//! more lookups. DESIGN.md explains this at length.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use super::glob_index::{self, Glob, GlobIndex, NONE, Tree};
use super::pattern::{HostPattern, Pattern, PortPattern, Wildcard};
use super::syntax::{HOST_MAX, ORIGIN_MAX, Scheme, Tuple};
use crate::table::{Table, Text, hash_bytes, table_hash};

/// A set of patterns that is being made. `*` and `null` are not in it: they
/// are single bits of a policy.
pub(crate) struct Builder {
    /// The patterns' texts in the policy's order, each followed by a NUL, so
    /// that a C caller may print it.
    arena: Vec<u8>,
    exact: Vec<Text>,
    wildcards: Vec<Parsed>,
}

/// A pattern with wildcards.
struct Parsed {
    number: u32,
    text: Text,
    scheme_and_port: u32,
    suffix: Text,
    left: Left,
}

/// What a pattern has to the left of its suffix.
#[derive(Clone, Copy)]
enum Left {
    Nothing,
    /// `**.`
    Subdomains,
    Glob(Text),
}

/// Words of a set with a bit for each length that an origin may have.
const LENGTH_WORDS: usize = ORIGIN_MAX / 64 + 1;

/// All patterns of one policy. It never changes.
pub(crate) struct OriginSet {
    arena: Box<[u8]>,
    seed: SeedableRandomState,
    exact: Table,
    /// Bit `n % 64` of word `n / 64` is set if an exact origin has the length
    /// `n`: most other origins are not even hashed.
    exact_lengths: [u64; LENGTH_WORDS],
    /// The different patterns with wildcards, in the order of the file. Of
    /// several that match, the first counts: the one with the least number.
    wildcards: Box<[Text]>,
    /// Patterns with wildcards: places in `suffixes`, by the text.
    by_suffix: Table,
    suffixes: Box<[Suffix]>,
    /// The lengths of the suffixes, each once, in ascending order.
    suffix_lengths: Box<[usize]>,
    /// Those of a suffix are next to each other, sorted by scheme and port.
    groups: Box<[Group]>,
    globs: GlobIndex,
}

/// The literal labels at the right end of patterns with wildcards.
struct Suffix {
    text: Text,
    /// The patterns' groups.
    groups: Range<u32>,
}

/// The patterns with one suffix, one scheme and one port pattern, by number.
struct Group {
    scheme_and_port: u32,
    /// The suffix itself, with any port.
    whole: u32,
    /// `**.` before the suffix.
    subdomains: u32,
    /// Stars in the label before the suffix.
    globs: Tree,
}

impl Builder {
    /// Makes room for texts of `capacity` bytes in all, NULs included.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            arena: Vec::with_capacity(capacity),
            exact: Vec::new(),
            wildcards: Vec::new(),
        }
    }

    /// Adds a pattern that was parsed without error; `*` and `null` are
    /// ignored.
    pub(crate) fn push(&mut self, text: &str, pattern: &Pattern<'_>) {
        // A policy file is shorter than 4 GiB, and so is its text.
        let start = self.arena.len();
        let place = |part: &str| {
            let at = start + part.as_ptr().addr() - text.as_ptr().addr();
            Text { start: at as u32, len: part.len() as u32 }
        };
        match pattern {
            Pattern::Exact(_) => self.exact.push(place(text)),
            Pattern::Wildcard(Wildcard { scheme, host, port }) => {
                let (suffix, left) = match *host {
                    HostPattern::Whole(suffix) => (suffix, Left::Nothing),
                    HostPattern::Subdomains(suffix) => {
                        (suffix, Left::Subdomains)
                    }
                    HostPattern::Label { left, suffix } => {
                        (suffix, Left::Glob(place(left)))
                    }
                };
                self.wildcards.push(Parsed {
                    number: NONE,
                    text: place(text),
                    scheme_and_port: scheme_and_port(*scheme, *port),
                    suffix: place(suffix),
                    left,
                });
            }
            Pattern::Any | Pattern::Null => return,
        }
        self.arena.extend_from_slice(text.as_bytes());
        self.arena.push(0);
    }

    /// The set, and the places of repeated patterns, in order.
    pub(crate) fn build(self) -> (OriginSet, Vec<usize>) {
        let Self { arena, exact: texts, mut wildcards } = self;
        let arena = arena.into_boxed_slice();
        // Tenants supply origins, so the hash has a secret seed.
        let seed = SeedableRandomState::with_seed(
            RandomState::new().build_hasher().finish(),
            SharedSeed::global_random(),
        );
        let mut repeated = Vec::new();
        let mut is_new = |table: &mut Table, text: Text| {
            let bytes = text.of(&arena);
            let same = |value| Text::unpack(value).of(&arena) == bytes;
            let new =
                table.insert(hash_bytes(&seed, bytes), text.pack(), same);
            if !new {
                repeated.push(text.start as usize);
            }
            new
        };
        let mut exact = Table::with_room_for(texts.len());
        let mut exact_lengths = [0; LENGTH_WORDS];
        for text in texts {
            exact_lengths[text.len as usize / 64] |= 1 << (text.len % 64);
            is_new(&mut exact, text);
        }
        let mut table = Table::with_room_for(wildcards.len());
        wildcards.retain(|wildcard| is_new(&mut table, wildcard.text));
        drop(table);
        repeated.sort_unstable();

        for (wildcard, number) in wildcards.iter_mut().zip(0..) {
            wildcard.number = number;
        }
        let texts = wildcards.iter().map(|wildcard| wildcard.text).collect();
        let (suffixes, groups, globs) = group(wildcards, &arena, &seed);
        let mut has_length = [false; HOST_MAX + 1];
        for suffix in &suffixes {
            has_length[suffix.text.len as usize] = true;
        }
        let suffix_lengths: Box<[_]> =
            (0..=HOST_MAX).filter(|&len| has_length[len]).collect();
        let mut by_suffix = Table::with_room_for(suffixes.len());
        for (suffix, number) in suffixes.iter().zip(0..) {
            let text = suffix.text.of(&arena);
            // The last one is the whole text.
            if let Some((_, hash)) = runs(&seed, &suffix_lengths, text).last()
            {
                by_suffix.insert(hash, number, |_| false);
            }
        }
        let set = OriginSet {
            arena,
            seed,
            exact,
            exact_lengths,
            wildcards: texts,
            by_suffix,
            suffixes,
            suffix_lengths,
            groups,
            globs,
        };
        (set, repeated)
    }
}

impl OriginSet {
    /// The text of the exact pattern that is `bytes`. Every pattern has passed
    /// the origin parser, so what is found here is well-formed.
    #[inline]
    pub(crate) fn find_exact(&self, bytes: &[u8]) -> Option<&[u8]> {
        let lengths = self.exact_lengths.get(bytes.len() / 64)?;
        if lengths >> (bytes.len() % 64) & 1 == 0 {
            return None;
        }
        self.exact.find(hash_bytes(&self.seed, bytes), |value| {
            let text = Text::unpack(value).of(&self.arena);
            (text == bytes).then_some(text)
        })
    }

    /// Whether the text is at this place among the patterns' texts.
    pub(crate) fn is_at(&self, place: usize, text: &str) -> bool {
        self.arena.get(place..).is_some_and(|rest| {
            rest.strip_prefix(text.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"\0"))
        })
    }

    /// The patterns' texts, in the order of the file.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &str> {
        let texts = self.arena.split_inclusive(|&byte| byte == 0);
        texts.filter_map(|text| str::from_utf8(text.strip_suffix(b"\0")?).ok())
    }

    /// Whether any pattern is one origin.
    pub(crate) fn has_exact(&self) -> bool {
        self.exact_lengths != [0; LENGTH_WORDS]
    }

    /// Whether any pattern has wildcards.
    pub(crate) fn has_wildcards(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The text of the first pattern with wildcards that matches `origin`.
    #[inline]
    pub(crate) fn find_wildcard(&self, origin: &Tuple<'_>) -> Option<&[u8]> {
        let web = matches!(origin.scheme, Scheme::Http | Scheme::Https);
        (web && self.has_wildcards()).then(|| self.first_wildcard(origin))?
    }

    /// The same for an http or https origin, in a function of its own, so that
    /// a policy without wildcards pays nothing for it.
    #[inline(never)]
    fn first_wildcard(&self, origin: &Tuple<'_>) -> Option<&[u8]> {
        let port = match origin.port {
            Some(number) => PortPattern::Number(number),
            None => PortPattern::Default,
        };
        let ports = [port, PortPattern::Any];
        let wanted = ports.map(|port| scheme_and_port(origin.scheme, port));
        let mut best = NONE;
        let host = origin.host;
        for (run, hash) in runs(&self.seed, &self.suffix_lengths, host) {
            let found = self.by_suffix.find(hash, |value| {
                let suffix = &self.suffixes[value as usize];
                (suffix.text.of(&self.arena) == run).then_some(suffix)
            });
            let Some(suffix) = found else {
                continue;
            };
            let Range { start, end } = suffix.groups;
            let groups = &self.groups[start as usize..end as usize];
            // Before the dot, if that is not the whole host.
            let left = host.len().checked_sub(run.len() + 1);
            let left = left.map(|len| &host[..len]);
            for wanted in &wanted {
                let key = |group: &Group| group.scheme_and_port;
                if let Ok(i) = groups.binary_search_by_key(wanted, key) {
                    best = self.find_in(&groups[i], left, best);
                }
            }
        }
        let text = self.wildcards.get(best as usize)?;
        Some(text.of(&self.arena))
    }

    /// The least number in a group, if it is below `best`, of a pattern for a
    /// host that is `left`, a dot, and the suffix; or the suffix alone, if
    /// `left` is absent. Otherwise `best`.
    fn find_in(&self, group: &Group, left: Option<&[u8]>, best: u32) -> u32 {
        let Some(left) = left else { return best.min(group.whole) };
        let best = best.min(group.subdomains);
        match group.globs.is_empty() {
            true => best,
            false => self.find_glob(group.globs, left, best),
        }
    }

    /// In a function of its own, so that a group without globs pays nothing.
    #[inline(never)]
    fn find_glob(&self, globs: Tree, left: &[u8], best: u32) -> u32 {
        self.globs.find(globs, &self.arena, &self.seed, left, best)
    }
}

/// The runs of whole labels at the right end of a host that are as long as
/// some suffix, from the shortest on, with their hashes. There is only one
/// hasher, so all the hashes together cost one pass over the host.
///
/// An IP address is treated like a name. No pattern has a wildcard in one, so
/// only the whole host can be found.
#[inline]
fn runs<'h>(
    seed: &'h SeedableRandomState,
    lengths: &'h [usize],
    host: &'h [u8],
) -> impl Iterator<Item = (&'h [u8], u64)> {
    let (mut hasher, mut hashed) = (seed.build_hasher(), host.len());
    lengths
        .iter()
        .map_while(|len| host.len().checked_sub(*len))
        .filter(|&start| start == 0 || host[start - 1] == b'.')
        .map(move |start| {
            hasher.write(&host[start..hashed]);
            hashed = start;
            (&host[start..], table_hash(hasher.finish()))
        })
}

/// As one number, to compare and sort by.
fn scheme_and_port(scheme: Scheme, port: PortPattern) -> u32 {
    let port = match port {
        PortPattern::Default => 0,
        PortPattern::Number(number) => number.into(),
        PortPattern::Any => 1 << 16,
    };
    port << 1 | u32::from(scheme == Scheme::Https)
}

/// Groups patterns that are all different.
fn group(
    mut patterns: Vec<Parsed>,
    arena: &[u8],
    seed: &SeedableRandomState,
) -> (Box<[Suffix]>, Box<[Group]>, GlobIndex) {
    // By hash first, since the suffixes' texts are scattered over the memory.
    // Those of a group stay in the order of the file.
    patterns.sort_unstable_by_key(|pattern| {
        let suffix = pattern.suffix.of(arena);
        let Parsed { scheme_and_port, number, .. } = *pattern;
        (hash_bytes(seed, suffix), suffix, scheme_and_port, number)
    });
    let mut suffixes = Vec::with_capacity(patterns.len());
    let mut groups = Vec::with_capacity(patterns.len());
    let mut globs = glob_index::Builder::new(arena, seed);
    for patterns in patterns
        .chunk_by(|one, other| one.suffix.of(arena) == other.suffix.of(arena))
    {
        let start = groups.len() as u32;
        for patterns in patterns.chunk_by(|one, other| {
            one.scheme_and_port == other.scheme_and_port
        }) {
            let (mut whole, mut subdomains) = (NONE, NONE);
            let globs = globs.add(patterns.iter().filter_map(|pattern| {
                let Parsed { number, .. } = *pattern;
                match pattern.left {
                    Left::Nothing => whole = number,
                    Left::Subdomains => subdomains = number,
                    Left::Glob(text) => return Some(Glob { number, text }),
                }
                None
            }));
            let scheme_and_port = patterns[0].scheme_and_port;
            groups.push(Group { scheme_and_port, whole, subdomains, globs });
        }
        let groups = start..groups.len() as u32;
        suffixes.push(Suffix { text: patterns[0].suffix, groups });
    }
    (suffixes.into(), groups.into(), globs.build())
}
