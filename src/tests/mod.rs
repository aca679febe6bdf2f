//! Tests of the engine as a whole.

mod bounds;
mod documents;
mod explain;
mod helps;
mod naive;
mod places;
mod properties;
mod public_suffixes;
mod standard;
mod vectors;
