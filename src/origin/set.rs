//! The set of a policy's origin patterns: which one, if any, matches.
//!
//! Exact origins stand in one hash table over one arena of text, so their
//! number does not matter. Patterns with wildcards are found by the literal
//! labels at their right end: a request's host is walked label by label from
//! the right, and where the policy has patterns that deep, one table lookup
//! tells whether these labels are one pattern's. Hosts have at most 127
//! labels, so the walk has a bound. DESIGN.md tells the story at length.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use aho_corasick::AhoCorasick;
use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};
use memchr::{memchr, memmem};

use super::pattern::{HostPattern, Pattern, PortPattern, Wildcard};
use super::syntax::{ORIGIN_MAX, Scheme, Tuple};
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
    /// Patterns with wildcards by their literal labels.
    suffixes: Table,
    groups: Box<[Group]>,
    /// Bit `n` is set where some group has a suffix of `n` labels.
    depths: u128,
    /// Whether some group has the port `:*`.
    any_port: bool,
}

/// The patterns with one scheme, one port pattern, and one text at their right
/// end. Of several patterns that match, the first in the file counts, which is
/// the one with the least place in the arena.
struct Group {
    scheme: Scheme,
    port: PortPattern,
    suffix: Text,
    /// `suffix` itself, with any port.
    whole: Option<Text>,
    /// `**.` before `suffix`.
    subdomains: Option<Text>,
    /// Stars in the label before `suffix`.
    labels: Globs,
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
/// others, in one automaton: a pass over the text finds all candidates.
struct PieceIndex {
    automaton: AhoCorasick,
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
        for text in texts {
            let bytes = text.of(&arena);
            let same = |value| Text::unpack(value).of(&arena) == bytes;
            exact.insert(hash_bytes(&seed, bytes), text.pack(), same);
        }
        let groups = group_by_suffix(&wildcards, &arena);
        let mut suffixes = Table::with_room_for(groups.len());
        let suffix_of = |group: &Group| group.suffix.of(&arena);
        let depths = groups.iter().fold(0, |depths, group| {
            let labels = suffix_of(group).split(|&byte| byte == b'.').count();
            depths | 1 << labels
        });
        for (group, number) in groups.iter().zip(0..) {
            let mut walk = Suffixes::new(&seed, depths, suffix_of(group));
            while walk.next().is_some_and(|run| run != suffix_of(group)) {}
            let hash = walk.hash(group.scheme, group.port);
            suffixes.insert(hash, number, |_| false);
        }
        let any_port =
            groups.iter().any(|group| group.port == PortPattern::Any);
        OriginSet { arena, seed, exact, suffixes, groups, depths, any_port }
    }
}

impl OriginSet {
    /// The text of the exact pattern that is `bytes`. Every pattern has passed
    /// the origin parser, so what is found here is well-formed.
    pub(crate) fn find_exact(&self, bytes: &[u8]) -> Option<&[u8]> {
        self.exact_text(bytes).map(|text| text.of(&self.arena))
    }

    /// Where among the patterns' texts, each with its NUL, the exact pattern
    /// that is `bytes` stands first.
    pub(crate) fn place_of_exact(&self, bytes: &[u8]) -> Option<usize> {
        self.exact_text(bytes).map(|text| text.start as usize)
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
        let ports = if self.any_port { &ports[..] } else { &ports[..1] };
        let mut best: Option<Text> = None;
        let mut walk = Suffixes::new(&self.seed, self.depths, origin.host);
        while let Some(suffix) = walk.next() {
            for &port in ports {
                let hash = walk.hash(origin.scheme, port);
                let found = self.suffixes.find(hash, |value| {
                    let group = &self.groups[value as usize];
                    group.scheme == origin.scheme
                        && group.port == port
                        && group.suffix.of(&self.arena) == suffix
                });
                if let Some(value) = found {
                    let left = host_left_of(suffix, origin.host);
                    let group = &self.groups[value as usize];
                    best = first(best, group.find(left, &self.arena));
                }
            }
        }
        best.map(|text| text.of(&self.arena))
    }

    #[inline]
    fn exact_text(&self, bytes: &[u8]) -> Option<Text> {
        if bytes.len() > ORIGIN_MAX {
            return None;
        }
        let hash = hash_bytes(&self.seed, bytes);
        let same = |value| Text::unpack(value).of(&self.arena) == bytes;
        self.exact.find(hash, same).map(Text::unpack)
    }
}

