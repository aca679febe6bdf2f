//! What a policy allows of methods or header names: a set, or `*`.

use std::ffi::{CStr, CString};

use foldhash::fast::FixedState;

use crate::table::{Table, Text, hash_bytes};

/// Names that are found by their bytes. They are the policy's, and only
/// compared with a request's, so the hash needs no secret seed.
pub(crate) struct Names {
    any: bool,
    /// The value of a header: its first names, and those of the set.
    list: CString,
    table: Table,
    longest: usize,
}

/// Names that are being collected, in order, each once.
pub(crate) struct Builder {
    /// Whether `*` is listed, which is not one of the names.
    pub(crate) any: bool,
    list: Vec<u8>,
    table: Table,
    count: usize,
    longest: usize,
}

const SEED: FixedState = FixedState::with_seed(0);

impl Builder {
    /// The list begins with `head`, whose names are not in the set.
    pub(crate) fn new(head: &CStr) -> Self {
        Self {
            any: false,
            list: head.to_bytes().into(),
            table: Table::with_room_for(0),
            count: 0,
            longest: 0,
        }
    }

    /// Adds a token of at most 511 bytes; returns whether it is new.
    pub(crate) fn insert(&mut self, name: &[u8]) -> bool {
        let comma = usize::from(!self.list.is_empty());
        let start = (self.list.len() + comma) as u32;
        let text = Text { start, len: name.len() as u32 };
        let of = |value| Text::unpack(value).of(&self.list);
        self.table.grow(self.count, |value| hash_bytes(&SEED, of(value)));
        let hash = hash_bytes(&SEED, name);
        if !self.table.insert(hash, text.pack(), |value| of(value) == name) {
            return false;
        }
        if comma > 0 {
            self.list.push(b',');
        }
        self.list.extend_from_slice(name);
        self.count += 1;
        self.longest = self.longest.max(name.len());
        true
    }

    pub(crate) fn build(self) -> Names {
        let Self { any, list, table, count: _, longest } = self;
        let list = CString::new(list).expect("a token contains no NUL");
        Names { any, list, table, longest }
    }
}

impl Names {
    /// Whether the policy lists `*`.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        // A request's name may be long: it is not hashed for nothing.
        if name.len() > self.longest {
            return false;
        }
        let list = self.list.as_bytes_with_nul();
        let same =
            |value| (Text::unpack(value).of(list) == name).then_some(());
        self.table.find(hash_bytes(&SEED, name), same).is_some()
    }

    pub(crate) fn into_list(self) -> CString {
        self.list
    }

    /// The names as a header's value, without `*`.
    pub(crate) fn list(&self) -> &CStr {
        &self.list
    }
}
