//! Tests of the engine as a whole.

mod bounds;
mod documents;
mod explain;
mod helps;
mod naive;
mod origin_parts;
mod places;
mod properties;
mod public_suffixes;
mod standard;
mod suffix_list;
mod vary;
mod vectors;
