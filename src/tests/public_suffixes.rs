//! Wildcards under public suffixes, held against a plain reading of the
//! [list's own description] and of the crate `publicsuffix`: every rule of the
//! list becomes patterns that come near it, and for each pattern hosts are
//! looked for that somebody else could register.
//!
//! `PUBLIC_SUFFIX_RULES=all cargo test --release public_suffixes` takes every
//! rule; the default is a part of them.
//!
//! [list's own description]: https://github.com/publicsuffix/list/wiki/Format

use std::collections::{BTreeSet, HashMap};

use publicsuffix::Psl;

use super::naive::glob;
use crate::origin::pattern::{Pattern, Wildcard};
use crate::{Policy, PublicSuffixList};

/// What a `*` is filled with; no label of any rule.
const FILLER: &str = "zq";

/// Names that RFC 2606, 6761, 8375 and ICANN keep out of anybody's hands.
const RESERVED: [&str; 6] =
    ["test", "example", "invalid", "internal", "home.arpa", "localhost"];

/// A rule of the list, its labels as it writes them, from left to right.
struct Rule {
    labels: Vec<&'static str>,
    exception: bool,
    /// A shared domain below which every name is open, whatever its depth.
    any_depth: bool,
}

const LIST: &str = include_str!("../origin/public_suffix_list.txt");

/// The rules by their last two labels, or the one that there is: a name is
/// only looked for among those with its own or `*`.
struct Rules(HashMap<String, Vec<Rule>>);

impl Rules {
    /// The built-in list, read line by line.
    fn built_in() -> Self {
        let mut rules: HashMap<_, Vec<Rule>> = HashMap::new();
        for line in LIST.lines().skip(1) {
            let (name, labels) = line.split_once(' ').expect("a space");
            for label in labels.split(' ') {
                let exception = label.starts_with('!');
                let any_depth = label.ends_with("++");
                let left = label.trim_matches(['!', '+']);
                let right = name.rsplit('.').filter(|part| !part.is_empty());
                let mut labels = vec![left];
                // The file has the labels of a name from right to left.
                labels.extend(right);
                rules.entry(end(&labels, 2)).or_default().push(Rule {
                    labels,
                    exception,
                    any_depth,
                });
            }
        }
        Self(rules)
    }

    /// Every rule that could match a name with this end.
    fn near(&self, name: &[&str]) -> impl Iterator<Item = &Rule> {
        let last = end(name, 1);
        [format!("*.{last}"), end(name, 2), last]
            .into_iter()
            .filter_map(|end| self.0.get(&end))
            .flatten()
    }

    /// In the list's own form.
    fn as_published(&self) -> String {
        let mut text = "// ===BEGIN ICANN DOMAINS===\n".to_owned();
        for rule in self.0.values().flatten() {
            let mark = if rule.exception { "!" } else { "" };
            text += &format!("{mark}{}\n", rule.labels.join("."));
        }
        text + "// ===END ICANN DOMAINS===\n"
    }

    /// How many labels of a name are its public suffix: "If more than one
    /// rule matches, the prevailing rule is the one which is an exception
    /// rule. If there is no matching exception rule, the prevailing rule is
    /// the one with the most labels. If no rules match, the prevailing rule is
    /// *. If the prevailing rule is an exception rule, modify it by removing
    /// the leftmost label."
    fn suffix_len(&self, name: &[&str]) -> usize {
        let matching: Vec<&Rule> =
            self.near(name).filter(|rule| rule.matches(name)).collect();
        if matching.iter().any(|rule| rule.any_depth) {
            return name.len();
        }
        match matching.iter().find(|rule| rule.exception) {
            Some(exception) => exception.labels.len() - 1,
            None => matching
                .iter()
                .map(|rule| rule.labels.len())
                .max()
                .unwrap_or(1),
        }
    }

