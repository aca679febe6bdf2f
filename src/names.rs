//! A set of names: what a policy allows of methods or header names.

use std::cmp::Ordering;

/// A set of names. Names of one length stand together, in the order of their
/// bytes, so that a name is found by its length and a binary search: for the
/// few names that a policy has, by one comparison or none.
pub(crate) struct Names {
    bytes: Box<[u8]>,
    /// Where the names of length `n` begin in `bytes`, at `n`; they end where
    /// those of `n + 1` begin.
    starts: Box<[u32]>,
}

impl Names {
    /// `names` are all different, none is empty.
    pub(crate) fn new(mut names: Vec<&str>) -> Self {
        names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        let longest = names.last().map_or(0, |name| name.len());
        let mut starts = vec![0; longest + 2];
        for name in &names {
            // A policy file is shorter than 4 GiB, and so are its names.
            starts[name.len() + 1] += name.len() as u32;
        }
        for len in 1..starts.len() {
            starts[len] += starts[len - 1];
        }
        Self {
            bytes: names.concat().into_bytes().into(),
            starts: starts.into(),
        }
    }

    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        let len = name.len();
        let Some(&[start, end]) = self.starts.get(len..len + 2) else {
            return false;
        };
        let mut names = &self.bytes[start as usize..end as usize];
        while !names.is_empty() {
            let middle = names.len() / len / 2 * len;
            let (before, from) = names.split_at(middle);
            let (one, after) = from.split_at(len);
            names = match name.cmp(one) {
                Ordering::Less => before,
                Ordering::Equal => return true,
                Ordering::Greater => after,
            };
        }
        false
    }
}
