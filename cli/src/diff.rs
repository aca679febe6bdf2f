//! `cors diff`: what one policy allows and another does not.
//!
//! The library's matcher decides. An exact pattern is looked up. A pattern with
//! wildcards is filled with a text that occurs in none of the other policy's
//! patterns. If one of them matches the result, its wildcards match that text,
//! so they match any other text there. So one lookup decides, even if several
//! patterns cover it together.

use std::collections::HashSet;

use cors::{Policy, Request};
use serde::Serialize;

use crate::check::Checked;
use crate::style::{BAD, GOOD, NAME};
use crate::{Answer, Diff, Failure, Format, Report};

/// The JSON output.
#[derive(Serialize)]
struct Changes {
    changes: Vec<Change>,
}

/// One difference.
#[derive(Debug, Serialize)]
struct Change {
    /// The policy's key.
    key: &'static str,
    kind: Kind,
    /// A pattern or name that is or was allowed, or the new value.
    value: String,
    /// An origin that only one of the policies allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<String>,
    /// The old value.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Added,
    Removed,
    Changed,
}

impl Diff {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let format = self.output.format;
        let old = Checked::read(&self.old)?;
        let new = Checked::read(&self.new)?;
        let Some(old_policy) = &old.policy else {
            return Ok(old.refusal(format));
        };
        let Some(new_policy) = &new.policy else {
            return Ok(new.refusal(format));
        };
        let changes = changes(old_policy, new_policy);
        let answer = match changes.is_empty() {
            true => Answer::Yes,
            false => Answer::No,
        };
        Ok(match format {
            Format::Text => Report { text: text(&changes), answer },
            Format::Json => Report::json(&Changes { changes }, answer),
        })
    }
}

fn changes(old: &Policy, new: &Policy) -> Vec<Change> {
    let mut changes = Vec::new();
    only_in(new, old, Kind::Added, &mut changes);
    only_in(old, new, Kind::Removed, &mut changes);
    let mut changed = |key, was: String, value: String| {
        if was != value {
            let kind = Kind::Changed;
            let was = Some(was);
            changes.push(Change { key, kind, value, example: None, was });
        }
    };
    let age = |policy: &Policy| {
        first(policy)
            .max_age()
            .map_or("absent".to_owned(), |age| age.to_string())
    };
    changed("max_age", age(old), age(new));
    changed(
        "preflight_status",
        old.preflight_status().to_string(),
        new.preflight_status().to_string(),
    );
    changes
}

fn first(policy: &Policy) -> cors::Rule<'_> {
    policy.rules().next().expect("a policy has a rule")
}

/// What `one` allows and `other` does not.
fn only_in(
    one: &Policy,
    other: &Policy,
    kind: Kind,
    changes: &mut Vec<Change>,
) {
    let mut push = |key, value: &str, example| {
        let value = value.to_owned();
        changes.push(Change { key, kind, value, example, was: None });
    };
    let fresh = Fresh::to(other);
    let (one_rule, other_rule) = (first(one), first(other));
    for pattern in one_rule.allow_origins() {
        if let Some(example) = fresh.not_covered(pattern, one, other) {
            push("allow_origins", pattern, example);
        }
    }
    if one_rule.allow_credentials() && !other_rule.allow_credentials() {
        push("allow_credentials", "true", None);
    }
    let mut only = |key, one: Vec<&str>, other: Vec<&str>| {
        for name in one {
            let covered = other.contains(&"*")
                && !(key == "allow_headers" && browser::non_wildcard(name));
            if !covered && !other.contains(&name) {
                push(key, name, None);
            }
        }
    };
    only(
        "allow_methods",
        one_rule.allow_methods().collect(),
        other_rule.allow_methods().collect(),
    );
    only(
        "allow_headers",
        one_rule.allow_headers().collect(),
        other_rule.allow_headers().collect(),
    );
    only(
        "expose_headers",
        one_rule.expose_headers().collect(),
        other_rule.expose_headers().collect(),
    );
    only(
        "timing_allow_origins",
        one.timing_allow_origins().collect(),
        other.timing_allow_origins().collect(),
    );
}