    /// A host that the pattern matches and somebody else could register: its
    /// public suffix holds all that stands to the right of the wildcard.
    fn open_host(&self, pattern: &[&str]) -> Option<String> {
        let wild = pattern.iter().position(|label| label.contains('*'))?;
        let right = &pattern[wild + 1..];
        let text = right.join(".");
        let reserved =
            |name| text == name || text.ends_with(&format!(".{name}"));
        if RESERVED.into_iter().any(reserved) {
            return None;
        }
        let plain = pattern.join(".").replace("**", "*").replace('*', FILLER);
        let filled =
            self.near(right).filter_map(|rule| rule.filled_into(pattern));
        [plain].into_iter().chain(filled).find(|host| {
            let labels: Vec<&str> = host.split('.').collect();
            self.suffix_len(&labels) >= right.len()
        })
    }
}

impl Rule {
    /// "A domain is said to match a rule if and only if all of the labels
    /// match": from the right, `*` being any one label.
    fn matches(&self, name: &[&str]) -> bool {
        name.len() >= self.labels.len()
            && self
                .labels
                .iter()
                .rev()
                .zip(name.iter().rev())
                .all(|(rule, label)| rule == &"*" || rule == label)
    }

    /// A host of the pattern that the rule matches.
    fn filled_into(&self, pattern: &[&str]) -> Option<String> {
        let fill = |label: &str| label.replace('*', FILLER);
        if pattern[0] == "**" {
            let fixed = &pattern[1..];
            let rest = self.labels.len().checked_sub(fixed.len())?;
            let host: Vec<_> = self.labels.iter().map(|l| fill(l)).collect();
            return (rest > 0 && host[rest..] == *fixed)
                .then(|| host.join("."));
        }
        let free = pattern.len().checked_sub(self.labels.len())?;
        let mut host: Vec<String> =
            pattern[..free].iter().map(|label| fill(label)).collect();
        for (label, rule) in pattern[free..].iter().zip(&self.labels) {
            host.push(match (label.contains('*'), *rule) {
                (_, "*") => fill(label),
                (true, rule) if glob(label.as_bytes(), rule.as_bytes()) => {
                    rule.to_owned()
                }
                (false, rule) if *label == rule => rule.to_owned(),
                _ => return None,
            });
        }
        Some(host.join("."))
    }

    /// Patterns on, below, above and beside the rule.
    fn patterns(&self) -> BTreeSet<String> {
        let name: Vec<&str> = self
            .labels
            .iter()
            .map(|label| label.trim_start_matches('*'))
            .map(|label| if label.is_empty() { "zx" } else { label })
            .collect();
        let mut bases = vec![name.clone()];
        for left in ["acme", "a.b"] {
            bases.push([vec![left], name.clone()].concat());
        }
        bases.push([name.clone(), vec!["com"]].concat());
        // What the rule does not say.
        for i in 0..name.len() {
            let mut other = name.clone();
            other[i] = "other";
            bases.push([vec!["acme"], other.clone()].concat());
            bases.push(other);
        }
        let mut patterns = BTreeSet::new();
        for base in &bases {
            let base = base.join(".");
            let labels: Vec<&str> = base.split('.').collect();
            for left in ["*", "**", "x-*", "*.a", "a.*"] {
                patterns.insert(format!("{left}.{base}"));
            }
            for i in 0..labels.len() {
                patterns.insert(format!("**.{}", labels[i..].join(".")));
                for star in starred(labels[i]) {
                    let mut labels: Vec<&str> = labels.clone();
                    labels[i] = &star;
                    patterns.insert(labels.join("."));
                    patterns.insert(labels[i..].join("."));
                }
            }
        }
        patterns
    }
}

/// The last labels of a name, as many of them as there are.
fn end(name: &[&str], count: usize) -> String {
    name[name.len().saturating_sub(count)..].join(".")
}

/// A label with stars for parts of it, and for more than there is.
fn starred(label: &str) -> Vec<String> {
    let middle = label.len() / 2;
    let mut list = vec![
        "*".into(),
        format!("*{label}"),
        format!("{label}*"),
        format!("{}*", &label[..1]),
        format!("*{}", &label[1..]),
        format!("{}*", &label[..label.len() - 1]),
        format!("*{}", &label[label.len() - 1..]),
        format!("{}*{}", &label[..middle], &label[middle..]),
    ];
    if label.len() > 2 {
        list.push(format!("{}*{}", &label[..1], &label[label.len() - 1..]));
        list.push(format!("*{}*", &label[1..label.len() - 1]));
    }
    if label.contains('-') {
        list.push(label.replace('-', "*"));
    }
    list
}

