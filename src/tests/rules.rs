//! What holds for files with rules: which rule decides, that it decides alone,
//! and which patterns trigger a warning because an earlier rule covers them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};

use super::decide::{Outcome, decide};
use super::intents::{
    File, Intent, files, globs, intents, load, methods, near_miss, patterns,
    ranges, timing, wild_bytes, witnesses,
};
use super::naive;
use super::vectors::OwnedRequest;
use crate::{Policy, Request, Severity};

/// A request, before there is a policy: its origin is made from a pattern.
#[derive(Clone, Debug)]
struct Seed {
    method: Option<Vec<u8>>,
    origin: Origin,
    request_method: Option<Vec<u8>>,
    request_headers: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Origin {
    Absent,
    Near(Index, Index, Vec<u8>),
    Wild(Vec<u8>),
}

impl Seed {
    fn request(&self, rules: &[Vec<String>]) -> OwnedRequest {
        let origin = match &self.origin {
            Origin::Absent => None,
            Origin::Near(rule, pattern, seed) => {
                let pattern = pattern.get(rule.get(rules).as_slice());
                Some(near_miss(pattern, seed).into_bytes())
            }
            Origin::Wild(bytes) => Some(bytes.clone()),
        };
        OwnedRequest {
            method: self.method.clone(),
            origin,
            request_method: self.request_method.clone(),
            request_headers: self.request_headers.clone(),
            ..OwnedRequest::default()
        }
    }
}

fn outcome(policy: &Policy, request: &OwnedRequest) -> Outcome {
    Outcome::of(&policy.evaluate(&request.as_rust()))
}

proptest! {
    #![proptest_config(ProptestConfig {
        // A finding becomes a vector, which every host reads.
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    /// Whole decisions, headers in order, are those of the naive statement.
    #[test]
    fn decisions_are_those_of_the_contract(
        file in files(),
        seeds in vec(seeds(), 1..16),
    ) {
        let (json, patterns) = (file.json(), file.patterns());
        let policy = load(&json);
        for seed in seeds {
            let request = seed.request(&patterns);
            let expected = decide(&json, &request.as_rust());
            let actual = outcome(&policy, &request);
            prop_assert_eq!(actual, expected, "{:?}", request);
        }
    }

    /// Nothing is merged: what a rules file decides, the file made of its
    /// deciding rule alone decides too, but for Vary.
    #[test]
    fn the_deciding_rule_decides_alone(
        file in files(),
        seeds in vec(seeds(), 1..8),
    ) {
        let patterns = file.patterns();
        let policy = load(&file.json());
        for seed in seeds {
            let request = seed.request(&patterns);
            let origin = request.origin.as_ref().map(|origin| {
                String::from_utf8_lossy(origin).into_owned()
            });
            let last = patterns.len() - 1;
            let found = match &origin {
                Some(origin) => naive::find_rule(&patterns, origin),
                None => Some((last, "*")).filter(|_| patterns[last] == ["*"]),
            };
            let named = policy.rule_for(&request.as_rust());
            prop_assert_eq!(
                named.map(|rule| rule.number()),
                found.map(|(rule, _)| rule + 1),
                "{:?}",
                request
            );
            let mut both = outcome(&policy, &request);
            match found {
                Some((rule, _)) => {
                    let alone = load(&file.json_of(rule));
                    let mut alone = outcome(&alone, &request);
                    for outcome in [&mut both, &mut alone] {
                        outcome.headers.retain(|(name, _)| name != "vary");
                    }
                    prop_assert_eq!(both, alone, "{:?}", request);
                }
                None => prop_assert!(
                    both.pattern.is_none()
                        && !both.headers.iter().any(|(name, _)| {
                            name.starts_with("access-control-")
                        }),
                    "{:?}: {:?}",
                    request,
                    both
                ),
            }
        }
    }

    /// So many globs, or ranges, and exact origins that they match, that the
    /// indexes take part.
    #[test]
    fn the_first_of_rules_with_many_patterns_decides(
        patterns in many_patterns(),
        length in 1..50usize,
        seeds in vec((any::<Index>(), vec(any::<u8>(), 8)), 24),
    ) {
        let rules: Vec<Vec<String>> =
            patterns.chunks(length).map(<[String]>::to_vec).collect();
        let policy = load(&only_origins(&rules));
        for (index, mut seed) in seeds {
            // No edits: each origin is well-formed.
            seed[4] = 15;
            let origin = near_miss(index.get::<String>(&patterns), &seed);
            let request = Request {
                origin: Some(origin.as_bytes()),
                ..Request::default()
            };
            let rule = policy.rule_for(&request).map(|rule| rule.number());
            let pattern = policy.evaluate(&request).pattern;
            let expected = naive::find_rule(&rules, &origin)
                .map(|(rule, pattern)| (rule + 1, pattern.as_bytes()));
            prop_assert_eq!(rule.zip(pattern), expected, "{}", origin);
        }
    }

    /// A file with one rule is a file without rules: the same decisions, and
    /// the same diagnostics but for where they are.
    #[test]
    fn one_rule_is_a_file_without_rules(
        rule in intents(),
        seeds in vec(seeds(), 1..8),
        timing in timing(),
    ) {
        let file =
            File { rules: vec![rule], preflight_status: 200, timing };
        let (with, without) = (load(&file.json()), load(&file.json_of(0)));
        let told = |policy: &Policy, below: &str| -> Vec<_> {
            policy
                .warnings()
                .iter()
                .map(|d| {
                    let pointer = d.pointer.strip_prefix(below);
                    let pointer = pointer.unwrap_or(&d.pointer).to_owned();
                    (d.code, pointer, d.message.clone())
                })
                .collect()
        };
        // The order is the file's: the keys are sorted in both.
        prop_assert_eq!(told(&with, "/rules/0"), told(&without, ""));
        for seed in seeds {
            let request = seed.request(&file.patterns());
            prop_assert_eq!(
                outcome(&with, &request),
                outcome(&without, &request),
                "{:?}",
                request
            );
        }
    }

    /// Rules whose patterns have no origin in common may come in any order.
    #[test]
    fn the_order_of_disjoint_rules_changes_nothing(
        (rules, shuffled) in disjoint_rules(),
        any in option::of(intents()),
        timing in timing(),
        seeds in vec(seeds(), 1..16),
    ) {
        let any = any.map(|any| Intent {
            origins: vec!["*".into()],
            credentials: false,
            ..any
        });
        let [first, second] = [rules, shuffled].map(|rules| File {
            rules: rules.into_iter().chain(any.clone()).collect(),
            preflight_status: 204,
            timing: timing.clone(),
        });
        let policies = [&first, &second].map(|file| load(&file.json()));
        for seed in seeds {
            let request = seed.request(&first.patterns());
            prop_assert_eq!(
                outcome(&policies[0], &request),
                outcome(&policies[1], &request),
                "{:?}",
                request
            );
        }
    }

    /// Timing-Allow-Origin is on every response but those to preflights, has
    /// one value, and changes nothing else.
    #[test]
    fn timing_is_on_every_response_but_those_to_preflights(
        file in files(),
        seeds in vec(seeds(), 1..16),
    ) {
        let plain = File { timing: vec![], ..file.clone() };
        let (policy, plain) = (load(&file.json()), load(&plain.json()));
        let mut names = file.timing.clone();
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        for seed in seeds {
            let request = seed.request(&file.patterns());
            let mut outcome = outcome(&policy, &request);
            let is = |(name, _): &(String, String)| {
                name == "timing-allow-origin"
            };
            let values: Vec<String> = outcome
                .headers
                .iter()
                .filter(|header| is(header))
                .map(|(_, value)| value.clone())
                .collect();
            let is_preflight = request.method.as_deref() == Some(b"OPTIONS")
                && request.origin.is_some()
                && request.request_method.is_some();
            let expected = match is_preflight || names.is_empty() {
                true => vec![],
                false => vec![names.join(", ")],
            };
            prop_assert_eq!(values, expected, "{:?}", request);
            outcome.headers.retain(|header| !is(header));
            prop_assert_eq!(outcome, self::outcome(&plain, &request));
        }
    }

    /// A pattern triggers the warning exactly if one pattern of an earlier rule
    /// matches all of its origins. It then never decides.
    #[test]
    fn patterns_of_an_earlier_rule_are_warned_of(
        rules in vec(vec(patterns(), 1..4), 1..4),
        seeds in vec(vec(any::<u8>(), 8), 8),
    ) {
        let policy = load(&only_origins(&rules));
        for (i, patterns) in rules.iter().enumerate() {
            for (j, pattern) in patterns.iter().enumerate() {
                let earlier = rules[..i].iter().flatten();
                let covers = covering(earlier, pattern);
                let warned =
                    says(&policy, "origin-in-earlier-rule", i, j);
                prop_assert_eq!(warned, covers.is_some(), "{}", pattern);
                for origin in seeds.iter().map(|seed| near_miss(pattern, seed))
                {
                    let found = naive::find_rule(&rules, &origin);
                    let decides = found == Some((i, pattern.as_str()));
                    prop_assert!(!(warned && decides), "{}", origin);
                }
            }
        }
    }

    /// Within a rule: exact origins that a wildcard, a whole scheme or a range
    /// covers, and ranges that another range covers.
    #[test]
    fn patterns_that_their_own_rule_covers_are_warned_of(
        rules in vec(vec(patterns(), 1..6), 1..3),
    ) {
        let policy = load(&only_origins(&rules));
        for (i, patterns) in rules.iter().enumerate() {
            for (j, pattern) in patterns.iter().enumerate() {
                // One warning is enough.
                if says(&policy, "origin-in-earlier-rule", i, j) {
                    continue;
                }
                let duplicate = patterns[..j].contains(pattern);
                prop_assert_eq!(
                    says(&policy, "duplicate", i, j),
                    duplicate,
                    "{}",
                    pattern
                );
                if duplicate || pattern == "null" {
                    continue;
                }
                let others = patterns.iter().filter(|other| {
                    *other != pattern
                        && match (is_range(pattern), is_range(other)) {
                            (true, range) => range,
                            (false, true) => !pattern.contains('*'),
                            (false, false) => {
                                other.contains('*') && !pattern.contains('*')
                            }
                        }
                });
                prop_assert_eq!(
                    says(&policy, "origin-covered", i, j),
                    covering(others, pattern).is_some(),
                    "{}",
                    pattern
                );
            }
        }
    }
}

#[test]
fn a_file_has_at_most_1024_rules_and_each_decides() {
    let rules = |count: u32| -> Value {
        let rule = |i| {
            json!({
                "allow_origins": [
                    format!("https://a{i}.example.com"),
                    format!("https://*.b{i}.example.com"),
                    format!("https://10.{}.{}.0/24", i / 256, i % 256),
                    format!("s{i}://*"),
                ],
                "dangerously_allow": {
                    "scheme_wildcards": [format!("s{i}://*")],
                },
                "max_age": i,
            })
        };
        json!({ "rules": (0..count).map(rule).collect::<Vec<_>>() })
    };
    let policy = load(&rules(1024));
    assert_eq!(policy.warnings(), []);
    for i in [0, 1, 255, 256, 511, 1022, 1023] {
        for origin in [
            format!("https://a{i}.example.com"),
            format!("https://a.b{i}.example.com"),
            format!("https://10.{}.{}.9", i / 256, i % 256),
            format!("s{i}://x"),
        ] {
            let decision = policy.evaluate(&Request {
                method: Some(b"OPTIONS"),
                origin: Some(origin.as_bytes()),
                request_method: Some(b"GET"),
                request_headers: None,
                ..Request::default()
            });
            let age = decision
                .headers()
                .find(|header| header.name == "access-control-max-age")
                .map(|header| String::from_utf8_lossy(header.value));
            assert_eq!(age.as_deref(), Some(&*i.to_string()), "{origin}");
        }
    }
    let json = rules(1025).to_string();
    let error = Policy::from_json(json.as_bytes()).expect_err("one too many");
    let told: Vec<_> = error
        .diagnostics()
        .iter()
        .map(|d| (d.severity, d.code.name(), d.pointer.as_str()))
        .collect();
    assert_eq!(told, [(Severity::Error, "rules-too-many", "/rules")]);
}

/// The pattern among `patterns` that matches every origin of `pattern`.
fn covering<'p>(
    mut patterns: impl Iterator<Item = &'p String>,
    pattern: &str,
) -> Option<&'p String> {
    let witnesses = witnesses(pattern);
    patterns.find(|other| {
        let other = std::slice::from_ref(*other);
        witnesses.iter().all(|origin| naive::find(other, origin).is_some())
    })
}