/// What occurs in no pattern with wildcards of a policy.
struct Fresh {
    byte: Option<char>,
    port: u16,
}

impl Fresh {
    fn to(policy: &Policy) -> Self {
        let with_wildcards: Vec<&str> = policy
            .rules()
            .flat_map(|rule| rule.allow_origins())
            .filter(|pattern| pattern.contains('*'))
            .collect();
        let used: HashSet<char> =
            with_wildcards.iter().flat_map(|text| text.chars()).collect();
        let ports: HashSet<u16> = with_wildcards
            .iter()
            .filter_map(|text| text.rsplit_once(':')?.1.parse().ok())
            .collect();
        let mut bytes = ('a'..='z').chain('0'..='9').chain(['_', '-']);
        Self {
            byte: bytes.find(|byte| !used.contains(byte)),
            port: (1024..u16::MAX)
                .find(|port| !ports.contains(port))
                .unwrap_or(u16::MAX),
        }
    }

    /// If `pattern`, one of `own`, matches more than the patterns of `other`:
    /// an example, unless none is found. `None` if it does not.
    fn not_covered(
        &self,
        pattern: &str,
        own: &Policy,
        other: &Policy,
    ) -> Option<Option<String>> {
        if pattern == "*" {
            // Only "*" allows what is not an origin.
            return (matched_by(other, "") != Some("*")).then_some(None);
        }
        if !pattern.contains('*') {
            return matched_by(other, pattern).is_none().then_some(None);
        }
        if self.byte.is_some_and(|byte| {
            (1..=20).any(|len| {
                let text = byte.to_string().repeat(len);
                let origin = filled(pattern, &text, Some(self.port));
                // An exact pattern may be this very origin, and says nothing
                // about others.
                matched_by(other, &origin).is_some_and(|p| p.contains('*'))
            })
        }) {
            return None;
        }
        let fresh = self.byte.map(String::from);
        let texts = ["app", "www", "a", "x1"].into_iter();
        let mut examples = texts
            .chain(fresh.as_deref())
            .flat_map(|text| {
                [None, Some(3000), Some(self.port)]
                    .map(|port| filled(pattern, text, port))
            })
            .filter(|origin| {
                matched_by(own, origin).is_some()
                    && matched_by(other, origin).is_none()
            });
        Some(examples.next())
    }
}

