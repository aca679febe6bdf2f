//! The first of many globs that matches a label, without trying them all.
//!
//! A glob is cut at its stars into pieces: `api.pr-*-git-*` has the head
//! `api.pr-`, an empty tail, and `-git-` between them. The globs of a group
//! form a tree, a level for each piece: the head, the tail, and the middles
//! from left to right. A node has a child for each different piece that
//! follows, so a piece that a million globs share is looked at once. Where
//! fewer than [`FEW`] globs are left, they are tried.
//!
//! All children of all nodes are in one hash table, by node and piece. Pieces
//! have at most 63 different lengths, and a node knows which its children
//! have, so that these are cut out of the label and looked up. Where more
//! lookups would be due than the node has globs, the globs are tried instead.
//!
//! # What a request can cost
//!
//! Let n be the bytes of the label, 63 at most. A lookup stands for one choice
//! of where head, tail and middles begin and end in the label, and each star
//! has a byte at least. Among globs of one star there are C(n + 1, 2) = 2,016
//! choices of a head and a tail, so there are no more lookups of tails, and n
//! of heads, however many globs there are. With two stars it is C(n + 1, 4) =
//! 635,376, with three C(n + 1, 6) = 74,974,368, and there another bound
//! counts: a node never makes more lookups than it has globs, and no glob is
//! below more than four nodes. To come near the bounds, nearly all globs have
//! to be made of pieces of the label that is asked for: a piece that is not in
//! it ends the search.
//!
//! For middles there is no better bound in linear memory that we know of:
//! whether some glob has two that both occur is the question whether a graph
//! has an edge between given vertices.

use std::ops::Range;

use foldhash::fast::SeedableRandomState;
use memchr::{memchr_iter, memmem, memrchr};

use crate::table::{Table, Text, hash_bytes, table_hash};

/// From how many globs on a node is cheaper than trying them.
const FEW: usize = 8;

/// No pattern: a number that none has.
pub(super) const NONE: u32 = u32::MAX;

/// The globs of all groups. A glob is the number of its pattern.
pub(super) struct Globs {
    /// Those of one node side by side.
    numbers: Box<[u32]>,
    nodes: Box<[Node]>,
    children: Table,
}

/// A set of globs that is being made.
pub(super) struct Builder<'s> {
    seed: &'s SeedableRandomState,
    numbers: Vec<u32>,
    nodes: Vec<Node>,
    /// With their hashes.
    children: Vec<(u64, u64)>,
}

/// At least [`FEW`] globs that begin with the same pieces.
struct Node {
    /// Places in `numbers`.
    start: u32,
    end: u32,
    /// The least number among them.
    first: u32,
    /// The one that has no other pieces.
    whole: u32,
    /// Bit `n` is set where a child's piece has `n` bytes, of a head those
    /// in the label with the stars.
    lengths: u64,
}

/// Globs that begin with the same pieces.
#[derive(Clone, Copy)]
pub(super) enum Tree {
    /// Fewer than [`FEW`], in the order of the file.
    Few { start: u32, count: u32 },
    /// A place in `nodes`.
    Node(u32),
}

/// Finds a group's globs in the patterns' texts.
#[derive(Clone, Copy)]
pub(super) struct Cut<'a> {
    pub(super) arena: &'a [u8],
    pub(super) patterns: &'a [Text],
    /// Bytes of each pattern before the glob, and behind it.
    pub(super) before: u8,
    pub(super) behind: u16,
}

impl<'a> Cut<'a> {
    fn glob(&self, number: u32) -> &'a [u8] {
        let text = self.patterns[number as usize].of(self.arena);
        &text[self.before.into()..text.len() - usize::from(self.behind)]
    }
}

