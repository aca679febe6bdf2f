//! The set of a policy's origin patterns: which one, if any, matches.
//!
//! Exact origins are in one hash table over one arena of text, so their number
//! does not matter. Patterns with wildcards are found by the literal labels at
//! their right end, their suffix: if a request's host has a dot as far from
//! its end as some suffix is long, one table lookup finds out whether what
//! follows the dot is a suffix. Hosts have at most 127 labels, so there are no
//! more lookups. Ranges of addresses and whole schemes have tables of their
//! own. DESIGN.md explains this at length.
//!
//! The set has the patterns of all rules of a policy, one rule after the
//! other. So a pattern's place among the texts says which rule it is of, and
//! the first rule that matches has the first pattern that does.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use memchr::memchr;

use super::glob_index::{self, Glob, GlobIndex, NONE, Tree};
use super::pattern::{self, HostPattern, Pattern, PortPattern, Wildcard};
use super::ranges::{self, RangeIndex};
use super::syntax::{self, HOST_MAX, ORIGIN_MAX, Origin, Scheme, Tuple};
use crate::table::{Table, Text, hash_bytes, table_hash};

/// A set of patterns that is being made. `*` and `null` are not in it: they
/// are single bits of a policy.
pub(crate) struct Builder {
    /// The patterns' texts in the policy's order, each followed by a NUL, so
    /// that a C caller may print it, and then, if there are several rules, by
    /// the number of its rule.
    arena: Vec<u8>,
    /// Where in the arena each rule but the first begins.
    rules: Vec<u32>,
    has_rules: bool,
    exact: Vec<Text>,
    /// The patterns that match many origins, in the order of the file. The
    /// place here is a pattern's number.
    many: Vec<Text>,
    wildcards: Vec<Parsed>,
    ranges: Vec<ranges::Entry>,
    /// The numbers of whole schemes.
    schemes: Vec<u32>,
}

/// A pattern with wildcards.
struct Parsed {
    number: u32,
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
    /// Where in the arena each rule but the first begins.
    rules: Box<[u32]>,
    /// Whether the arena has the numbers of rules.
    has_rules: bool,
    seed: SeedableRandomState,
    exact: Table,
    /// Bit `n % 64` of word `n / 64` is set if an exact origin has the length
    /// `n`: most other origins are not even hashed.
    exact_lengths: [u64; LENGTH_WORDS],
    /// Exact origins about which an earlier rule decides: only for
    /// explanations.
    shadowed: Table,
    /// The patterns that match many origins, in the order of the file. Of
    /// several that match, the first counts: the one with the least number.
    many: Box<[Text]>,
    /// Patterns with wildcards: places in `suffixes`, by the text.
    by_suffix: Table,
    suffixes: Box<[Suffix]>,
    /// The lengths of the suffixes, each once, in ascending order.
    suffix_lengths: Box<[usize]>,
    /// Those of a suffix are next to each other, sorted by scheme and port.
    groups: Box<[Group]>,
    globs: GlobIndex,
    ranges: RangeIndex,
    /// Whole schemes: numbers, by the scheme.
    schemes: Table,
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
    /// `has_rules` says whether there may be more than one rule.
    pub(crate) fn with_capacity(capacity: usize, has_rules: bool) -> Self {
        Self {
            arena: Vec::with_capacity(capacity),
            rules: Vec::new(),
            has_rules,
            exact: Vec::new(),
            many: Vec::new(),
            wildcards: Vec::new(),
            ranges: Vec::new(),
            schemes: Vec::new(),
        }
    }