fn is_open(pattern: &str) -> Option<bool> {
    let text = format!("https://{pattern}");
    let Ok(Pattern::Wildcard(Wildcard { host, .. })) = Pattern::parse(&text)
    else {
        return None;
    };
    Some(PublicSuffixList::built_in().open_name(&host).is_some())
}

/// Whether this run takes the rule.
fn is_taken(index: usize, rule: &Rule) -> bool {
    match std::env::var("PUBLIC_SUFFIX_RULES") {
        Ok(all) if all == "all" => true,
        Ok(other) => panic!("PUBLIC_SUFFIX_RULES is {other:?}, not \"all\""),
        Err(_) => {
            index.is_multiple_of(199)
                || rule.exception
                || rule.any_depth
                || rule.labels[0] == "*" && index.is_multiple_of(20)
        }
    }
}

#[test]
fn wildcards_near_every_rule_are_judged_as_the_list_says() {
    let rules = Rules::built_in();
    let crates: publicsuffix::List =
        rules.as_published().parse().expect("the crate reads the list");
    let mut every: Vec<&Rule> = rules.0.values().flatten().collect();
    every.sort_by_key(|rule| (&rule.labels, rule.exception));
    let (mut judged, mut open, mut wrong) = (0, 0, Vec::new());
    for (index, rule) in every.iter().enumerate() {
        if !is_taken(index, rule) {
            continue;
        }
        for pattern in rule.patterns() {
            let Some(actual) = is_open(&pattern) else { continue };
            let labels: Vec<&str> = pattern.split('.').collect();
            let expected = rules.open_host(&labels);
            judged += 1;
            open += usize::from(expected.is_some());
            if actual != expected.is_some() {
                wrong.push(format!("{pattern}: {actual}, {expected:?}"));
            }
        }
        // The second opinion, on names on and below the rule.
        let name = rule.labels.join(".").replace('*', FILLER);
        for name in [format!("a.b.{name}"), format!("a.{name}"), name] {
            let labels: Vec<&str> = name.split('.').collect();
            if rule.any_depth {
                continue;
            }
            let suffix = crates.suffix(name.as_bytes()).expect("a suffix");
            let suffix = str::from_utf8(suffix.as_bytes()).expect("ASCII");
            assert_eq!(
                suffix.split('.').count(),
                rules.suffix_len(&labels),
                "{name}"
            );
        }
    }
    println!("{judged} patterns, {open} open, {} wrong", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {judged}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    assert!(open > judged / 10 && open < judged / 10 * 9);
    assert!(judged > 15_000, "{judged}");
}

/// The table of POLICY.md, section "Wildcards under which anyone can get a
/// name".
#[test]
fn the_wildcards_of_the_document_are_judged_as_it_says() {
    let (mut loaded, mut rejected) = (0, 0);
    for row in include_str!("../../POLICY.md").lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, patterns, verdict @ ("loads" | "rejected"), _, _] = cells[..]
        else {
            continue;
        };
        for pattern in patterns.split(", ") {
            let pattern = pattern.trim_matches('`');
            let json = format!(
                r#"{{"allow_origins": ["{pattern}"],
                     "allow_credentials": true}}"#
            );
            match (verdict, Policy::from_json(json.as_bytes())) {
                ("loads", Ok(policy)) => {
                    assert!(policy.warnings().is_empty(), "{pattern}");
                    loaded += 1;
                }
                ("rejected", Err(error)) => {
                    let codes: Vec<&str> = error
                        .diagnostics()
                        .iter()
                        .map(|d| d.code.name())
                        .collect();
                    assert_eq!(codes, ["origin-public-suffix"], "{pattern}");
                    rejected += 1;
                }
                (_, outcome) => panic!("{pattern}: {outcome:?}"),
            }
        }
    }
    assert!(loaded >= 3 && rejected >= 6, "{loaded}, {rejected}");
}