/// A piece of a glob: the head, the tail, then the middles.
fn piece(glob: &[u8], level: usize) -> Option<&[u8]> {
    let mut stars = memchr_iter(b'*', glob);
    match level {
        0 => stars.next().map(|star| &glob[..star]),
        1 => stars.next_back().map(|star| &glob[star + 1..]),
        _ => {
            let mut stars = stars.skip(level - 2);
            let (start, end) = (stars.next()?, stars.next()?);
            Some(&glob[start + 1..end])
        }
    }
}

/// Whether that is `wanted`, which has no star.
fn has_piece(glob: &[u8], level: usize, wanted: &[u8]) -> bool {
    match level {
        0 => {
            let rest = glob.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.starts_with(b"*"))
        }
        1 => {
            let rest = glob.strip_suffix(wanted);
            rest.is_some_and(|rest| rest.ends_with(b"*"))
        }
        _ => piece(glob, level) == Some(wanted),
    }
}

/// Of a head, the bytes in the label with the stars.
fn len_in_label(piece: &[u8]) -> usize {
    piece.len() - memrchr(b'.', piece).map_or(0, |dot| dot + 1)
}

fn child_hash(piece_hash: u64, node: u32) -> u64 {
    // An odd number of 64 random bits: nodes that follow each other get far
    // apart.
    table_hash(
        piece_hash ^ u64::from(node).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

impl Tree {
    pub(super) const EMPTY: Self = Self::Few { start: 0, count: 0 };

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        matches!(self, Self::Few { count: 0, .. })
    }

    const FEW_BIT: u64 = 1 << 36;

    /// With the level of its last piece, into the 37 bits of a table's value:
    /// there are fewer than 2^25 globs, as a policy has less than 2^28 bytes.
    fn pack(self, level: usize) -> u64 {
        let tree = match self {
            Self::Few { start, count } => {
                Self::FEW_BIT | u64::from(start) << 5 | u64::from(count) << 2
            }
            Self::Node(node) => u64::from(node) << 2,
        };
        tree | level as u64
    }

    fn unpack(value: u64) -> (Self, usize) {
        let tree = match value & Self::FEW_BIT {
            0 => Self::Node((value >> 2) as u32),
            _ => Self::Few {
                start: ((value & (Self::FEW_BIT - 1)) >> 5) as u32,
                count: (value >> 2 & 7) as u32,
            },
        };
        (tree, (value & 3) as usize)
    }
}

impl<'s> Builder<'s> {
    pub(super) fn new(seed: &'s SeedableRandomState) -> Self {
        Self {
            seed,
            numbers: Vec::new(),
            nodes: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Adds the globs of a group, all different.
    pub(super) fn add(
        &mut self,
        globs: impl Iterator<Item = u32>,
        cut: Cut<'_>,
    ) -> Tree {
        let start = self.numbers.len();
        self.numbers.extend(globs);
        self.tree(start..self.numbers.len(), 0, cut)
    }

    /// Makes a tree of globs whose first `level` pieces are the same.
    fn tree(
        &mut self,
        range: Range<usize>,
        level: usize,
        cut: Cut<'_>,
    ) -> Tree {
        let Range { mut start, end } = range;
        if end - start < FEW {
            let count = (end - start) as u32;
            return Tree::Few { start: start as u32, count };
        }
        let numbers = &mut self.numbers[start..end];
        let first = numbers.iter().min().copied().unwrap_or(NONE);
        let has_no_more =
            |&number: &u32| piece(cut.glob(number), level).is_none();
        let whole = numbers.iter().position(has_no_more);
        let id = self.nodes.len() as u32;
        self.nodes.push(Node {
            start: start as u32,
            end: end as u32,
            first,
            whole: whole.map_or(NONE, |at| numbers[at]),
            lengths: 0,
        });
        if let Some(at) = whole {
            numbers[..=at].rotate_right(1);
            start += 1;
        }
        let key = |number| piece(cut.glob(number), level).unwrap_or_default();
        let runs = gather(self.seed, &mut self.numbers[start..end], key);
        let mut lengths = 0;
        for (hash, count) in runs {
            let piece = key(self.numbers[start]);
            lengths |= 1 << len_in_label(piece);
            let child = self.tree(start..start + count, level + 1, cut);
            let child = child.pack(level);
            self.children.push((child_hash(hash, id), child));
            start += count;
        }
        self.nodes[id as usize].lengths = lengths;
        Tree::Node(id)
    }

    pub(super) fn build(self) -> Globs {
        let Self { seed: _, numbers, nodes, children: list } = self;
        let mut children = Table::with_room_for(list.len());
        for (hash, child) in list {
            children.insert(hash, child, |_| false);
        }
        Globs { numbers: numbers.into(), nodes: nodes.into(), children }
    }
}

/// Brings numbers with the same key side by side, in their own order, and
/// tells the key's hash and the count of each such run.
///
/// They are sorted by the hash: the keys' texts lie all over the memory.
pub(super) fn gather<'a>(
    seed: &SeedableRandomState,
    numbers: &mut [u32],
    key: impl Fn(u32) -> &'a [u8],
) -> Vec<(u64, usize)> {
    let mut hashed: Vec<(u64, u32)> = numbers
        .iter()
        .map(|&number| (hash_bytes(seed, key(number)), number))
        .collect();
    // In tests many keys have the same hash. By chance that is never seen.
    let sort_hash = |hash: u64| if cfg!(test) { hash >> 62 } else { hash };
    hashed.sort_unstable_by_key(|&(hash, number)| (sort_hash(hash), number));
    let same_hash = |one: &(u64, u32), other: &(u64, u32)| {
        sort_hash(one.0) == sort_hash(other.0)
    };
    let same =
        |one: &(u64, u32), other: &(u64, u32)| key(one.1) == key(other.1);
    let mut runs = Vec::new();
    for run in hashed.chunk_by_mut(same_hash) {
        if run.windows(2).any(|pair| !same(&pair[0], &pair[1])) {
            run.sort_unstable_by_key(|&(_, number)| (key(number), number));
            let runs_here = run.chunk_by(same);
            runs.extend(runs_here.map(|run| (run[0].0, run.len())));
        } else {
            runs.push((run[0].0, run.len()));
        }
    }
    for (place, (_, number)) in numbers.iter_mut().zip(hashed) {
        *place = number;
    }
    runs
}

impl Globs {
    /// The least number of a glob in the tree that matches `text`, where it
    /// is below `best`; else `best`. `text` is the left part of a host, up to
    /// the end of a label.
    #[inline]
    pub(super) fn find(
        &self,
        tree: Tree,
        cut: Cut<'_>,
        seed: &SeedableRandomState,
        text: &[u8],
        best: u32,
    ) -> u32 {
        match tree {
            Tree::Few { start, count } => {
                self.first_of(start, count, cut, text, best)
            }
            Tree::Node(node) => {
                let mut search = Search { globs: self, cut, seed, text, best };
                let label = memrchr(b'.', text).map_or(0, |dot| dot + 1);
                search.node(node, 0, label..text.len());
                search.best
            }
        }
    }

    /// The same of globs that stand side by side, one after the other.
    #[inline]
    fn first_of(
        &self,
        start: u32,
        count: u32,
        cut: Cut<'_>,
        text: &[u8],
        mut best: u32,
    ) -> u32 {
        for &number in &self.numbers[start as usize..][..count as usize] {
            if number < best && glob_matches(cut.glob(number), text) {
                best = number;
            }
        }
        best
    }
}

struct Search<'g, 't> {
    globs: &'g Globs,
    cut: Cut<'g>,
    seed: &'g SeedableRandomState,
    text: &'t [u8],
    /// The least number that was found.
    best: u32,
}

impl Search<'_, '_> {
    /// `left` is what the pieces on the way to the node leave of the label.
    fn node(&mut self, id: u32, level: usize, left: Range<usize>) {
        let node = &self.globs.nodes[id as usize];
        if node.first >= self.best {
            return;
        }
        // One star is left to fill, and there is a byte for it.
        self.best = self.best.min(node.whole);
        let lengths = || Lengths(node.lengths);
        let lookups = match level {
            0 | 1 => node.lengths.count_ones() as usize,
            // Each piece leaves a byte on both its sides.
            _ => lengths().map(|len| left.len().saturating_sub(len + 1)).sum(),
        };
        if lookups >= (node.end - node.start) as usize {
            return self.few(node.start, node.end - node.start);
        }
        let Range { start, end } = left;
        for len in lengths() {
            if len >= end - start {
                break;
            }
            match level {
                0 => {
                    let head = 0..start + len;
                    self.child(id, level, head, start + len..end);
                }
                1 => {
                    let tail = end - len..end;
                    self.child(id, level, tail, start..end - len);
                }
                _ => {
                    for at in start + 1..end - len {
                        let middle = at..at + len;
                        self.child(id, level, middle, start + 1..end);
                    }
                }
            }
        }
    }

    /// Goes on with the child of a node for a piece of the text; `left` is
    /// what there is for the next pieces, or, where this one is a middle, for
    /// this one and the next.
    fn child(
        &mut self,
        node: u32,
        level: usize,
        place: Range<usize>,
        left: Range<usize>,
    ) {
        let globs = self.globs;
        let Node { start, end, .. } = globs.nodes[node as usize];
        let wanted = &self.text[place.clone()];
        let hash = child_hash(hash_bytes(self.seed, wanted), node);
        let found = globs.children.find(hash, |value| {
            let (child, child_level) = Tree::unpack(value);
            let at = match child {
                Tree::Few { start, .. } => start,
                Tree::Node(id) => globs.nodes[id as usize].start,
            };
            let number = globs.numbers[at as usize];
            // A child's globs are among those of its node, and so are those
            // of its own children.
            (child_level == level
                && (start..end).contains(&at)
                && has_piece(self.cut.glob(number), level, wanted))
            .then_some(child)
        });
        match found {
            None => {}
            Some(Tree::Few { start, count }) => self.few(start, count),
            Some(Tree::Node(id)) if level < 2 => {
                self.node(id, level + 1, left);
            }
            Some(Tree::Node(id)) => {
                // Where a middle occurs first, it leaves most for the rest.
                let before = &self.text[left.start..place.end - 1];
                if memmem::find(before, wanted).is_none() {
                    self.node(id, level + 1, place.end..left.end);
                }
            }
        }
    }

    fn few(&mut self, start: u32, count: u32) {
        let Self { globs, cut, text, best, .. } = *self;
        self.best = globs.first_of(start, count, cut, text, best);
    }
}

/// Whether `text` matches, each `*` being one or more bytes of one label.
/// `text` is part of a host that the parser has passed, so all there is to
/// check of a star's bytes is that there is one and none is a dot. Taking each
/// inner piece at its first place is right: that leaves the most for the rest.
pub(crate) fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    let star = |&byte: &u8| byte == b'*';
    let (Some(first), Some(last)) =
        (glob.iter().position(star), memrchr(b'*', glob))
    else {
        return glob == text;
    };
    let Some(mut rest) = text
        .strip_prefix(&glob[..first])
        .and_then(|rest| rest.strip_suffix(&glob[last + 1..]))
        .filter(|rest| !rest.contains(&b'.'))
    else {
        return false;
    };
    if first < last {
        for piece in glob[first + 1..last].split(star) {
            let Some(at) = rest.get(1..).and_then(|r| memmem::find(r, piece))
            else {
                return false;
            };
            rest = &rest[1 + at + piece.len()..];
        }
    }
    !rest.is_empty()
}

/// The places of the bits that are set, from the lowest on.
struct Lengths(u64);

impl Iterator for Lengths {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bits = self.0;
        // The lowest is taken away.
        self.0 = bits & bits.wrapping_sub(1);
        (bits != 0).then(|| bits.trailing_zeros() as usize)
    }
}