/// An origin that the pattern matches: `text` for each `*`, two labels for
/// `**`, `port` if any port matches.
fn filled(pattern: &str, text: &str, port: Option<u16>) -> String {
    let (rest, any_port) = match pattern.strip_suffix(":*") {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut origin =
        rest.replace("**", &format!("{text}.{text}")).replace('*', text);
    if any_port && let Some(port) = port {
        origin += &format!(":{port}");
    }
    origin
}

/// The pattern that matches an origin.
fn matched_by<'p>(policy: &'p Policy, origin: &'p str) -> Option<&'p str> {
    let decision = policy.evaluate(&Request {
        method: Some(b"GET"),
        origin: Some(origin.as_bytes()),
        ..Request::default()
    });
    decision.pattern.and_then(|pattern| std::str::from_utf8(pattern).ok())
}

fn text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no differences\n".to_owned();
    }
    let mut text = String::new();
    for (kind, title) in [
        (Kind::Added, "newly allowed"),
        (Kind::Removed, "no longer allowed"),
        (Kind::Changed, "changed"),
    ] {
        let mut changes =
            changes.iter().filter(|change| change.kind == kind).peekable();
        if changes.peek().is_some() {
            text += &format!("{NAME}{title}:{NAME:#}\n");
        }
        for Change { key, value, example, was, .. } in changes {
            let (style, mark) = match kind {
                Kind::Added => (GOOD, "+"),
                Kind::Removed => (BAD, "-"),
                Kind::Changed => (NAME, "~"),
            };
            text += &format!("  {style}{mark}{style:#} {key}: ");
            if let Some(was) = was {
                text += &format!("{was} -> ");
            }
            text += value;
            if let Some(example) = example {
                text += &format!(", e.g. {example}");
            }
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERNS: [&str; 22] = [
        "*",
        "null",
        "https://example.com",
        "https://app.example.com",
        "https://a.b.example.com",
        "https://q.example.com",
        "https://*.example.com",
        "https://a*.example.com",
        "https://*a.example.com",
        "https://a*a.example.com",
        "https://*-*.example.com",
        "https://*.b.example.com",
        "https://a.*.example.com",
        "https://**.example.com",
        "https://**.b.example.com",
        "https://*.example.com:*",
        "https://*.example.com:8443",
        "https://app.example.com:*",
        "https://app.example.com:8443",
        "http://*.example.com",
        "https://*abcdefghijklmnopqrstuvwxyz.example.com",
        "https://*0-1_2-3_4-5_6-7_8-9.example.com",
    ];

    fn load(patterns: &[&str]) -> Policy {
        let json = serde_json::json!({
            "allow_origins": patterns,
            "dangerously_allow": { "null_origin": true },
        });
        let json = json.to_string();
        Policy::from_json(json.as_bytes()).expect("it loads")
    }

    /// Origins of all the kinds that the patterns distinguish.
    fn origins() -> Vec<String> {
        let labels = ["a", "b", "q", "app", "aa", "aba", "a-b", "b-a", "_"];
        let mut hosts = vec!["example.com".to_owned()];
        for one in labels {
            hosts.push(format!("{one}.example.com"));
            for two in labels {
                hosts.push(format!("{one}.{two}.example.com"));
                hosts.push(format!("{one}.{two}.b.example.com"));
            }
        }
        let mut origins = vec!["null".to_owned()];
        for host in hosts {
            for port in ["", ":8443", ":9"] {
                origins.push(format!("https://{host}{port}"));
                origins.push(format!("http://{host}{port}"));
            }
        }
        origins
    }

    #[test]
    fn what_is_covered_allows_no_more_and_examples_are_right() {
        let origins = origins();
        let mut sets: Vec<Vec<&str>> =
            PATTERNS.iter().map(|&pattern| vec![pattern]).collect();
        // "*" is always alone.
        for pair in PATTERNS[1..].windows(2) {
            sets.push(pair.to_vec());
        }
        sets.push(PATTERNS[1..].to_vec());
        let loaded: Vec<_> = sets.iter().map(|set| load(set)).collect();
        for pattern in PATTERNS {
            let own = load(&[pattern]);
            for (set, other) in sets.iter().zip(&loaded) {
                let found = Fresh::to(other).not_covered(pattern, &own, other);
                let mut more = origins.iter().filter(|origin| {
                    matched_by(&own, origin).is_some()
                        && matched_by(other, origin).is_none()
                });
                match found {
                    None => assert_eq!(more.next(), None, "{pattern} {set:?}"),
                    Some(Some(example)) => {
                        assert!(matched_by(&own, &example).is_some());
                        assert!(matched_by(other, &example).is_none());
                    }
                    Some(None) => assert!(
                        !pattern.contains("*.") || set.len() > 5,
                        "{pattern} {set:?} without an example"
                    ),
                }
            }
        }
    }

    #[test]
    fn coverage_is_found() {
        for (pattern, others) in [
            ("https://a*.example.com", &["https://*.example.com"][..]),
            ("https://a*a.example.com", &["https://*a.example.com"]),
            ("https://*-*.example.com", &["https://*.example.com"]),
            ("https://a.*.example.com", &["https://**.example.com"]),
            ("https://**.b.example.com", &["https://**.example.com"]),
            ("https://*.example.com", &["https://*.example.com:*"]),
            ("https://*.example.com:8443", &["https://*.example.com:*"]),
            ("https://app.example.com:*", &["https://*.example.com:*"]),
            ("https://app.example.com", &["https://app.example.com:*"]),
            // The first text that is tried makes this exact origin.
            (
                "https://*.example.com",
                &["https://q.example.com", "https://*.example.com"],
            ),
            ("https://*.example.com:*", &["*"]),
        ] {
            let (own, other) = (load(&[pattern]), load(others));
            let found = Fresh::to(&other).not_covered(pattern, &own, &other);
            assert_eq!(found, None, "{pattern} {others:?}");
        }
    }
}