    /// What is added from now on is of another rule.
    pub(crate) fn next_rule(&mut self) {
        self.rules.push(self.arena.len() as u32);
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
        let number = self.many.len() as u32;
        match *pattern {
            Pattern::Any | Pattern::Null => return,
            Pattern::Exact(_) => self.exact.push(place(text)),
            Pattern::Wildcard(Wildcard { scheme, host, port }) => {
                let (suffix, left) = match host {
                    HostPattern::Whole(suffix) => (suffix, Left::Nothing),
                    HostPattern::Subdomains(suffix) => {
                        (suffix, Left::Subdomains)
                    }
                    HostPattern::Label { left, suffix } => {
                        (suffix, Left::Glob(place(left)))
                    }
                };
                self.wildcards.push(Parsed {
                    number,
                    scheme_and_port: scheme_and_port(scheme, port),
                    suffix: place(suffix),
                    left,
                });
            }
            Pattern::Range(pattern::Range { scheme, addresses, port }) => {
                let scheme_and_port = scheme_and_port(scheme, port);
                self.ranges.push(ranges::Entry::new(
                    addresses,
                    scheme_and_port,
                    number,
                ));
            }
            Pattern::AnyHost(_) => self.schemes.push(number),
        }
        if !matches!(pattern, Pattern::Exact(_)) {
            self.many.push(place(text));
        }
        self.arena.extend_from_slice(text.as_bytes());
        self.arena.push(0);
        if self.has_rules {
            self.arena.extend(rule_bytes(self.rules.len()));
        }
    }

    /// The set, and the places of repeated patterns, in order.
    pub(crate) fn build(self) -> (OriginSet, Vec<usize>) {
        let Self { arena, rules, has_rules, exact: texts, many, .. } = self;
        let Self { mut wildcards, mut ranges, mut schemes, .. } = self;
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
        let mut table = Table::with_room_for(many.len());
        let is_first: Vec<bool> =
            many.iter().map(|&text| is_new(&mut table, text)).collect();
        drop(table);
        let is_first = |number: u32| is_first[number as usize];
        wildcards.retain(|wildcard| is_first(wildcard.number));
        ranges.retain(|entry| is_first(entry.number()));
        schemes.retain(|&number| is_first(number));

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
        let mut by_scheme = Table::with_room_for(schemes.len());
        for number in schemes {
            let text = many[number as usize].of(&arena);
            let scheme = text.strip_suffix(ANY_HOST).unwrap_or(text);
            let hash = hash_bytes(&seed, scheme);
            by_scheme.insert(hash, number.into(), |_| false);
        }
        let ranges = RangeIndex::new(ranges);
        let mut set = OriginSet {
            arena,
            rules: rules.into(),
            has_rules,
            seed,
            exact: Table::with_room_for(0),
            exact_lengths: [0; LENGTH_WORDS],
            shadowed: Table::with_room_for(0),
            many: many.into(),
            by_suffix,
            suffixes,
            suffix_lengths,
            groups,
            globs,
            ranges,
            schemes: by_scheme,
        };
        set.add_exact(&texts, &mut repeated);
        repeated.sort_unstable();
        (set, repeated)
    }
}

/// How many rules can have a number.
pub(crate) const RULE_NUMBERS: usize = 1 << (7 * RULE_BYTES);

/// How many bytes the number of a rule has.
const RULE_BYTES: usize = 2;

/// The number of a rule as two bytes that are neither NUL nor ASCII.
fn rule_bytes(rule: usize) -> [u8; RULE_BYTES] {
    [rule, rule >> 7].map(|bits| bits as u8 | 0x80)
}

fn rule_number(bytes: [u8; RULE_BYTES]) -> usize {
    let [low, high] = bytes.map(|byte| usize::from(byte & 0x7f));
    high << 7 | low
}

/// What follows the scheme in a pattern for every host.
const ANY_HOST: &[u8] = b"://*";

impl OriginSet {
    /// Adds exact origins, but not those that a pattern of an earlier rule
    /// matches: the first rule decides.
    fn add_exact(&mut self, texts: &[Text], repeated: &mut Vec<usize>) {
        let mut exact = Table::with_room_for(texts.len());
        let mut shadowed = Vec::new();
        for &text in texts {
            let bytes = text.of(&self.arena);
            if !self.rules.is_empty()
                && self.has_wildcards()
                && let Some(Origin::Tuple(tuple)) = syntax::parse(bytes)
                && let Some(found) = self.find_wildcard(bytes, &tuple)
                && self.rule_of(found) < self.rule_of(bytes)
            {
                shadowed.push(text);
                continue;
            }
            let same = |value| Text::unpack(value).of(&self.arena) == bytes;
            let hash = hash_bytes(&self.seed, bytes);
            if !exact.insert(hash, text.pack(), same) {
                repeated.push(text.start as usize);
                let first = exact.find(hash, |value| {
                    same(value).then(|| Text::unpack(value).of(&self.arena))
                });
                if first.is_some_and(|f| self.rule_of(f) < self.rule_of(bytes))
                {
                    shadowed.push(text);
                }
            }
            self.exact_lengths[text.len as usize / 64] |= 1 << (text.len % 64);
        }
        self.exact = exact;
        self.shadowed = Table::with_room_for(shadowed.len());
        for text in shadowed {
            let bytes = text.of(&self.arena);
            let same = |value| Text::unpack(value).of(&self.arena) == bytes;
            let hash = hash_bytes(&self.seed, bytes);
            self.shadowed.insert(hash, text.pack(), same);
        }
    }

