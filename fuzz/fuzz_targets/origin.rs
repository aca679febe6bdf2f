//! Which patterns a policy takes, and which origins they let in, held against
//! the naive matcher.

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use cors::{Code, Policy, Reason, Request, Severity};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

#[path = "../../src/tests/naive.rs"]
mod naive;
mod pieces;

use pieces::Range;

/// So few that no diagnostic is left out.
const PATTERNS_MAX: usize = 16;
const ORIGINS_MAX: usize = 8;

#[derive(Debug)]
struct Input<'a> {
    /// Some are none, which a policy has to refuse.
    candidates: Vec<String>,
    /// Those of them that are patterns, as rules.
    rules: Vec<Vec<String>>,
    origins: Vec<Origin<'a>>,
}

#[derive(Debug)]
enum Origin<'a> {
    Made(Vec<u8>),
    Raw(&'a [u8]),
}

impl<'a> Arbitrary<'a> for Input<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut candidates = pieces::patterns(u, PATTERNS_MAX)?;
        if candidates.iter().any(|candidate| candidate == "*") {
            // It stands alone.
            candidates = vec!["*".into()];
        }
        let rules = rules(u, &candidates)?;
        let patterns: Vec<String> = rules.concat();
        let mut origins = Vec::new();
        while !u.is_empty() && origins.len() < ORIGINS_MAX {
            origins.push(if patterns.is_empty() || u.ratio(1, 8)? {
                Origin::Raw(u.arbitrary()?)
            } else {
                let pattern = u.choose(&patterns)?;
                Origin::Made(pieces::near(u, pattern)?)
            });
        }
        Ok(Self { candidates, rules, origins })
    }
}

/// The patterns among `candidates`, in rules of one or more.
fn rules(
    u: &mut Unstructured<'_>,
    candidates: &[String],
) -> Result<Vec<Vec<String>>> {
    let mut rules: Vec<Vec<String>> = Vec::new();
    for pattern in candidates {
        if !pieces::is_pattern(pattern) {
            continue;
        }
        match rules.last_mut() {
            Some(rule) if u.ratio(3, 4)? => rule.push(pattern.clone()),
            _ => rules.push(vec![pattern.clone()]),
        }
    }
    let is_any = rules.last().is_some_and(|rule| rule == &["*"]);
    if !rules.is_empty() && !is_any && u.ratio(1, 8)? {
        rules.push(vec!["*".into()]);
    }
    Ok(rules)
}

fuzz_target!(|input: Input<'_>| {
    check_candidates(&input);
    if input.rules.is_empty() {
        return;
    }
    let policy = load_rules(&input.rules).expect("they are patterns");
    for origin in &input.origins {
        match origin {
            Origin::Made(bytes) => check_origin(&input, &policy, bytes),
            Origin::Raw(bytes) => check_origin(&input, &policy, bytes),
        }
    }
});

/// Exactly those that are no patterns are errors; what stands there twice,
/// and what a wildcard covers, is a warning.
fn check_candidates(input: &Input<'_>) {
    let loaded = load(&input.candidates);
    let diagnostics = match &loaded {
        Ok(policy) => policy.warnings(),
        Err(error) => error.diagnostics(),
    };
    let patterns: Vec<&String> = input
        .candidates
        .iter()
        .filter(|candidate| pieces::is_pattern(candidate))
        .collect();
    let wildcards: Vec<String> = patterns
        .iter()
        .filter(|pattern| {
            **pattern != "*"
                && (pattern.contains('*') || Range::of(pattern).is_some())
        })
        .map(|pattern| pattern.to_string())
        .collect();
    for (i, candidate) in input.candidates.iter().enumerate() {
        let pointer = format!("/allow_origins/{i}");
        let here: Vec<_> =
            diagnostics.iter().filter(|d| d.pointer == pointer).collect();
        let is_error = here.iter().any(|d| d.severity == Severity::Error);
        let is_pattern = pieces::is_pattern(candidate);
        assert_eq!(is_error, !is_pattern, "{candidate:?}: {here:?}");
        let says = |code| here.iter().any(|d| d.code == code);
        let duplicate =
            is_pattern && input.candidates[..i].contains(candidate);
        assert_eq!(says(Code::Duplicate), duplicate, "{candidate:?}");
        let covered = is_pattern
            && !duplicate
            && match Range::of(candidate) {
                Some(own) => wildcards.iter().any(|other| {
                    other != candidate
                        && Range::of(other)
                            .is_some_and(|other| covers(&other, &own))
                }),
                None => {
                    !candidate.contains('*')
                        && naive::find(&wildcards, candidate).is_some()
                }
            };
        assert_eq!(says(Code::OriginCovered), covered, "{candidate:?}");
    }
    let all_are_patterns = patterns.len() == input.candidates.len();
    assert_eq!(loaded.is_ok(), all_are_patterns, "{diagnostics:?}");
}

/// Whether a range has all addresses of another one, with all of its ports.
fn covers(range: &Range<'_>, other: &Range<'_>) -> bool {
    range.scheme == other.scheme
        && (range.port == other.port || range.port == ":*")
        && range.bits == other.bits
        && range.first <= other.first
        && other.last <= range.last
}

fn check_origin(input: &Input<'_>, policy: &Policy, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or("not an origin");
    let found = naive::find_rule(&input.rules, text);
    let pattern = found.map(|(_, pattern)| pattern);
    let reason = match pattern {
        Some(_) => Reason::None,
        None if naive::is_origin(text) => Reason::OriginNotAllowed,
        None => Reason::OriginMalformed,
    };
    for request_method in [None, Some(&b"GET"[..])] {
        let request = Request {
            method: Some(b"OPTIONS"),
            origin: Some(bytes),
            request_method,
            request_headers: None,
            ..Request::default()
        };
        let decision = policy.evaluate(&request);
        let shown = bytes.escape_ascii();
        assert_eq!(
            policy.rule_for(&request).map(|rule| rule.number()),
            found.map(|(rule, _)| rule + 1),
            "{shown}"
        );
        assert_eq!(decision.pattern, pattern.map(str::as_bytes), "{shown}");
        assert_eq!(decision.reason, reason, "{shown}");
        let allowed = decision
            .headers()
            .find(|header| header.name == "access-control-allow-origin")
            .map(|header| header.value);
        let expected = pattern.map(|pattern| match pattern {
            "*" => &b"*"[..],
            _ => bytes,
        });
        assert_eq!(allowed, expected, "{shown}");
    }
}

fn load(patterns: &[String]) -> std::result::Result<Policy, cors::LoadError> {
    let json = format!(
        r#"{{"allow_origins":{},"dangerously_allow":{{"null_origin":true}}}}"#,
        json!(patterns)
    );
    Policy::from_json(json.as_bytes())
}

fn load_rules(
    rules: &[Vec<String>],
) -> std::result::Result<Policy, cors::LoadError> {
    let rules: Vec<String> = rules
        .iter()
        .map(|patterns| {
            format!(
                r#"{{"allow_origins":{},
                     "dangerously_allow":{{"null_origin":true}}}}"#,
                json!(patterns)
            )
        })
        .collect();
    let json = format!(r#"{{"rules":[{}]}}"#, rules.join(","));
    Policy::from_json(json.as_bytes())
}