fn is_range(pattern: &str) -> bool {
    pattern.matches('/').count() == 3
}

fn says(policy: &Policy, code: &str, rule: usize, pattern: usize) -> bool {
    let pointer = format!("/rules/{rule}/allow_origins/{pattern}");
    policy
        .warnings()
        .iter()
        .any(|d| d.code.name() == code && d.pointer == pointer)
}

/// So that no more than a hundred warnings can come together, nothing is
/// permitted but null.
fn only_origins(rules: &[Vec<String>]) -> Value {
    let rule = |origins: &Vec<String>| {
        json!({
            "allow_origins": origins,
            "dangerously_allow": { "null_origin": true },
        })
    };
    json!({ "rules": rules.iter().map(rule).collect::<Vec<_>>() })
}

fn many_patterns() -> impl Strategy<Value = Vec<String>> {
    let label = "(a\\.|ab\\.)?[ab-]{1,5}";
    let host = label.prop_map(|label| format!("https://{label}.example.com"));
    let address = (ranges(), vec(any::<u8>(), 8)).prop_map(|(range, seed)| {
        // No edits, and no port in place of `:*`.
        let seed = [&seed[..4], &[15], &seed[5..]].concat();
        near_miss(range.trim_end_matches(":*"), &seed)
    });
    prop_oneof![
        vec(prop_oneof![3 => globs().boxed(), 1 => host.boxed()], 1..120),
        vec(prop_oneof![2 => ranges().boxed(), 1 => address.boxed()], 1..120),
    ]
}

