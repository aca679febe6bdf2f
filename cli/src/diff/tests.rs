//! Differences that are found are there, and there are no others.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Value, json};

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

/// Ranges of which some have the same addresses as others together, and
/// schemes.
const MORE: [&str; 16] = [
    "http://10.0.0.0/24",
    "http://10.0.0.0/25",
    "http://10.0.0.128/25",
    "http://10.0.0.0/24:*",
    "http://10.0.0.0/25:8443",
    "http://10.0.0.128/25:*",
    "http://10.0.0.7:*",
    "http://10.0.0.7",
    "http://10.0.0.0",
    "http://10.0.0.255/32",
    "http://0.0.0.0/0",
    "http://[fd00::]/16",
    "http://[fd00::]/17",
    "http://[fd00:8000::]/17",
    "app://*",
    "app://q",
];

fn load(file: &Value) -> Policy {
    let json = file.to_string();
    Policy::from_json(json.as_bytes()).expect("it loads")
}

fn of(patterns: &[&str]) -> Policy {
    load(&json!({
        "allow_origins": patterns,
        "dangerously_allow": { "null_origin": true },
    }))
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
    hosts.extend(
        [
            "10.0.0.0",
            "10.0.0.7",
            "10.0.0.8",
            "10.0.0.127",
            "10.0.0.128",
            "10.0.0.254",
            "10.0.0.255",
            "10.0.1.0",
            "9.255.255.255",
            "255.255.255.255",
            "[fd00::]",
            "[fd00:7fff::1]",
            "[fd00:8000::]",
            "[fd01::]",
        ]
        .map(str::to_owned),
    );
    let other = ["null", "app://", "app://q", "app://r", "app://q:1", "x://y"];
    let mut origins = other.map(str::to_owned).to_vec();
    for host in hosts {
        for port in ["", ":8443", ":9"] {
            origins.push(format!("https://{host}{port}"));
            origins.push(format!("http://{host}{port}"));
        }
    }
    origins
}

/// The changes of `allow_origins` are those that the origins show.
fn assert_right(old: &Policy, new: &Policy, origins: &[String]) {
    let changes = changes(old, new);
    for change in changes.iter().filter(|c| c.key == "allow_origins") {
        let origin = change.example.as_ref().unwrap_or(&change.value);
        if origin != "*" {
            let kind = match [old, new].map(|p| find(p, origin)) {
                [None, Some(_)] => Kind::Added,
                [Some(_), None] => Kind::Removed,
                _ => panic!("{change:?}"),
            };
            assert_eq!(kind, change.kind, "{change:?}");
        }
    }
    for origin in origins {
        for (one, other, kind) in
            [(new, old, Kind::Added), (old, new, Kind::Removed)]
        {
            if let Some(found) = find(one, origin)
                && find(other, origin).is_none()
            {
                let is_reported = changes.iter().any(|change| {
                    change.key == "allow_origins"
                        && change.kind == kind
                        && change.value == found.pattern
                });
                assert!(is_reported, "{origin} {changes:?}");
            }
        }
    }
}

#[test]
fn origins_of_policies_with_few_patterns_are_compared() {
    let origins = origins();
    let patterns: Vec<&str> = PATTERNS.iter().chain(&MORE).copied().collect();
    let mut sets: Vec<Vec<&str>> =
        patterns.iter().map(|&pattern| vec![pattern]).collect();
    // "*" is always alone.
    for pair in patterns[1..].windows(2).step_by(2) {
        sets.push(pair.to_vec());
    }
    sets.push(patterns[1..].to_vec());
    let loaded: Vec<_> = sets.iter().map(|set| of(set)).collect();
    for one in &loaded[..patterns.len()] {
        for other in &loaded {
            assert_right(one, other, &origins);
        }
    }
}

