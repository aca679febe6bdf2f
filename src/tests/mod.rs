//! Tests of the engine.

// A test matches JSON and what it expects, and fails on anything else.
#![allow(clippy::wildcard_enum_match_arm)]

mod blocking;
mod bounds;
mod browser_requests;
mod decide;
mod documents;
mod errors;
mod explain;
mod explain_blocked;
mod figures;
mod go;
mod helps;
mod intents;
mod links;
mod naive;
mod origin_parts;
mod places;
mod properties;
mod public_suffixes;
mod rules;
mod short_globs;
mod source;
mod standard;
mod suffix_list;
mod vary;
mod vectors;

#[test]
fn c_has_the_same_body_for_blocked_requests() {
    let header = include_str!("../../include/cors.h");
    let body = crate::BLOCKED_BODY.escape_default();
    assert!(header.contains(&format!("\"{body}\"\n")));
}