/// Two to four rules, and the same in another order. Rule n has origins of
/// domains, networks and schemes of its own.
fn disjoint_rules() -> impl Strategy<Value = (Vec<Intent>, Vec<Intent>)> {
    let kinds = ["e", "*.d", "**.d", "a-*.d", "d:*", "net", "6", "scheme"];
    let rule = (intents(), subsequence(kinds.to_vec(), 1..5));
    vec(rule, 2..5)
        .prop_map(|rules| {
            let rules = rules.into_iter().enumerate();
            rules
                .map(|(i, (intent, kinds))| Intent {
                    origins: kinds
                        .iter()
                        .map(|kind| disjoint_pattern(kind, i))
                        .collect(),
                    ..intent
                })
                .collect::<Vec<_>>()
        })
        .prop_flat_map(|rules| {
            (Just(rules.clone()), Just(rules).prop_shuffle())
        })
}

fn disjoint_pattern(kind: &str, i: usize) -> String {
    match kind {
        "net" => format!("http://10.{i}.0.0/16:*"),
        "6" => format!("https://[fd00:{}::]/32:8080", i + 1),
        "scheme" => format!("app{i}://*"),
        "e" => format!("http://e{i}.com:8080"),
        host => match host.strip_suffix(":*") {
            Some(host) => format!("https://{host}{i}.com:*"),
            None => format!("https://{host}{i}.com"),
        },
    }
}