/// A change of `block` is reported if and only if the policies block other
/// requests, and its example is one.
#[test]
fn what_only_one_policy_blocks_is_found() {
    let with = |patterns: &[&str], block: &[&str]| {
        load(&json!({
            "allow_origins": patterns,
            "block": block,
            "dangerously_allow": {
                "null_origin": true,
                "insecure_origins": patterns,
                "public_suffix_wildcards": patterns,
                "scheme_wildcards": patterns,
            },
        }))
    };
    let blocks = |policy: &Policy, origin: &str| {
        let request = Request {
            method: Some(b"POST"),
            origin: Some(origin.as_bytes()),
            host: Some(b"api.example"),
            ..Request::default()
        };
        policy.evaluate(&request).verdict == Verdict::Blocked
    };
    let patterns = PATTERNS.iter().chain(&MORE).step_by(3);
    let mut sets: Vec<Vec<&str>> =
        patterns.map(|&pattern| vec![pattern]).collect();
    sets.push(vec!["null"]);
    sets.push(vec!["https://app.example.com", "https://**.b.example.com"]);
    let policies: Vec<Policy> = sets
        .iter()
        .flat_map(|set| [with(set, &["unsafe_methods"]), with(set, &[])])
        .collect();
    let origins = origins();
    let mut seen = [0; 3];
    for old in &policies {
        let was: Vec<bool> = origins.iter().map(|o| blocks(old, o)).collect();
        for new in &policies {
            let changes = changes(old, new);
            let of_kind = |kind| {
                changes.iter().find(|c| c.key == "block" && c.kind == kind)
            };
            for (origin, was) in origins.iter().zip(&was) {
                let kind = match (was, blocks(new, origin)) {
                    (false, true) => Kind::Blocked,
                    (true, false) => Kind::Unblocked,
                    _ => continue,
                };
                assert!(of_kind(kind).is_some(), "{origin} {changes:?}");
                seen[0] += 1;
            }
            for kind in [Kind::Blocked, Kind::Unblocked] {
                let Some(change) = of_kind(kind) else { continue };
                let exact = change.origins.first();
                let example = change.example.as_ref().or(exact);
                let example = example.expect("an origin");
                let expected = kind == Kind::Blocked;
                assert_eq!(blocks(new, example), expected, "{change:?}");
                assert_eq!(blocks(old, example), !expected, "{change:?}");
                seen[1 + usize::from(expected)] += 1;
            }
        }
    }
    assert!(seen.iter().all(|&seen| seen > 100), "{seen:?}");
}

#[test]
fn what_is_covered_is_no_difference() {
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
        // The text that is tried for the wildcard makes no exact origin.
        (
            "https://*.example.com",
            &["https://q.example.com", "https://*.example.com"],
        ),
        ("https://*.example.com:*", &["*"]),
        ("http://192.168.1.0/24", &["http://192.168.0.0/16"]),
        ("http://192.168.1.5", &["http://192.168.0.0/16:*"]),
        ("http://192.168.1.5:*", &["http://192.168.0.0/16:*"]),
        (
            "http://10.0.0.0/24:*",
            &["http://10.0.0.128/25:*", "http://10.0.0.0/25:*"],
        ),
        ("http://[fd00::1]:3000", &["http://[fd00::]/8:3000"]),
        ("app://q", &["app://*"]),
        ("app://*", &["*"]),
    ] {
        let changes = changes(&of(others), &of(&[pattern]));
        let added = changes.iter().find(|c| c.kind == Kind::Added);
        assert!(added.is_none(), "{pattern} {others:?} {added:?}");
    }
}

#[test]
fn the_order_of_rules_is_a_difference_where_it_matters() {
    let rule = |origin: &str, methods: &[&str]| json!({ "allow_origins": [origin], "allow_methods": methods });
    let compare = |one: &Value, other: &Value| {
        let [old, new] = [[one, other], [other, one]]
            .map(|rules| load(&json!({ "rules": rules })));
        changes(&old, &new)
    };
    let a = rule("https://a*.example.com", &["PUT"]);
    let b = rule("https://*b.example.com", &[]);
    let c = rule("https://c*.example.com", &[]);
    assert!(compare(&a, &c).is_empty());
    let changes = compare(&a, &b);
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((change.key, change.kind), ("allow_methods", Kind::Removed));
    assert_eq!(change.value, "PUT");
    assert_eq!(change.origins.len(), 1);
    let example = change.example.as_deref().expect("an example");
    assert!(example.starts_with("https://a"), "{example}");
    assert!(example.ends_with("b.example.com"), "{example}");

    let part = rule("http://10.1.0.0/16", &[]);
    let whole = rule("http://10.0.0.0/8", &["PUT"]);
    let changes = compare(&part, &whole);
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(change.origins, ["http://10.1.0.0/16"]);
    assert_eq!(change.example.as_deref(), Some("http://10.1.0.0"));
}

