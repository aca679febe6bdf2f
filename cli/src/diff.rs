//! `cors diff`: what one policy allows and another does not.
//!
//! The library's matcher decides about origins that show every difference.

#[cfg(test)]
mod tests;
mod witnesses;

use std::collections::{HashMap, HashSet};

use cors::{KEYS, Policy, Request, Rule, Verdict};
use serde::Serialize;

use self::witnesses::{Fresh, Witness, filled, witnesses};
use crate::check::Checked;
use crate::pattern::{Host, Pattern, Port};
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
    /// A pattern or name that is or was allowed, the kind of requests that is
    /// or was blocked, or the new value.
    value: String,
    /// The number of the pattern's rule, if its policy has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<usize>,
    /// The patterns for whose origins it changes, if not for all that both
    /// policies allow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    origins: Vec<String>,
    /// An origin for which it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<String>,
    /// The old value.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<String>,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Added,
    Unblocked,
    Removed,
    Blocked,
    Changed,
}

/// An origin that no policy lists (RFC 2606).
const UNRELATED: &str = "https://other.example";

/// A kind of request that `block` can list, by its name there, and the method
/// and `Upgrade` of one such request.
const BLOCKABLE: [(&str, &str, Option<&[u8]>); 2] = [
    ("unsafe_methods", "POST", None),
    ("websockets", "GET", Some(b"websocket")),
];

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

impl Change {
    fn new(key: &'static str, kind: Kind, value: impl Into<String>) -> Self {
        Self {
            key,
            kind,
            value: value.into(),
            rule: None,
            origins: Vec::new(),
            example: None,
            was: None,
        }
    }
}

fn changes(old: &Policy, new: &Policy) -> Vec<Change> {
    let policies = [old, new];
    let (witnesses, fresh) = &witnesses(old, new);
    let witnesses = witnesses
        .iter()
        .map(|witness| (witness, policies.map(|p| find(p, &witness.origin))))
        .collect();
    let comparison = Comparison { policies, witnesses, fresh };
    let mut changes = Vec::new();
    comparison.origins(Kind::Added, &mut changes);
    comparison.origins(Kind::Removed, &mut changes);
    let [old_rules, new_rules] =
        policies.map(|policy| policy.rules().collect::<Vec<_>>());
    match (old_rules.as_slice(), new_rules.as_slice()) {
        ([old], [new]) => changes.extend(permissions(*old, *new)),
        _ => comparison.permissions(&mut changes),
    }
    comparison.blocking(&mut changes);
    let key = "timing_allow_origins";
    let timing = policies
        .map(|policy| policy.timing_allow_origins().collect::<Vec<_>>());
    names(key, &timing, &mut changes);
    let [was, value] =
        policies.map(|policy| policy.preflight_status().to_string());
    if was != value {
        let change = Change::new("preflight_status", Kind::Changed, value);
        changes.push(Change { was: Some(was), ..change });
    }
    let place = |name| KEYS.iter().position(|key| key.name() == name);
    changes.sort_by_key(|change| (change.kind, place(change.key)));
    changes
}

/// What a rule permits and another does not, and the reverse.
fn permissions(old: Rule<'_>, new: Rule<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let kind = match (old.allow_credentials(), new.allow_credentials()) {
        (false, true) => Some(Kind::Added),
        (true, false) => Some(Kind::Removed),
        _ => None,
    };
    let credentials = |kind| Change::new("allow_credentials", kind, "true");
    changes.extend(kind.map(credentials));
    let rules = [old, new];
    let methods = rules.map(|rule| rule.allow_methods().collect());
    names("allow_methods", &methods, &mut changes);
    let headers = rules.map(|rule| rule.allow_headers().collect());
    names("allow_headers", &headers, &mut changes);
    let exposed = rules.map(|rule| rule.expose_headers().collect());
    names("expose_headers", &exposed, &mut changes);
    let [was, value] = rules.map(|rule| {
        rule.max_age().map_or("absent".to_owned(), |age| age.to_string())
    });
    if was != value {
        let change = Change::new("max_age", Kind::Changed, value);
        changes.push(Change { was: Some(was), ..change });
    }
    changes
}

/// Names that only the new list allows, and those that only the old one does.
fn names(
    key: &'static str,
    [old, new]: &[Vec<&str>; 2],
    changes: &mut Vec<Change>,
) {
    for (kind, one, other) in
        [(Kind::Added, new, old), (Kind::Removed, old, new)]
    {
        let other: HashSet<_> = other.iter().collect();
        for name in one {
            let covered = other.contains(&"*")
                && !(key == "allow_headers" && browser::non_wildcard(name));
            if !covered && !other.contains(name) {
                changes.push(Change::new(key, kind, *name));
            }
        }
    }
}

