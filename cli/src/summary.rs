//! What a policy means, in plain words.

use serde::Serialize;

use crate::policy_file::PolicyFile;

/// What one part of a policy means, in words.
#[derive(Serialize)]
pub(crate) struct SummaryLine {
    pub(crate) about: &'static str,
    pub(crate) means: Vec<String>,
}

/// What a policy means, in words.
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
        [] => {
            "what browsers send unasked, and nothing else: no JSON body, no \
               Authorization"
                .to_owned()
        }
        names if names.iter().any(|name| name == "*") => {
            match names.iter().any(|n| n.eq_ignore_ascii_case("authorization"))
            {
                true => "any, Authorization too".to_owned(),
                false => "any but Authorization".to_owned(),
            }
        }
        names => listed(names),
    };
    let exposed = match file.expose_headers.as_slice() {
        [] => "what scripts may always read, such as Content-Type".to_owned(),
        [star] if star == "*" => "all but Set-Cookie".to_owned(),
        names => listed(names),
    };
    let kept = match file.max_age {
        None => "5 s, the browsers' own measure".to_owned(),
        Some(0) => "not at all".to_owned(),
        Some(age) => format!("{age} s"),
    };
    vec![
        SummaryLine { about: "origins", means: origins },
        SummaryLine {
            about: "credentials",
            means: vec![match file.allow_credentials {
                true => "cookies and HTTP authentication".to_owned(),
                false => "none: a script that asks for them cannot read the \
                          answer"
                    .to_owned(),
            }],
        },
        SummaryLine { about: "methods", means: vec![methods] },
        SummaryLine { about: "headers", means: vec![headers] },
        SummaryLine { about: "exposed", means: vec![exposed] },
        SummaryLine {
            about: "preflights",
            means: vec![format!(
                "answered {}, kept {kept}",
                file.preflight_status
            )],
        },
    ]
}

/// A pattern of `allow_origins` and, where it is more than one origin, what it
/// stands for.
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
        means.push("one or more labels for **");
    } else if rest.contains("//*.") || rest.contains(".*.") {
        means.push("any one label for *");
    } else if rest.contains('*') {
        means.push("any part of the label for *");
    }
    if any_port {
        means.push("any port");
    }
    match means.is_empty() {
        true => pattern.to_owned(),
        false => format!("{pattern}: {}", means.join(", ")),
    }
}