#[test]
fn overlaps_of_labels_are_found() {
    for (one, other, expected) in [
        ("a*", "*b", &["a*b", "ab"][..]),
        ("a*", "b*", &[]),
        ("*", "a*b", &["a*b"]),
        ("a*a", "aba", &["aba"]),
        ("a*a", "aa", &[]),
        ("ab*", "*bb", &["ab*bb", "abb", "abbb"]),
        ("*x*", "*y*", &["*x*y*", "*xy*", "*y*x*", "*yx*"]),
        ("app", "app", &["app"]),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let found = witnesses::label_overlaps(one, other);
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(found, expected, "{one} {other}");
        }
    }
}

/// Two small policies; the rules of the second may be those of the first in
/// another order.
fn pairs() -> impl Strategy<Value = (Value, Value)> {
    let reversed = files().prop_map(|file| {
        let mut other = file.clone();
        if let Some(rules) = other.get_mut("rules") {
            let rules = rules.as_array_mut().expect("an array");
            let any =
                rules.pop_if(|rule| rule["allow_origins"] == json!(["*"]));
            rules.reverse();
            rules.extend(any);
        }
        (file, other)
    });
    prop_oneof![(files(), files()), reversed]
}

/// A small policy, with rules or without, of which many share patterns.
fn files() -> impl Strategy<Value = Value> {
    let all = PATTERNS[1..].iter().chain(&MORE).copied().collect::<Vec<_>>();
    // Those that overlap without a common text.
    let globs = [&PATTERNS[7..13], &PATTERNS[15..18]].concat();
    prop_oneof![files_with(all), files_with(globs)]
}

fn files_with(patterns: Vec<&'static str>) -> impl Strategy<Value = Value> {
    let methods = prop_oneof![
        5 => subsequence(vec!["PUT", "PATCH"], 0..=2).prop_map(|names| json!(names)),

        1 => Just(json!(["*"])),
    ];
    let rule = (
        subsequence(patterns, 1..5).prop_shuffle(),
        methods,
        subsequence(vec!["X-A", "X-B"], 0..=2),
        select(vec![None, Some(0), Some(600)]),
        any::<bool>(),
    )
        .prop_map(|(origins, methods, exposed, max_age, credentials)| {
            let credentials = credentials && !origins.contains(&"null");
            let mut rule = json!({
                "allow_credentials": credentials,
                "allow_methods": methods,
                "expose_headers": exposed,
                "dangerously_allow": {
                    "null_origin": origins.contains(&"null"),
                    "insecure_origins": origins,
                    "public_suffix_wildcards": origins,
                    "scheme_wildcards": origins,
                },
                "allow_origins": origins,
            });
            if let Some(age) = max_age {
                rule["max_age"] = json!(age);
            }
            rule
        });
    (prop::collection::vec(rule, 1..4), any::<bool>(), any::<bool>()).prop_map(
        |(mut rules, is_one, with_any)| {
            if is_one {
                return rules.swap_remove(0);
            }
            if with_any {
                rules.push(json!({ "allow_origins": ["*"] }));
            }
            json!({ "rules": rules })
        },
    )
}

fn rule_for<'p>(policy: &'p Policy, origin: &str) -> Option<Rule<'p>> {
    let origin = Some(origin.as_bytes());
    policy.rule_for(&Request { origin, ..Request::default() })
}