/// What decides about an origin in a policy: a pattern and its rule.
#[derive(Clone, Copy)]
struct Found<'p> {
    pattern: &'p str,
    /// The number, from 1.
    rule: usize,
}

/// What two policies decide about the witnesses.
struct Comparison<'a> {
    policies: [&'a Policy; 2],
    witnesses: Vec<(&'a Witness, [Option<Found<'a>>; 2])>,
    fresh: &'a Fresh,
}

impl Comparison<'_> {
    /// The patterns with an origin that the other policy does not allow.
    fn origins(&self, kind: Kind, changes: &mut Vec<Change>) {
        let one = usize::from(kind == Kind::Added);
        let mut examples = HashMap::new();
        for (witness, found) in &self.witnesses {
            if let (Some(found), None) = (found[one], found[1 - one]) {
                let pattern = (found.rule, found.pattern);
                examples.entry(pattern).or_insert(witness);
            }
        }
        let policy = self.policies[one];
        for rule in policy.rules() {
            let number = rule.number();
            for pattern in rule.allow_origins() {
                // A pattern that is listed twice is reported once.
                let Some(witness) = examples.remove(&(number, pattern)) else {
                    continue;
                };
                let shown = (policy.rules().len() > 1).then_some(number);
                changes.push(Change {
                    rule: shown,
                    example: self.example(pattern, witness),
                    ..Change::new("allow_origins", kind, pattern)
                });
            }
        }
    }

    /// What the origins that both policies allow may do.
    fn permissions(&self, changes: &mut Vec<Change>) {
        let mut of_rules = HashMap::<[usize; 2], Vec<usize>>::new();
        let mut kinds: Vec<(Change, usize)> = Vec::new();
        let mut known = HashMap::new();
        let mut listed = HashSet::new();
        let mut common = 0;
        let rules = self.policies.map(|p| p.rules().collect::<Vec<_>>());
        for (witness, found) in &self.witnesses {
            let [Some(old), Some(new)] = *found else { continue };
            common += 1;
            let numbers = [old.rule, new.rule];
            let differences = of_rules.entry(numbers).or_insert_with(|| {
                let [old, new] = [0, 1].map(|i| rules[i][numbers[i] - 1]);
                let found = permissions(old, new).into_iter();
                found
                    .map(|change| {
                        let Change { key, kind, value, was, .. } = &change;
                        let what = (*key, *kind, value.clone(), was.clone());
                        *known.entry(what).or_insert_with(|| {
                            kinds.push((change, 0));
                            kinds.len() - 1
                        })
                    })
                    .collect()
            });
            let pattern = narrower(old.pattern, new.pattern, &witness.origin);
            for &i in differences.iter() {
                let (change, count) = &mut kinds[i];
                *count += 1;
                if listed.insert((i, pattern)) {
                    change.origins.push(pattern.to_owned());
                    if change.example.is_none() {
                        change.example = self.example(pattern, witness);
                    }
                }
            }
        }
        changes.extend(kinds.into_iter().map(|(change, count)| {
            match count == common {
                true => {
                    Change { origins: Vec::new(), example: None, ..change }
                }
                false => change,
            }
        }));
    }

    /// The requests from other sites that only one policy blocks.
    fn blocking(&self, changes: &mut Vec<Change>) {
        for (kind, method, upgrade) in BLOCKABLE {
            let lists = |policy: &Policy| policy.blocks().any(|k| k == kind);
            let is_blocked = |policy: &Policy, origin: &str| {
                let request = Request {
                    method: Some(method.as_bytes()),
                    origin: Some(origin.as_bytes()),
                    fetch_site: Some(b"cross-site"),
                    upgrade,
                    ..Request::default()
                };
                policy.evaluate(&request).verdict == Verdict::Blocked
            };
            let [old_lists, new_lists] = self.policies.map(lists);
            if old_lists != new_lists {
                let change = match new_lists {
                    true => Kind::Blocked,
                    false => Kind::Unblocked,
                };
                let is_example = |origin: &&str| {
                    let [old, new] =
                        self.policies.map(|p| is_blocked(p, origin));
                    old != new
                };
                let witnesses = self.witnesses.iter();
                let others = witnesses.map(|(w, _)| w.origin.as_str());
                let example =
                    [UNRELATED].into_iter().chain(others).find(is_example);
                changes.push(Change {
                    example: example.map(str::to_owned),
                    ..Change::new("block", change, kind)
                });
                continue;
            }
            // The policies trust different origins.
            let mut found = [Kind::Blocked, Kind::Unblocked]
                .map(|change| Change::new("block", change, kind));
            for (witness, patterns) in &self.witnesses {
                let [old, new] =
                    self.policies.map(|p| is_blocked(p, &witness.origin));
                if old == new {
                    continue;
                }
                // The pattern is that of the policy that trusts the origin.
                let Some(Found { pattern, .. }) = patterns[usize::from(old)]
                else {
                    continue;
                };
                let change = &mut found[usize::from(old)];
                if !change.origins.iter().any(|known| known == pattern) {
                    if change.origins.is_empty() {
                        change.example = self.example(pattern, witness);
                    }
                    change.origins.push(pattern.to_owned());
                }
            }
            let found = found.into_iter();
            changes.extend(found.filter(|c| !c.origins.is_empty()));
        }
    }

    /// An origin like the witness, unless the pattern is one itself.
    fn example(&self, pattern: &str, witness: &Witness) -> Option<String> {
        if pattern == "*" || pattern == witness.origin {
            return None;
        }
        let Some(template) = &witness.template else {
            return Some(witness.origin.clone());
        };
        let find = |origin: &str| {
            self.policies.map(|policy| {
                let found = find(policy, origin)?;
                Some((found.rule, found.pattern.to_owned()))
            })
        };
        let expected = find(&witness.origin);
        let mut candidates =
            ["app", "www", "a", "x1"].into_iter().flat_map(|text| {
                [None, Some(3000), Some(self.fresh.port)]
                    .map(|port| filled(template, text, port))
            });
        let example = candidates.find(|origin| find(origin) == expected);
        Some(example.unwrap_or_else(|| witness.origin.clone()))
    }
}

