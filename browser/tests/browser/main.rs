//! Tests of the browser.

#![allow(clippy::wildcard_enum_match_arm, reason = "of serde_json's values")]

mod fetches;
mod pages;
mod requests;
mod responses;
mod wpt;

use browser::{Header, ScriptRequest};

const ORIGIN: &str = "https://app.example.com";

fn request(method: &str) -> ScriptRequest {
    ScriptRequest {
        origin: ORIGIN.to_owned(),
        method: method.to_owned(),
        ..ScriptRequest::default()
    }
}

fn header(name: &str, value: &str) -> Header {
    (name.to_owned(), bytes(value))
}

/// One byte for each character up to U+00FF.
/// <https://infra.spec.whatwg.org/#isomorphic-encode>
fn bytes(value: &str) -> Vec<u8> {
    value
        .chars()
        .map(|character| u8::try_from(character).expect("up to U+00FF"))
        .collect()
}