/// A key, and its value, if that is a name.
type Difference = (&'static str, Kind, Option<String>);

fn is_of((key, kind, value): &Difference, change: &Change) -> bool {
    *key == change.key
        && *kind == change.kind
        && value.as_ref().is_none_or(|value| *value == change.value)
}

/// Each difference between what two policies decide about an origin.
fn differences(policies: [&Policy; 2], origin: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    match policies.map(|policy| rule_for(policy, origin)) {
        [None, None] => {}
        [None, Some(_)] => found.push(("allow_origins", Kind::Added, None)),
        [Some(_), None] => found.push(("allow_origins", Kind::Removed, None)),
        [Some(old), Some(new)] => {
            for (one, other, kind) in
                [(new, old, Kind::Added), (old, new, Kind::Removed)]
            {
                let mut push = |key, value: &str| {
                    found.push((key, kind, Some(value.to_owned())));
                };
                if one.allow_credentials() && !other.allow_credentials() {
                    push("allow_credentials", "true");
                }
                let others: Vec<_> = other.allow_methods().collect();
                for name in one.allow_methods() {
                    if !others.contains(&name) && others != ["*"] {
                        push("allow_methods", name);
                    }
                }
                let others: Vec<_> = other.expose_headers().collect();
                for name in one.expose_headers() {
                    if !others.contains(&name) {
                        push("expose_headers", name);
                    }
                }
            }
            if old.max_age() != new.max_age() {
                found.push(("max_age", Kind::Changed, None));
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_difference_is_missed_and_each_example_is_one(
        (old, new) in pairs(),
        samples in prop::collection::vec(any::<Index>(), 60),
    ) {
        let files = [&old, &new];
        let [old, new] = files.map(load);
        let changes = changes(&old, &new);
        let all = origins();
        for index in samples {
            let origin = index.get(&all);
            let found = differences([&old, &new], origin);
            // What is not said of some origins is true of all.
            let is_common = |p| rule_for(p, origin).is_some();
            if [&old, &new].into_iter().all(is_common) {
                for change in changes.iter().filter(|change| {
                    change.key != "allow_origins" && change.origins.is_empty()
                }) {
                    prop_assert!(
                        found.iter().any(|one| is_of(one, change)),
                        "{} {:?} {:?}",
                        origin,
                        change,
                        files
                    );
                }
            }
            for one in found {
                prop_assert!(
                    changes.iter().any(|change| is_of(&one, change)),
                    "{} {:?} {:?} {:?}",
                    origin,
                    one,
                    changes,
                    files
                );
            }
        }
        for change in &changes {
            let origin = match (&change.example, change.origins.first()) {
                (Some(example), _) => example,
                (None, Some(origin)) => origin,
                (None, None) if change.key == "allow_origins" => &change.value,
                _ => continue,
            };
            let found = differences([&old, &new], origin);
            let is_one = found.iter().any(|one| is_of(one, change));
            prop_assert!(
                is_one || origin == "*",
                "{:?} {:?} {:?}",
                change,
                found,
                files
            );
        }
    }

    /// A file against itself, with its patterns in another order, as a rule or
    /// with a rule that decides about nothing.
    #[test]
    fn what_means_the_same_has_no_differences(file in files()) {
        let policy = load(&file);
        let mut rules = match file.get("rules") {
            Some(rules) => rules.as_array().expect("an array").clone(),
            None => vec![file],
        };
        let as_rules = load(&json!({ "rules": rules }));
        prop_assert_eq!(changes(&policy, &as_rules).len(), 0);
        for rule in &mut rules {
            let origins = rule["allow_origins"].as_array_mut();
            origins.expect("an array").reverse();
        }
        let reversed = load(&json!({ "rules": rules }));
        prop_assert_eq!(changes(&policy, &reversed).len(), 0);
        let mut again = rules[0].clone();
        again["max_age"] = json!(7);
        let any = rules.last().expect("one")["allow_origins"] == json!(["*"]);
        if !any {
            rules.push(again);
            let more = load(&json!({ "rules": rules }));
            prop_assert_eq!(changes(&policy, &more).len(), 0);
        }
    }
}