fn seeds() -> impl Strategy<Value = Seed> {
    let bytes = String::into_bytes;
    let method = prop_oneof![
        6 => Just(Some(b"OPTIONS".to_vec())),
        3 => Just(Some(b"GET".to_vec())),
        2 => option::of(methods().prop_map(bytes)),
        1 => option::of(wild_bytes()),
    ];
    let near = (any::<Index>(), any::<Index>(), vec(any::<u8>(), 8));
    let origin = prop_oneof![
        1 => Just(Origin::Absent),
        10 => near.prop_map(|(rule, pattern, seed)| {
            Origin::Near(rule, pattern, seed)
        }),
        1 => wild_bytes().prop_map(Origin::Wild),
    ];
    let request_method = prop_oneof![
        1 => Just(None),
        4 => methods().prop_map(bytes).prop_map(Some),
        1 => wild_bytes().prop_map(Some),
    ];
    let name = select(&[
        "X-A",
        "x-a",
        "X-B",
        "X-C",
        "Authorization",
        "content-type",
        "range",
        "*",
        "cookie",
        "",
        "x y",
    ]);
    let separator = select(&[",", ", ", ",,", "\t,"]);
    let request_headers = prop_oneof![
        2 => Just(None),
        4 => (vec(name, 0..4), separator)
            .prop_map(|(names, separator)| {
                Some(names.join(separator).into_bytes())
            }),
        1 => wild_bytes().prop_map(Some),
    ];
    (method, origin, request_method, request_headers).prop_map(
        |(method, origin, request_method, request_headers)| Seed {
            method,
            origin,
            request_method,
            request_headers,
        },
    )
}
