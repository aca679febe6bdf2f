//! A set of names: what a policy allows of methods or header names.

use foldhash::fast::FixedState;

use crate::table::{Table, Text, hash_bytes};

/// Names that are found by their bytes. They are the policy's own and only
/// compared with a request's, so that the hash needs no secret seed.
pub(crate) struct Names {
    arena: Box<[u8]>,
    table: Table,
    longest: usize,
}

const SEED: FixedState = FixedState::with_seed(0);

impl Names {
    /// `names` are all different, and none is longer than 511 bytes.
    pub(crate) fn new(names: &[impl AsRef<[u8]>]) -> Self {
        let mut arena = Vec::new();
        let mut table = Table::with_room_for(names.len());
        let longest = names.iter().map(|name| name.as_ref().len()).max();
        for name in names.iter().map(AsRef::as_ref) {
            let start = arena.len() as u32;
            let text = Text { start, len: name.len() as u32 };
            table.insert(hash_bytes(&SEED, name), text.pack(), |_| false);
            arena.extend_from_slice(name);
        }
        let longest = longest.unwrap_or_default();
        Self { arena: arena.into(), table, longest }
    }

    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        // What a request sends may be long: it is not hashed for nothing.
        if name.len() > self.longest {
            return false;
        }
        let same = |value| {
            (Text::unpack(value).of(&self.arena) == name).then_some(())
        };
        self.table.find(hash_bytes(&SEED, name), same).is_some()
    }
}