impl Group {
    /// The first pattern of the group for a host that is `left`, a dot, and
    /// the suffix; or, where `left` is absent, the suffix alone.
    fn find(&self, left: Option<&[u8]>, arena: &[u8]) -> Option<Text> {
        match left {
            None => self.whole,
            Some(left) => {
                first(self.subdomains, self.labels.find(left, arena))
            }
        }
    }
}

/// The runs of whole labels at the right end of a host that have a length of
/// interest, from the shortest on. One hasher takes the labels as they come,
/// so that all the runs' hashes together cost one pass over the host.
///
/// An IP address is walked like a name. No pattern has a wildcard in one, so
/// only the whole host can be found.
struct Suffixes<'s, 'h> {
    host: &'h [u8],
    /// Bit `n` is set where a run of `n` more labels is of interest.
    depths: u128,
    /// Where the next label ends.
    end: Option<usize>,
    /// Where begins what the hasher has taken.
    hashed: usize,
    hasher: FoldHasher<'s>,
}

impl<'s, 'h> Suffixes<'s, 'h> {
    fn new(
        seed: &'s SeedableRandomState,
        depths: u128,
        host: &'h [u8],
    ) -> Self {
        let len = host.len();
        let hasher = seed.build_hasher();
        Self { host, depths, end: Some(len), hashed: len, hasher }
    }

    /// The hash of the run that came last, for a scheme and a port.
    fn hash(&self, scheme: Scheme, port: PortPattern) -> u64 {
        let port = match port {
            PortPattern::Default => 0,
            PortPattern::Number(number) => number.into(),
            PortPattern::Any => 1 << 16,
        };
        let mut hasher = self.hasher.clone();
        hasher.write_u32(port << 1 | u32::from(scheme == Scheme::Https));
        table_hash(hasher.finish())
    }
}

impl<'h> Iterator for Suffixes<'_, 'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        loop {
            self.depths >>= 1;
            if self.depths == 0 {
                return None;
            }
            // Labels are short.
            let labels = &self.host[..self.end?];
            self.end = labels.iter().rposition(|&byte| byte == b'.');
            if self.depths & 1 == 1 {
                break;
            }
        }
        let start = self.end.map_or(0, |dot| dot + 1);
        self.hasher.write(&self.host[start..self.hashed]);
        self.hashed = start;
        Some(&self.host[start..])
    }
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

fn group_by_suffix(patterns: &[Text], arena: &[u8]) -> Box<[Group]> {
    let mut groups: Vec<Group> = Vec::new();
    let mut numbers = HashMap::new();
    for &pattern in patterns {
        let text = std::str::from_utf8(pattern.of(arena));
        let text = text.expect("patterns are text");
        let Ok(Pattern::Wildcard(wildcard)) = Pattern::parse(text) else {
            unreachable!("it was parsed when it was pushed");
        };
        let part = |part: &str| Text {
            start: pattern.start
                + (part.as_ptr().addr() - text.as_ptr().addr()) as u32,
            len: part.len() as u32,
        };
        let Wildcard { scheme, host, port } = wildcard;
        let (HostPattern::Whole(suffix)
        | HostPattern::Subdomains(suffix)
        | HostPattern::Label { suffix, .. }) = host;
        let number =
            *numbers.entry((scheme, port, suffix)).or_insert_with(|| {
                groups.push(Group {
                    scheme,
                    port,
                    suffix: part(suffix),
                    whole: None,
                    subdomains: None,
                    labels: Globs::default(),
                });
                groups.len() - 1
            });
        let group = &mut groups[number];
        match host {
            HostPattern::Whole(_) => {
                group.whole.get_or_insert(pattern);
            }
            HostPattern::Subdomains(_) => {
                group.subdomains.get_or_insert(pattern);
            }
            HostPattern::Label { left, .. } => {
                group.labels.globs.push(Glob { pattern, left: part(left) });
            }
        }
    }
    for group in &mut groups {
        group.labels.index(arena);
    }
    groups.into_boxed_slice()
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
        for found in index.automaton.find_overlapping_iter(text) {
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
        self.pieces = AhoCorasick::new(pieces)
            .ok()
            .map(|automaton| PieceIndex { automaton, globs, always });
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
