//! The set of a policy's origin patterns: which one, if any, matches.
//!
//! Exact origins stand in one hash table over one arena of text, so their
//! number does not matter. Patterns with wildcards are found by the literal
//! labels at their right end, their suffix: where a request's host has a dot
//! so far from its end as some suffix is long, one table lookup tells whether
//! what stands behind it is one. Hosts have at most 127 labels, so there are
//! not more lookups. DESIGN.md tells the story at length.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::slice;

use aho_corasick::Input;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};
use memchr::{memchr, memmem};

use super::pattern::{HostPattern, Pattern, PortPattern, Wildcard};
use super::syntax::{HOST_MAX, ORIGIN_MAX, Scheme, Tuple};
use crate::table::{Table, Text, hash_bytes, table_hash};

/// A set of patterns that is being made. `*` and `null` are not in it: they
/// are single bits of a policy.
pub(crate) struct Builder {
    /// The patterns' texts in the policy's order, each with a NUL behind it,
    /// so that a C caller may print one.
    arena: Vec<u8>,
    exact: Vec<Text>,
    wildcards: Vec<Text>,
}

/// All patterns of one policy. It never changes.
pub(crate) struct OriginSet {
    arena: Box<[u8]>,
    seed: SeedableRandomState,
    exact: Table,
    /// Bit `n % 64` of word `n / 64` is set where an exact origin has the
    /// length `n`: most strangers are not even hashed.
    exact_lengths: [u64; ORIGIN_MAX / 64 + 1],
    /// Patterns with wildcards: places in `suffixes`, by the text.
    by_suffix: Table,
    suffixes: Box<[Suffix]>,
    /// The lengths of the suffixes, each once, from the shortest on.
    suffix_lengths: Box<[usize]>,
    /// Sorted by suffix, scheme and port.
    groups: Box<[Group]>,
}

/// The literal labels at the right end of patterns with wildcards.
struct Suffix {
    text: Text,
    /// The patterns' groups.
    groups: Range<u32>,
}

/// The patterns with one suffix, one scheme and one port pattern. Of several
/// patterns that match, the first in the file counts, which is the one with
/// the least place in the arena.
struct Group {
    scheme_and_port: u32,
    /// The suffix itself, with any port.
    whole: Option<Text>,
    /// `**.` before the suffix.
    subdomains: Option<Text>,
    /// Stars in the label before the suffix.
    labels: Option<Box<Globs>>,
}

/// Patterns that differ in what stands before one suffix.
#[derive(Default)]
struct Globs {
    /// In the order of the file.
    globs: Vec<Glob>,
    /// Where there are many: finds those of which a literal piece occurs.
    pieces: Option<PieceIndex>,
}

struct Glob {
    pattern: Text,
    /// Up to the end of the label with the stars: `api.pr-*-git-*`.
    left: Text,
}

/// One literal piece of each glob, the one that it shares with the fewest
/// others, in one automaton: a pass over the text finds all candidates. (The
/// crate's own choice would be a DFA for few of them, a sixth faster, and the
/// library a twentieth larger.)
struct PieceIndex {
    automaton: NFA,
    /// For each piece, the globs to try, as indexes.
    globs: Vec<Vec<u32>>,
    /// Those without any literal piece.
    always: Vec<u32>,
}

