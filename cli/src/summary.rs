//! What a policy means, in plain English.

use cors::{Policy, Rule};
use serde::Serialize;

/// What one part of a policy means.
#[derive(Serialize)]
pub(crate) struct SummaryLine {
    pub(crate) about: &'static str,
    pub(crate) means: Vec<String>,
}

/// What a policy means.
pub(crate) fn summary(policy: &Policy) -> Vec<SummaryLine> {
    let mut lines = Vec::new();
    for rule in policy.rules() {
        if policy.rules().len() > 1 {
            let number = format!("rule {}", rule.number());
            lines.push(SummaryLine { about: "", means: vec![number] });
        }
        lines.extend(rule_summary(policy, rule));
    }
    let timing: Vec<&str> =
        policy.timing_allow_origins().take(SHOWN_MAX).collect();
    let timing = match timing.as_slice() {
        [] => return lines,
        ["*"] => "any origin".to_owned(),
        origins => match policy.timing_allow_origins().count() - origins.len()
        {
            0 => origins.join(", "),
            more => format!("{}, and {more} more", origins.join(", ")),
        },
    };
    lines.push(SummaryLine { about: "timing", means: vec![timing] });
    lines
}

const SHOWN_MAX: usize = 20;

fn rule_summary(policy: &Policy, rule: Rule<'_>) -> Vec<SummaryLine> {
    let mut origins: Vec<String> =
        rule.allow_origins().take(SHOWN_MAX).map(meaning).collect();
    let more = rule.allow_origins().count() - origins.len();
    if more > 0 {
        origins.push(format!("and {more} more"));
    }
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
    vec![
        SummaryLine { about: "origins", means: origins },
        SummaryLine {
            about: "credentials",
            means: vec![match rule.allow_credentials() {
                true => "cookies and HTTP authentication".to_owned(),
                false => "not allowed: a script that uses them cannot read \
                          the response"
                    .to_owned(),
            }],
        },
        SummaryLine { about: "methods", means: vec![methods] },
        SummaryLine { about: "headers", means: vec![headers] },
        SummaryLine { about: "exposed", means: vec![exposed] },
        SummaryLine {
            about: "preflights",
            means: vec![format!(
                "answered with {}, {cached}",
                policy.preflight_status()
            )],
        },
    ]
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
    let (rest, any_port) = match pattern.strip_suffix(":*") {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut means = Vec::new();
    if rest.contains("**") {
        means.push("** matches one or more labels");
    } else if rest.contains("//*.") || rest.contains(".*.") {
        means.push("* matches one label");
    } else if rest.contains('*') {
        means.push("* matches part of a label");
    }
    if any_port {
        means.push("any port");
    }
    match means.is_empty() {
        true => pattern.to_owned(),
        false => format!("{pattern}: {}", means.join(", ")),
    }
}
