//! The first of many globs that matches a label, without trying them all.
//!
//! A glob is cut at its stars into pieces: `api.pr-*-git-*` has the head
//! `api.pr-`, an empty tail, and `-git-` between them. The globs of a group
//! form a tree, a level for each piece: the head, the tail, and the middles
//! from left to right. A node has a child for each different piece that
//! follows, so a piece that a million globs share is looked at once. If fewer
//! than [`FEW`] globs are left, they are tried.
//!
//! All children of all nodes are in one hash table, by node and piece. Pieces
//! have at most 63 different lengths, and a node knows the lengths of its
//! children's, so these are cut out of the label and looked up. If there would
//! be more lookups than the node has globs, the globs are tried instead.
//!
//! # What a request can cost
//!
//! Let n be the bytes of the label, at most 63. A lookup is one choice of where
//! head, tail and middles begin and end in the label, and each star has at
//! least one byte. Among globs of one star there are C(n + 1, 2) = 2,016
//! choices of a head and a tail, so there are no more lookups of tails, and n
//! of heads, however many globs there are. With two stars there are
//! C(n + 1, 4) = 635,376 choices, with three C(n + 1, 6) = 74,974,368, but
//! another limit is lower: a node never makes more lookups than it has globs,
//! and no glob is below more than four nodes. Only a policy whose globs nearly
//! all consist of pieces of the request's label comes near these limits,
//! because a piece that is not in the label ends the search.
//!
//! For middles we know of no better limit in linear memory: whether some glob
//! has two that both occur is the question whether a graph has an edge between
//! given vertices.

use std::ops::Range;

use foldhash::fast::SeedableRandomState;
use memchr::{memmem, memrchr};

use super::glob::{glob_matches, has_piece, piece};
use crate::table::{Table, Text, hash_bytes, table_hash};

/// The number of globs from which a node is cheaper than trying them.
const FEW: usize = 8;

/// No pattern: a number that none has.
pub(super) const NONE: u32 = u32::MAX;

/// The globs of all groups.
pub(super) struct GlobIndex {
    /// Those of one node are next to each other.
    globs: Box<[Glob]>,
    nodes: Box<[Node]>,
    children: Table,
}

#[derive(Clone, Copy)]
pub(super) struct Glob {
    /// That of its pattern.
    pub(super) number: u32,
    pub(super) text: Text,
}

/// An index that is being made.
pub(super) struct Builder<'a> {
    arena: &'a [u8],
    seed: &'a SeedableRandomState,
    globs: Vec<Glob>,
    nodes: Vec<Node>,
    /// With their hashes.
    children: Vec<(u64, u64)>,
}

/// At least [`FEW`] globs that begin with the same pieces.
struct Node {
    /// Places in `globs`.
    start: u32,
    end: u32,
    /// The least number among them.
    first: u32,
    /// The one that has no other pieces.
    whole: u32,
    /// Bit `n` is set if a child's piece has `n` bytes; of a head, those in
    /// the label with the stars count.
    lengths: u64,
}

/// Globs that begin with the same pieces.
#[derive(Clone, Copy)]
pub(super) enum Tree {
    /// Fewer than [`FEW`].
    Few { start: u32, count: u32 },
    /// A place in `nodes`.
    Node(u32),
}

