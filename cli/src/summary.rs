//! What a policy means, in plain English.

use serde::Serialize;

use crate::policy_file::PolicyFile;

/// What one part of a policy means.
#[derive(Serialize)]
pub(crate) struct SummaryLine {
    pub(crate) about: &'static str,
    pub(crate) means: Vec<String>,
}

/// What a policy means.
pub(crate) fn summary(file: &PolicyFile) -> Vec<SummaryLine> {
    const SHOWN_MAX: usize = 20;
    let mut origins: Vec<String> = file
        .allow_origins
        .iter()
        .take(SHOWN_MAX)
        .map(|p| meaning(p))
        .collect();
    let more = file.allow_origins.len() - origins.len();
    if more > 0 {
        origins.push(format!("and {more} more"));
    }
    let listed = |names: &[String]| names.join(", ");
    let methods = match file.allow_methods.as_slice() {
        [] => "GET, HEAD and POST".to_owned(),
        [star] if star == "*" => "any".to_owned(),
        names => format!("GET, HEAD, POST, {}", listed(names)),
    };
    let headers = match file.allow_headers.as_slice() {
        [] => "CORS-safelisted headers only: no JSON body, no Authorization"
            .to_owned(),
        names if names.iter().any(|name| name == "*") => {
            match names.iter().any(|name| browser::non_wildcard(name)) {
                true => "any, including Authorization".to_owned(),
                false => "any except Authorization".to_owned(),
            }
        }
        names => listed(names),
    };
    let exposed = match file.expose_headers.as_slice() {
        [] => "CORS-safelisted headers only".to_owned(),
        [star] if star == "*" => "all except Set-Cookie".to_owned(),
        names => listed(names),
    };
    let cached = match file.max_age {
        None => "cached for 5 s (browser default)".to_owned(),
        Some(0) => "not cached".to_owned(),
        Some(age) => format!("cached for {age} s"),
    };
    vec![
        SummaryLine { about: "origins", means: origins },
        SummaryLine {
            about: "credentials",
            means: vec![match file.allow_credentials {
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
                file.preflight_status
            )],
        },
    ]
}

/// A pattern of `allow_origins` and, if it is not an exact origin, what it
/// matches.
pub(crate) fn meaning(pattern: &str) -> String {
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
