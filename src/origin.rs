//! Origins: their syntax, the patterns of a policy, and the set of both.

mod glob;
mod glob_index;
pub(crate) mod pattern;
pub(crate) mod ports;
pub(crate) mod public_suffix;
pub(crate) mod ranges;
pub(crate) mod set;
pub(crate) mod special_use;
pub(crate) mod syntax;
