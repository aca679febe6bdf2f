//! What a policy means, in plain English.

use cors::{Policy, Rule};
use serde::Serialize;

use crate::pattern::{Host, Pattern, Port, Range};

/// What one part of a policy means.
#[derive(Serialize)]
pub(crate) struct SummaryLine {
    /// The number of the rule that it is about, if the policy has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<usize>,
    pub(crate) about: &'static str,
    pub(crate) means: Vec<String>,
}

/// What a policy means.
pub(crate) fn summary(policy: &Policy) -> Vec<SummaryLine> {
    let has_several = policy.rules().len() > 1;
    let mut lines = Vec::new();
    for rule in policy.rules() {
        let number = has_several.then(|| rule.number());
        let parts = rule_summary(policy, rule, has_several);
        lines.extend(parts.map(|(about, means)| SummaryLine {
            rule: number,
            about,
            means,
        }));
    }
    if let Some(means) = blocked(policy) {
        let means = [means].into_iter().chain(trusted(policy)).collect();
        lines.push(SummaryLine { rule: None, about: "blocked", means });
    }
    let timing = policy.timing_allow_origins().map(|origin| match origin {
        "*" => "any origin may read resource timing".to_owned(),
        origin => format!("{origin} may read resource timing"),
    });
    let means = first(timing);
    if !means.is_empty() {
        lines.push(SummaryLine { rule: None, about: "timing", means });
    }
    lines
}

/// What a policy blocks, and what it does not.
fn blocked(policy: &Policy) -> Option<String> {
    const METHODS: &str = "all methods except GET, HEAD and OPTIONS";
    let kinds: Vec<&str> = policy.blocks().collect();
    let (what, open) = match kinds.as_slice() {
        [] => return None,
        ["unsafe_methods"] => {
            (METHODS, "GET, HEAD, OPTIONS and WebSockets are")
        }
        ["websockets"] => ("WebSockets", "all other requests are"),
        _ => (
            "WebSockets, and all methods except GET, HEAD and OPTIONS,",
            "GET, HEAD and OPTIONS are",
        ),
    };
    let from = match policy.rules().any(trusts_some) {
        true => "other origins that are not listed",
        false => "all other origins",
    };
    Some(format!("{what} from {from}; {open} not blocked"))
}

/// Whether `block` lets requests from origins of the rule through: "*" and
/// "null" let pages read, but not send.
fn trusts_some(rule: Rule<'_>) -> bool {
    rule.allow_origins().any(|pattern| !["*", "null"].contains(&pattern))
}

/// What the rules say that `block` makes questionable. Each can be meant.
fn trusted(policy: &Policy) -> Vec<String> {
    let has_several = policy.rules().len() > 1;
    let blocks_methods = policy.blocks().any(|kind| kind == "unsafe_methods");
    let mut doubts = Vec::new();
    for rule in policy.rules() {
        let name = match has_several {
            true => format!("rule {}", rule.number()),
            false => "the policy".to_owned(),
        };
        let lists = trusts_some(rule);
        let stopped: Vec<&str> = rule
            .allow_methods()
            .filter(|m| !["GET", "HEAD", "POST", "OPTIONS"].contains(m))
            .collect();
        if lists && !rule.allow_credentials() {
            doubts.push(format!(
                "{name} lists origins without allow_credentials, but they can \
                 send requests with the user's cookies; list origins that \
                 only read under \"*\""
            ));
        } else if !lists && blocks_methods && !stopped.is_empty() {
            let methods = stopped.join(", ").replace('*', "all methods");
            doubts.push(format!(
                "{name} allows {methods}, but only the site itself can send \
                 such requests"
            ));
        }
    }
    doubts
}

/// The first of many lines, and how many more there are.
fn first(mut lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut shown: Vec<String> = lines.by_ref().take(SHOWN_MAX).collect();
    match lines.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown
}

const SHOWN_MAX: usize = 20;

/// What each part of a rule is about, and means.
fn rule_summary(
    policy: &Policy,
    rule: Rule<'_>,
    has_several: bool,
) -> impl Iterator<Item = (&'static str, Vec<String>)> {
    let origins = rule.allow_origins().map(|pattern| match pattern {
        "*" if has_several => "*: any other origin".to_owned(),
        pattern => meaning(pattern),
    });
    let methods: Vec<&str> = rule.allow_methods().collect();
    let methods = match methods.as_slice() {
        ["*"] => "any".to_owned(),
        names => names.join(", "),
    };
    let headers: Vec<&str> = rule.allow_headers().collect();
    let headers = match headers.as_slice() {
        [] => "CORS-safelisted headers only: no JSON body, no Authorization"
            .to_owned(),
        ["*", names @ ..] => {
            match names.iter().any(|name| browser::non_wildcard(name)) {
                true => "any, including Authorization".to_owned(),
                false => "any except Authorization".to_owned(),
            }
        }
        names => names.join(", "),
    };
    let exposed: Vec<&str> = rule.expose_headers().collect();
    let exposed = match exposed.as_slice() {
        [] => "CORS-safelisted headers only".to_owned(),
        ["*"] => "all except Set-Cookie".to_owned(),
        names => names.join(", "),
    };
    let cached = match rule.max_age() {
        None => "cached for 5 s (browser default)".to_owned(),
        Some(0) => "not cached".to_owned(),
        Some(age) => format!("cached for {age} s"),
    };
    let credentials = match rule.allow_credentials() {
        true => "cookies and HTTP authentication",
        false => {
            "not allowed: a script that uses them cannot read the response"
        }
    };
    let preflights =
        format!("answered with {}, {cached}", policy.preflight_status());
    [
        ("origins", first(origins)),
        ("credentials", vec![credentials.to_owned()]),
        ("methods", vec![methods]),
        ("headers", vec![headers]),
        ("exposed", vec![exposed]),
        ("preflights", vec![preflights]),
    ]
    .into_iter()
}

/// A pattern of `allow_origins` and, if it is not an exact origin, what it
/// matches.
fn meaning(pattern: &str) -> String {
    if pattern == "*" {
        return "*: any origin".to_owned();
    }
    if pattern == "null" {
        return "null: any sandboxed iframe and local file".to_owned();
    }
    let Some(parsed) = Pattern::parse(pattern) else {
        return pattern.to_owned();
    };
    let mut means = Vec::new();
    match parsed.host {
        Host::Any => means.push("any host".to_owned()),
        Host::Range(Range { first, last, .. }) if first == last => {
            means.push("one address".to_owned());
        }
        Host::Range(Range { first, last, .. }) => {
            means.push(format!("{first} to {last}"));
        }
        Host::Text(host) if host.starts_with("**") => {
            means.push("** matches one or more labels".to_owned());
        }
        Host::Text(host) if host.split('.').any(|label| label == "*") => {
            means.push("* matches one label".to_owned());
        }
        Host::Text(host) if host.contains('*') => {
            means.push("* matches part of a label".to_owned());
        }
        Host::Text(_) => {}
    }
    if parsed.port == Port::Any {
        means.push("any port".to_owned());
    }
    match means.is_empty() {
        true => pattern.to_owned(),
        false => format!("{pattern}: {}", means.join(", ")),
    }
}
