//! A hash table of texts in an arena, one after the other, and a table of
//! bytes.

use std::hash::{BuildHasher, Hasher};

/// A piece of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// A hash table of 8-byte slots, half of them empty, that is built once. A
/// slot contains 27 bits of the hash and a value of 37 bits, whose meaning is
/// the caller's. A lookup that misses touches one or two cache lines, and
/// seldom any text.
pub(crate) struct Table {
    slots: Box<[u64]>,
}

const EMPTY: u64 = u64::MAX;
const VALUE_BITS: u32 = 37;
const VALUE_MASK: u64 = (1 << VALUE_BITS) - 1;

impl Text {
    pub(crate) fn of(self, arena: &[u8]) -> &[u8] {
        &arena[self.start as usize..][..self.len as usize]
    }

    /// Into the 37 bits of a table's value: 28 for a place in 256 MiB, 9 for
    /// the length of an origin.
    pub(crate) fn pack(self) -> u64 {
        u64::from(self.start) << 9 | u64::from(self.len)
    }

    pub(crate) fn unpack(value: u64) -> Self {
        Self { start: (value >> 9) as u32, len: (value & 0x1ff) as u32 }
    }
}

impl Table {
    pub(crate) fn with_room_for(entries: usize) -> Self {
        Self { slots: vec![EMPTY; entries * 2].into_boxed_slice() }
    }

    /// Inserts `value`, unless there is one for which `same` is true; returns
    /// whether it was inserted.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        value: u64,
        same: impl Fn(u64) -> bool,
    ) -> bool {
        if self.find(hash, |value| same(value).then_some(())).is_some() {
            return false;
        }
        let mut i = home(hash, self.slots.len());
        while self.slots[i] != EMPTY {
            i = following(i, self.slots.len());
        }
        self.slots[i] = hash << VALUE_BITS | value;
        true
    }

    /// Doubles the table if it has no room for one more than `entries`.
    pub(crate) fn grow(
        &mut self,
        entries: usize,
        hash_of: impl Fn(u64) -> u64,
    ) {
        if self.slots.len() >= (entries + 1) * 2 {
            return;
        }
        let room = (entries * 2).max(8);
        let old = std::mem::replace(self, Self::with_room_for(room));
        for slot in old.slots.into_iter().filter(|&slot| slot != EMPTY) {
            let value = slot & VALUE_MASK;
            self.insert(hash_of(value), value, |_| false);
        }
    }

    /// What `check` makes of the first value with this hash that it accepts.
    #[inline]
    pub(crate) fn find<T>(
        &self,
        hash: u64,
        check: impl Fn(u64) -> Option<T>,
    ) -> Option<T> {
        if self.slots.is_empty() {
            return None;
        }
        let mut i = home(hash, self.slots.len());
        // Half the slots are empty, so this ends.
        while self.slots[i] != EMPTY {
            let slot = self.slots[i];
            if slot >> VALUE_BITS == hash & (u64::MAX >> VALUE_BITS)
                && let Some(found) = check(slot & VALUE_MASK)
            {
                return Some(found);
            }
            i = following(i, self.slots.len());
        }
        None
    }
}

pub(crate) fn hash_bytes(seed: &impl BuildHasher, bytes: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(bytes);
    table_hash(hasher.finish())
}

/// In tests, the bits that a slot contains are nearly all the same, so that
/// the comparison after them decides; by chance, that is never seen.
pub(crate) fn table_hash(hash: u64) -> u64 {
    if cfg!(test) { hash & !(u64::MAX >> VALUE_BITS) | hash & 1 } else { hash }
}

/// The slot to look at first: the hash, as a fraction of its range, of the
/// length. The high bits decide it; the low ones are in the slot.
fn home(hash: u64, len: usize) -> usize {
    ((u128::from(hash) * len as u128) >> 64) as usize
}

fn following(i: usize, len: usize) -> usize {
    if i + 1 == len { 0 } else { i + 1 }
}

/// Which bytes are among these.
pub(crate) const fn byte_set(bytes: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut i = 0;
    while i < bytes.len() {
        set[bytes[i] as usize] = true;
        i += 1;
    }
    set
}