/// From how many globs on [`PieceIndex`] is dearer to leave than to have.
const PIECE_INDEX_MIN: usize = 8;

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
        let list = match pattern {
            Pattern::Exact(_) => &mut self.exact,
            Pattern::Wildcard(_) => &mut self.wildcards,
            Pattern::Any | Pattern::Null => return,
        };
        // A policy file is shorter than 4 GiB, and so is its text.
        list.push(Text {
            start: self.arena.len() as u32,
            len: text.len() as u32,
        });
        self.arena.extend_from_slice(text.as_bytes());
        self.arena.push(0);
    }

    pub(crate) fn build(self) -> OriginSet {
        let Self { arena, exact: texts, wildcards } = self;
        let arena = arena.into_boxed_slice();
        // Tenants supply origins, so the hash has a seed that nobody outside
        // learns.
        let seed = SeedableRandomState::with_seed(
            RandomState::new().build_hasher().finish(),
            SharedSeed::global_random(),
        );
        let mut exact = Table::with_room_for(texts.len());
        let mut exact_lengths = [0; _];
        for text in texts {
            let bytes = text.of(&arena);
            exact_lengths[bytes.len() / 64] |= 1 << (bytes.len() % 64);
            let same = |value| Text::unpack(value).of(&arena) == bytes;
            exact.insert(hash_bytes(&seed, bytes), text.pack(), same);
        }
        let (suffixes, groups) = group_by_suffix(&wildcards, &arena);
        let mut has_length = [false; HOST_MAX + 1];
        for suffix in &suffixes {
            has_length[suffix.text.len as usize] = true;
        }
        let suffix_lengths: Box<[_]> =
            (0..=HOST_MAX).filter(|&len| has_length[len]).collect();
        let mut by_suffix = Table::with_room_for(suffixes.len());
        for (suffix, number) in suffixes.iter().zip(0..) {
            let text = suffix.text.of(&arena);
            let runs = Runs::new(&seed, &suffix_lengths, text);
            // The last one is the whole text.
            if let Some((_, hash)) = runs.last() {
                by_suffix.insert(hash, number, |_| false);
            }
        }
        OriginSet {
            arena,
            seed,
            exact,
            exact_lengths,
            by_suffix,
            suffixes,
            suffix_lengths,
            groups,
        }
    }
}

impl OriginSet {
    /// The text of the exact pattern that is `bytes`. Every pattern has passed
    /// the origin parser, so what is found here is well-formed.
    #[inline]
    pub(crate) fn find_exact(&self, bytes: &[u8]) -> Option<&[u8]> {
        self.exact(bytes).map(|(_, text)| text)
    }

    /// Where among the patterns' texts, each with its NUL, the exact pattern
    /// that is `bytes` stands first.
    pub(crate) fn place_of_exact(&self, bytes: &[u8]) -> Option<usize> {
        self.exact(bytes).map(|(place, _)| place.start as usize)
    }

    /// Whether any pattern has wildcards.
    pub(crate) fn has_wildcards(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The text of the first pattern with wildcards that matches `origin`.
    pub(crate) fn find_wildcard(&self, origin: &Tuple<'_>) -> Option<&[u8]> {
        if !self.has_wildcards()
            || !matches!(origin.scheme, Scheme::Http | Scheme::Https)
        {
            return None;
        }
        let port = match origin.port {
            Some(number) => PortPattern::Number(number),
            None => PortPattern::Default,
        };
        let ports = [port, PortPattern::Any];
        let wanted = ports.map(|port| scheme_and_port(origin.scheme, port));
        let mut best: Option<Text> = None;
        let host = origin.host;
        for (run, hash) in Runs::new(&self.seed, &self.suffix_lengths, host) {
            let found = self.by_suffix.find(hash, |value| {
                let suffix = &self.suffixes[value as usize];
                (suffix.text.of(&self.arena) == run).then_some(suffix)
            });
            let Some(suffix) = found else {
                continue;
            };
            let Range { start, end } = suffix.groups;
            let groups = &self.groups[start as usize..end as usize];
            let left = host_left_of(run, host);
            for wanted in wanted {
                let key = |group: &Group| group.scheme_and_port;
                if let Ok(i) = groups.binary_search_by_key(&wanted, key) {
                    best = first(best, groups[i].find(left, &self.arena));
                }
            }
        }
        best.map(|text| text.of(&self.arena))
    }

    #[inline]
    fn exact(&self, bytes: &[u8]) -> Option<(Text, &[u8])> {
        let lengths = self.exact_lengths.get(bytes.len() / 64)?;
        if lengths >> (bytes.len() % 64) & 1 == 0 {
            return None;
        }
        self.exact.find(hash_bytes(&self.seed, bytes), |value| {
            let place = Text::unpack(value);
            let text = place.of(&self.arena);
            (text == bytes).then_some((place, text))
        })
    }
}

impl Group {
    fn new(scheme_and_port: u32) -> Self {
        Self { scheme_and_port, whole: None, subdomains: None, labels: None }
    }