/// Of two patterns that match an origin, the one that says more about it.
fn narrower<'t>(one: &'t str, other: &'t str, origin: &str) -> &'t str {
    let rank = |text: &str| {
        let Some(pattern) = Pattern::parse(text) else { return (0, 0) };
        let fixed = match pattern.host {
            Host::Any => 0,
            Host::Range(range) => range.length as usize,
            Host::Text(host) => 256 + host.len(),
        };
        (fixed + 1, usize::from(pattern.port != Port::Any))
    };
    match one == origin || other != origin && rank(one) >= rank(other) {
        true => one,
        false => other,
    }
}

fn find<'a>(policy: &'a Policy, origin: &'a str) -> Option<Found<'a>> {
    let request = Request {
        method: Some(b"GET"),
        origin: Some(origin.as_bytes()),
        ..Request::default()
    };
    let rule = policy.rule_for(&request)?.number();
    let pattern = policy.evaluate(&request).pattern?;
    Some(Found { pattern: std::str::from_utf8(pattern).ok()?, rule })
}

fn text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no differences\n".to_owned();
    }
    let mut text = String::new();
    for (kind, title) in [
        (Kind::Added, "newly allowed"),
        (Kind::Unblocked, "no longer blocked"),
        (Kind::Removed, "no longer allowed"),
        (Kind::Blocked, "newly blocked"),
        (Kind::Changed, "changed"),
    ] {
        let mut changes =
            changes.iter().filter(|change| change.kind == kind).peekable();
        if changes.peek().is_some() {
            text += &format!("{NAME}{title}:{NAME:#}\n");
        }
        for Change { key, value, rule, origins, example, was, .. } in changes {
            let (style, mark) = match kind {
                Kind::Added | Kind::Unblocked => (GOOD, "+"),
                Kind::Removed | Kind::Blocked => (BAD, "-"),
                Kind::Changed => (NAME, "~"),
            };
            text += &format!("  {style}{mark}{style:#} {key}: ");
            if let Some(was) = was {
                text += &format!("{was} -> ");
            }
            text += value;
            if let Some(rule) = rule {
                text += &format!(" (rule {rule})");
            }
            if !origins.is_empty() {
                text += &format!(", for {}", listed(origins));
            }
            // One is enough.
            if let Some(example) = example
                && origins.len() <= 1
            {
                let what = match (*key, value.as_str()) {
                    ("block", "websockets") => "a WebSocket from ",
                    ("block", _) => "a POST from ",
                    _ => "",
                };
                text += &format!(", e.g. {what}{example}");
            }
            text.push('\n');
        }
    }
    text
}

/// The first few patterns, and how many more there are.
fn listed(patterns: &[String]) -> String {
    const SHOWN_MAX: usize = 3;
    let more = match patterns.len().saturating_sub(SHOWN_MAX) {
        0 => None,
        more => Some(format!("{more} more")),
    };
    let mut shown: Vec<&str> =
        patterns.iter().take(SHOWN_MAX).map(String::as_str).collect();
    shown.extend(more.as_deref());
    match shown.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}