    /// The exact pattern that is `bytes`, in the first rule that lists it
    /// after one that matches it too.
    pub(crate) fn find_shadowed(&self, bytes: &[u8]) -> Option<&[u8]> {
        self.shadowed.find(hash_bytes(&self.seed, bytes), |value| {
            let text = Text::unpack(value).of(&self.arena);
            (text == bytes).then_some(text)
        })
    }

    /// The patterns that match many origins, of the rules after this one.
    pub(crate) fn many_after(
        &self,
        rule: usize,
    ) -> impl Iterator<Item = &[u8]> {
        let texts = self.many.iter().map(|text| text.of(&self.arena));
        let is_before =
            |text: &Text| self.rule_of(text.of(&self.arena)) <= rule;
        texts.skip(self.many.partition_point(is_before))
    }

    /// The exact pattern that is `bytes`. Every pattern has passed the origin
    /// parser, so what is found here is well-formed.
    #[inline(always)]
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

    /// The number of the rule of a pattern, whose text is from this set.
    pub(crate) fn rule_of(&self, pattern: &[u8]) -> usize {
        let place = pattern.as_ptr().addr() - self.arena.as_ptr().addr();
        let behind = self.arena.get(place + pattern.len() + 1..);
        match (self.has_rules, behind) {
            (true, Some([low, high, ..])) => rule_number([*low, *high]),
            _ => 0,
        }
    }

    /// The place after a text, if it is at this place among the patterns'
    /// texts.
    pub(crate) fn place_after(
        &self,
        place: usize,
        text: &str,
    ) -> Option<usize> {
        let rest = self.arena.get(place..)?.strip_prefix(text.as_bytes())?;
        let behind = if self.has_rules { RULE_BYTES } else { 0 };
        rest.starts_with(b"\0").then_some(place + text.len() + 1 + behind)
    }

    /// The texts of a rule's patterns, in the order of the file.
    pub(crate) fn patterns(&self, rule: usize) -> impl Iterator<Item = &str> {
        let start = rule.checked_sub(1).map_or(0, |i| self.rules[i] as usize);
        let end = self.rules.get(rule).map(|&end| end as usize);
        let texts = &self.arena[start..end.unwrap_or(self.arena.len())];
        let texts = texts.split_inclusive(|&byte| byte == 0);
        texts.filter_map(|text| {
            let text = text.strip_suffix(b"\0")?;
            // Behind the NUL before it is the number of a rule.
            let start = text.iter().position(u8::is_ascii)?;
            str::from_utf8(&text[start..]).ok()
        })
    }

    /// Whether an exact origin or a range may be in what another pattern
    /// matches.
    pub(crate) fn may_overlap(&self) -> bool {
        let has_exact = self.exact_lengths != [0; LENGTH_WORDS];
        self.has_wildcards() && (has_exact || !self.ranges.is_empty())
    }

    /// Whether any pattern matches many origins.
    pub(crate) fn has_wildcards(&self) -> bool {
        !self.many.is_empty()
    }

    /// The first pattern that matches many origins and is for `origin`, whose
    /// text is `bytes`.
    #[inline]
    pub(crate) fn find_wildcard(
        &self,
        bytes: &[u8],
        origin: &Tuple<'_>,
    ) -> Option<&[u8]> {
        self.has_wildcards().then(|| self.first_wildcard(bytes, origin))?
    }

    /// The same in a function of its own, so that a policy without wildcards
    /// pays nothing for it.
    #[inline(never)]
    fn first_wildcard(
        &self,
        bytes: &[u8],
        origin: &Tuple<'_>,
    ) -> Option<&[u8]> {
        let number = match origin.scheme {
            Scheme::Http | Scheme::Https => {
                let wanted = wanted(origin.scheme, origin.port.into());
                let best = self.find_host(&wanted, origin.host);
                match self.ranges.is_empty() {
                    true => best,
                    false => self.find_address(&wanted, origin.host, best),
                }
            }
            Scheme::Other if origin.port.is_none() => self.find_scheme(bytes),
            Scheme::Other | Scheme::Special => return None,
        };
        self.numbered(number)
    }