    /// The first pattern of the group for a host that is `left`, a dot, and
    /// the suffix; or, where `left` is absent, the suffix alone.
    fn find(&self, left: Option<&[u8]>, arena: &[u8]) -> Option<Text> {
        match left {
            None => self.whole,
            Some(left) => {
                let globs = self.labels.as_ref();
                let glob = globs.and_then(|globs| globs.find(left, arena));
                first(self.subdomains, glob)
            }
        }
    }
}

/// The runs of whole labels at the right end of a host that are as long as
/// some suffix, from the shortest on. One hasher takes the bytes as they come,
/// so that all the runs' hashes together cost one pass over the host.
///
/// An IP address is walked like a name. No pattern has a wildcard in one, so
/// only the whole host can be found.
struct Runs<'s, 'h> {
    host: &'h [u8],
    lengths: slice::Iter<'s, usize>,
    /// Where begins what the hasher has taken.
    hashed: usize,
    hasher: FoldHasher<'s>,
}

impl<'s, 'h> Runs<'s, 'h> {
    fn new(
        seed: &'s SeedableRandomState,
        lengths: &'s [usize],
        host: &'h [u8],
    ) -> Self {
        let hasher = seed.build_hasher();
        Self { host, lengths: lengths.iter(), hashed: host.len(), hasher }
    }
}

impl<'h> Iterator for Runs<'_, 'h> {
    /// A run and its hash.
    type Item = (&'h [u8], u64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        for len in self.lengths.by_ref() {
            let start = self.host.len().checked_sub(*len)?;
            if start == 0 || self.host[start - 1] == b'.' {
                self.hasher.write(&self.host[start..self.hashed]);
                self.hashed = start;
                let hash = table_hash(self.hasher.finish());
                return Some((&self.host[start..], hash));
            }
        }
        None
    }
}

/// In one number, to compare and sort by.
fn scheme_and_port(scheme: Scheme, port: PortPattern) -> u32 {
    let port = match port {
        PortPattern::Default => 0,
        PortPattern::Number(number) => number.into(),
        PortPattern::Any => 1 << 16,
    };
    port << 1 | u32::from(scheme == Scheme::Https)
}

/// What stands before `suffix` and the dot in `host`; `None` where that is
/// the whole host.
fn host_left_of<'h>(suffix: &[u8], host: &'h [u8]) -> Option<&'h [u8]> {
    let left = host.len().checked_sub(suffix.len() + 1)?;
    Some(&host[..left])
}

/// The earlier one in the file.
fn first(one: Option<Text>, other: Option<Text>) -> Option<Text> {
    match (one, other) {
        (Some(one), Some(other)) if other.start < one.start => Some(other),
        (one, other) => one.or(other),
    }
}

fn group_by_suffix(
    patterns: &[Text],
    arena: &[u8],
) -> (Box<[Suffix]>, Box<[Group]>) {
    let mut sorted = Vec::with_capacity(patterns.len());
    for &pattern in patterns {
        let text = std::str::from_utf8(pattern.of(arena));
        let text = text.expect("patterns are text");
        let Ok(Pattern::Wildcard(wildcard)) = Pattern::parse(text) else {
            unreachable!("it was parsed when it was pushed");
        };
        let Wildcard { scheme, host, port } = wildcard;
        let (HostPattern::Whole(suffix)
        | HostPattern::Subdomains(suffix)
        | HostPattern::Label { suffix, .. }) = host;
        sorted.push((suffix, scheme_and_port(scheme, port), host, pattern));
    }
    // Equal ones stay in the order of the file.
    sorted.sort_by_key(|&(suffix, scheme_and_port, ..)| {
        (suffix, scheme_and_port)
    });
    let place_of = |part: &str| Text {
        start: (part.as_ptr().addr() - arena.as_ptr().addr()) as u32,
        len: part.len() as u32,
    };
    let mut suffixes: Vec<Suffix> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut last = None;
    for (suffix, scheme_and_port, host, pattern) in sorted {
        if last.is_none_or(|(last, _)| last != suffix) {
            let here = groups.len() as u32;
            suffixes
                .push(Suffix { text: place_of(suffix), groups: here..here });
        }
        if last != Some((suffix, scheme_and_port)) {
            groups.push(Group::new(scheme_and_port));
        }
        last = Some((suffix, scheme_and_port));
        let (Some(text), Some(group)) =
            (suffixes.last_mut(), groups.last_mut())
        else {
            unreachable!("there is one of each");
        };
        match host {
            HostPattern::Whole(_) => {
                group.whole.get_or_insert(pattern);
            }
            HostPattern::Subdomains(_) => {
                group.subdomains.get_or_insert(pattern);
            }
            HostPattern::Label { left, .. } => {
                let globs = &mut group.labels.get_or_insert_default().globs;
                globs.push(Glob { pattern, left: place_of(left) });
            }
        }
        text.groups.end = groups.len() as u32;
    }
    for globs in groups.iter_mut().filter_map(|group| group.labels.as_mut()) {
        globs.index(arena);
    }
    (suffixes.into_boxed_slice(), groups.into_boxed_slice())
}