fn child_hash(piece_hash: u64, node: u32) -> u64 {
    // An odd number of 64 random bits moves consecutive nodes far apart.
    table_hash(
        piece_hash ^ u64::from(node).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

impl Tree {
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

impl<'a> Builder<'a> {
    pub(super) fn new(arena: &'a [u8], seed: &'a SeedableRandomState) -> Self {
        let (globs, nodes, children) = Default::default();
        Self { arena, seed, globs, nodes, children }
    }

    /// Adds the globs of a group, all different, by number.
    pub(super) fn add(&mut self, globs: impl Iterator<Item = Glob>) -> Tree {
        let start = self.globs.len();
        self.globs.extend(globs);
        self.tree(start..self.globs.len(), 0)
    }

    /// Makes a tree of globs whose first `level` pieces are the same.
    fn tree(&mut self, range: Range<usize>, level: usize) -> Tree {
        let (start, end) = (range.start as u32, range.end as u32);
        if range.len() < FEW {
            return Tree::Few { start, count: end - start };
        }
        let arena = self.arena;
        let piece_of = |glob: &Glob| piece(glob.text.of(arena), level);
        let globs = &mut self.globs[range.clone()];
        let first = globs.iter().map(|glob| glob.number).min();
        globs.sort_by_cached_key(piece_of);
        let id = self.nodes.len();
        self.nodes.push(Node {
            start,
            end,
            first: first.unwrap_or(NONE),
            whole: NONE,
            lengths: 0,
        });
        let mut rest = range;
        while let Some(glob) = self.globs[rest.clone()].first() {
            let Some(piece) = piece_of(glob) else {
                self.nodes[id].whole = glob.number;
                rest.start += 1;
                continue;
            };
            let same = |glob: &&Glob| piece_of(glob) == Some(piece);
            let globs = self.globs[rest.clone()].iter();
            let child_end = rest.start + globs.take_while(same).count();
            let child = self.tree(rest.start..child_end, level + 1);
            let hash = child_hash(hash_bytes(self.seed, piece), id as u32);
            self.children.push((hash, child.pack(level)));
            // Of a head, the bytes in the label with the stars.
            let label = memrchr(b'.', piece).map_or(0, |dot| dot + 1);
            self.nodes[id].lengths |= 1 << (piece.len() - label);
            rest.start = child_end;
        }
        Tree::Node(id as u32)
    }

    pub(super) fn build(self) -> GlobIndex {
        let mut children = Table::with_room_for(self.children.len());
        for (hash, child) in self.children {
            children.insert(hash, child, |_| false);
        }
        let (globs, nodes) = (self.globs.into(), self.nodes.into());
        GlobIndex { globs, nodes, children }
    }
}

impl GlobIndex {
    /// The least number of a glob in the tree that matches `text`, if it is
    /// below `best`; otherwise `best`. `text` is the left part of a host, up
    /// to the end of a label.
    #[inline]
    pub(super) fn find(
        &self,
        tree: Tree,
        arena: &[u8],
        seed: &SeedableRandomState,
        text: &[u8],
        best: u32,
    ) -> u32 {
        let mut search = Search { index: self, arena, seed, text, best };
        match tree {
            Tree::Few { start, count } => search.few(start, count),
            Tree::Node(node) => {
                let label = memrchr(b'.', text).map_or(0, |dot| dot + 1);
                search.node(node, 0, label..text.len());
            }
        }
        search.best
    }
}

struct Search<'a> {
    index: &'a GlobIndex,
    arena: &'a [u8],
    seed: &'a SeedableRandomState,
    text: &'a [u8],
    /// The least number that was found.
    best: u32,
}

impl Search<'_> {
    /// `left` is what the pieces on the way to the node leave of the label.
    fn node(&mut self, id: u32, level: usize, left: Range<usize>) {
        let node = &self.index.nodes[id as usize];
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

    /// Continues with the child of a node for a piece of the text; `left` is
    /// what there is for the next pieces or, if this one is a middle, for this
    /// one and the next.
    fn child(
        &mut self,
        node: u32,
        level: usize,
        place: Range<usize>,
        left: Range<usize>,
    ) {
        let GlobIndex { globs, nodes, children } = self.index;
        let Node { start, end, .. } = nodes[node as usize];
        let wanted = &self.text[place.clone()];
        let hash = child_hash(hash_bytes(self.seed, wanted), node);
        let found = children.find(hash, |value| {
            let (child, child_level) = Tree::unpack(value);
            let at = match child {
                Tree::Few { start, .. } => start,
                Tree::Node(id) => nodes[id as usize].start,
            };
            let glob = globs[at as usize].text.of(self.arena);
            // A child's globs are among those of its node, and so are those
            // of its own children.
            (child_level == level
                && (start..end).contains(&at)
                && has_piece(glob, level, wanted))
            .then_some(child)
        });
        match found {
            None => {}
            Some(Tree::Few { start, count }) => self.few(start, count),
            Some(Tree::Node(id)) if level < 2 => {
                self.node(id, level + 1, left);
            }
            Some(Tree::Node(id)) => {
                // The first place of a middle leaves most for the rest.
                let before = &self.text[left.start..place.end - 1];
                if memmem::find(before, wanted).is_none() {
                    self.node(id, level + 1, place.end..left.end);
                }
            }
        }
    }

    /// Tries globs that are next to each other.
    #[inline]
    fn few(&mut self, start: u32, count: u32) {
        let globs = &self.index.globs[start as usize..][..count as usize];
        for &Glob { number, text } in globs {
            if number < self.best
                && glob_matches(text.of(self.arena), self.text)
            {
                self.best = number;
            }
        }
    }
}

/// The places of the set bits, in ascending order.
struct Lengths(u64);

impl Iterator for Lengths {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bits = self.0;
        // Without the lowest.
        self.0 = bits & bits.wrapping_sub(1);
        (bits != 0).then(|| bits.trailing_zeros() as usize)
    }
}