    /// The text of the pattern for many origins that has this number; `None`
    /// for `NONE`.
    #[inline]
    fn numbered(&self, number: u32) -> Option<&[u8]> {
        let text = self.many.get(number as usize)?;
        Some(text.of(&self.arena))
    }

    /// The least number of a pattern with wildcards that matches `host`, if
    /// there is one.
    fn find_host(&self, wanted: &[u32], host: &[u8]) -> u32 {
        let mut best = NONE;
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
            for wanted in wanted {
                let key = |group: &Group| group.scheme_and_port;
                if let Ok(i) = groups.binary_search_by_key(wanted, key) {
                    best = self.find_in(&groups[i], left, best);
                }
            }
        }
        best
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

    /// The least number of a range that has the address `host`, if it is
    /// below `best`. Otherwise `best`.
    #[inline(never)]
    fn find_address(&self, wanted: &[u32], host: &[u8], best: u32) -> u32 {
        match ranges::host_address(host) {
            Some(address) => self.ranges.find(address, wanted, best),
            None => best,
        }
    }

    /// The number of the pattern for every host of an origin's scheme.
    fn find_scheme(&self, origin: &[u8]) -> u32 {
        let end = memchr(b':', origin).unwrap_or(origin.len());
        let scheme = &origin[..end];
        let found = self.schemes.find(hash_bytes(&self.seed, scheme), |n| {
            let text = self.many[n as usize].of(&self.arena);
            (text.strip_suffix(ANY_HOST) == Some(scheme)).then_some(n as u32)
        });
        found.unwrap_or(NONE)
    }

    /// The first pattern for many origins that matches all that `pattern`
    /// matches; it can be the same one.
    pub(crate) fn find_covering(
        &self,
        text: &str,
        pattern: &Pattern<'_>,
    ) -> Option<&[u8]> {
        let number = match *pattern {
            Pattern::Any | Pattern::Null => NONE,
            Pattern::Exact(tuple) => {
                return self.find_wildcard(text.as_bytes(), &tuple);
            }
            Pattern::AnyHost(_) => self.find_scheme(text.as_bytes()),
            Pattern::Wildcard(Wildcard { scheme, host, port }) => {
                let wanted = wanted(scheme, port);
                // A star in place of what it stands for: no pattern has it as
                // a character of a label, so only wildcards match it.
                let host: Cow<'_, str> = match host {
                    HostPattern::Whole(host) => host.into(),
                    HostPattern::Subdomains(suffix) => {
                        format!("*.*.{suffix}").into()
                    }
                    HostPattern::Label { left, suffix } => {
                        format!("{left}.{suffix}").into()
                    }
                };
                let best = self.find_host(&wanted, host.as_bytes());
                self.find_address(&wanted, host.as_bytes(), best)
            }
            Pattern::Range(pattern::Range { scheme, addresses, port }) => {
                let wanted = wanted(scheme, port);
                let best = match addresses.host() {
                    Some(host) => self.find_host(&wanted, host.as_bytes()),
                    None => NONE,
                };
                self.ranges.find(addresses, &wanted, best)
            }
        };
        self.numbered(number)
    }

    /// The first range that covers another one and is not the same.
    pub(crate) fn find_wider(&self, range: &pattern::Range) -> Option<&[u8]> {
        let pattern::Range { scheme, addresses, port } = *range;
        let [own, any] = wanted(scheme, port);
        let mut best = NONE;
        if let Some(length) = addresses.length().checked_sub(1)
            && let Some(wider) = addresses.truncated(length)
        {
            best = self.ranges.find(wider, &[own, any], best);
        }
        if own != any {
            best = self.ranges.find(addresses, &[any], best);
        }
        self.numbered(best)
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

/// What patterns have that match a port, or all ports of a port pattern.
fn wanted(scheme: Scheme, port: PortPattern) -> [u32; 2] {
    [port, PortPattern::Any].map(|port| scheme_and_port(scheme, port))
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