impl Globs {
    /// The first glob in the file that matches `text`.
    fn find(&self, text: &[u8], arena: &[u8]) -> Option<Text> {
        let matches = |glob: &&Glob| glob_matches(glob.left.of(arena), text);
        let Some(index) = &self.pieces else {
            return self.globs.iter().find(matches).map(|glob| glob.pattern);
        };
        let mut first = u32::MAX;
        let mut consider = |candidates: &[u32]| {
            for &candidate in candidates {
                // The lists are in order: what follows is later in the file.
                if candidate >= first {
                    break;
                }
                if matches(&&self.globs[candidate as usize]) {
                    first = candidate;
                    break;
                }
            }
        };
        consider(&index.always);
        // It fails where the input is anchored, which it is not.
        for found in index
            .automaton
            .try_find_overlapping_iter(Input::new(text))
            .into_iter()
            .flatten()
        {
            consider(&index.globs[found.pattern().as_usize()]);
        }
        self.globs.get(first as usize).map(|glob| glob.pattern)
    }

    /// Makes the index, where there are enough globs for one.
    fn index(&mut self, arena: &[u8]) {
        if self.globs.len() < PIECE_INDEX_MIN {
            return;
        }
        let pieces_of = |glob: &Glob| {
            let left = glob.left.of(arena);
            left.split(|&byte| byte == b'*').filter(|piece| !piece.is_empty())
        };
        let mut uses = HashMap::new();
        for piece in self.globs.iter().flat_map(pieces_of) {
            *uses.entry(piece).or_insert(0usize) += 1;
        }
        let mut places = HashMap::new();
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut globs: Vec<Vec<u32>> = Vec::new();
        let mut always = Vec::new();
        for (glob, number) in self.globs.iter().zip(0..) {
            let rarest = pieces_of(glob)
                .min_by_key(|piece| (uses[piece], usize::MAX - piece.len()));
            let Some(piece) = rarest else {
                always.push(number);
                continue;
            };
            let place = *places.entry(piece).or_insert_with(|| {
                pieces.push(piece);
                globs.push(Vec::new());
                globs.len() - 1
            });
            globs[place].push(number);
        }
        // It fails only past 2^31 states. Without an index every glob is
        // tried, which is slower and just as right.
        self.pieces = NFA::new(pieces).ok().map(|automaton| PieceIndex {
            automaton,
            globs,
            always,
        });
    }
}

/// Whether `text` matches, each `*` being one or more bytes of one label.
/// `text` is part of a host that the parser has passed, so all there is to
/// check of a star's bytes is that there is one and none is a dot. Taking each
/// inner piece at its first place is right: that leaves the most for the rest.
pub(crate) fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    let mut pieces = glob.split(|&byte| byte == b'*');
    let prefix = pieces.next().unwrap_or_default();
    let suffix = pieces.next_back().unwrap_or_default();
    let Some(mut rest) = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_suffix(suffix))
        .filter(|rest| memchr(b'.', rest).is_none())
    else {
        return false;
    };
    for piece in pieces {
        let Some(at) = rest.get(1..).and_then(|r| memmem::find(r, piece))
        else {
            return false;
        };
        rest = &rest[1 + at + piece.len()..];
    }
    !rest.is_empty()
}
