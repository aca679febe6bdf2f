//! What another policy changes, in one line for a log.

use std::collections::HashMap;

use super::keys::{self, Key};
use super::{Policy, Rule};

/// How many patterns are named.
const NAMED_MAX: usize = 3;

/// How many characters of a pattern are shown.
const PATTERN_MAX: usize = 60;

/// What `new` allows that `old` does not, and the reverse, in ASCII.
///
/// It compares the texts of patterns, rule by rule. `cors diff` compares what
/// they match.
pub(crate) fn line(old: &Policy, new: &Policy) -> String {
    let mut before: HashMap<_, _> =
        patterns(old).map(|pattern| (pattern, true)).collect();
    let mut allows = List::default();
    for pattern in patterns(new) {
        // It can be listed twice.
        if before.insert(pattern, false).is_none() {
            allows.add(pattern);
        }
    }
    let mut gone = List::default();
    for pattern in patterns(old) {
        if before.remove(&pattern) == Some(true) {
            gone.add(pattern);
        }
    }
    let has_rules = [old, new].iter().any(|policy| policy.rules().len() > 1);
    let mut parts = Vec::new();
    parts.extend(allows.said("newly allows", has_rules));
    parts.extend(gone.said("no longer allows", has_rules));
    let keys: Vec<_> = changed(old, new).map(Key::name).collect();
    if !keys.is_empty() {
        parts.push(format!("changes {}", keys.join(", ")));
    }
    match parts.is_empty() {
        true => "allows the same".into(),
        false => parts.join("; "),
    }
}

/// The patterns, each with the number of its rule.
fn patterns(policy: &Policy) -> impl Iterator<Item = (usize, &str)> {
    policy.rules().flat_map(|rule| {
        rule.allow_origins().map(move |pattern| (rule.number(), pattern))
    })
}

#[derive(Default)]
struct List<'p> {
    first: Vec<(usize, &'p str)>,
    count: usize,
}

impl<'p> List<'p> {
    fn add(&mut self, pattern: (usize, &'p str)) {
        if self.count < NAMED_MAX {
            self.first.push(pattern);
        }
        self.count += 1;
    }

    fn said(&self, what: &str, has_rules: bool) -> Option<String> {
        let name = |&(rule, pattern): &(usize, &str)| {
            let mut text = pattern.to_owned();
            if pattern.len() > PATTERN_MAX {
                text.truncate(PATTERN_MAX);
                text += "...";
            }
            if has_rules {
                text += &format!(" (rule {rule})");
            }
            text
        };
        let names: Vec<_> = self.first.iter().map(name).collect();
        let mut text = format!("{what} {}", names.join(", "));
        if let Some(more @ 1..) = self.count.checked_sub(NAMED_MAX) {
            text += &format!(" and {more} more");
        }
        (self.count > 0).then_some(text)
    }
}

/// The keys whose values differ, but for origin patterns.
fn changed<'p>(
    old: &'p Policy,
    new: &'p Policy,
) -> impl Iterator<Item = &'static Key> {
    let differs = |differs: bool, key| differs.then_some(key);
    let of_rules = |same: fn(Rule<'p>, Rule<'p>) -> bool| {
        old.rules().zip(new.rules()).any(|(old, new)| !same(old, new))
    };
    [
        differs(old.rules().len() != new.rules().len(), &keys::RULES),
        differs(
            of_rules(|a, b| a.allow_credentials() == b.allow_credentials()),
            &keys::ALLOW_CREDENTIALS,
        ),
        differs(
            of_rules(|a, b| a.allow_methods().eq(b.allow_methods())),
            &keys::ALLOW_METHODS,
        ),
        differs(
            of_rules(|a, b| a.allow_headers().eq(b.allow_headers())),
            &keys::ALLOW_HEADERS,
        ),
        differs(
            of_rules(|a, b| a.expose_headers().eq(b.expose_headers())),
            &keys::EXPOSE_HEADERS,
        ),
        differs(of_rules(|a, b| a.max_age() == b.max_age()), &keys::MAX_AGE),
        differs(
            old.preflight_status() != new.preflight_status(),
            &keys::PREFLIGHT_STATUS,
        ),
        differs(
            !old.timing_allow_origins().eq(new.timing_allow_origins()),
            &keys::TIMING_ALLOW_ORIGINS,
        ),
        differs(!old.blocks().eq(new.blocks()), &keys::BLOCK),
    ]
    .into_iter()
    .flatten()
}
