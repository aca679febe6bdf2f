//! What is wrong with a server's answer, each fault by name. Whether a browser
//! blocks is for [`browser`](browser) to say; here is why.

use serde::Serialize;

use browser::{
    Answer, BrowserRequest, Header, SentRequest, extract_list_values,
    normalize_method, safelisted_method,
};

/// One thing that is wrong or doubtful in an answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
    /// What follows "blocked by CORS policy: " in Chromium's console.
    #[serde(skip)]
    pub(crate) console: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A browser blocks.
    Error,
    /// It does not, but it may elsewhere, or later.
    Warning,
}

/// Everything that is wrong with the answer, in the order in which Chromium
/// looks: its console tells the first error alone.
pub(crate) fn judge(
    request: &BrowserRequest,
    sent: &SentRequest,
    answer: &Answer,
) -> Vec<Finding> {
    let mut findings = match sent.request_method {
        Some(_) => judge_preflight(request, sent, answer),
        None => judge_actual(request, answer),
    };
    findings.extend(judge_private_network(&answer.headers));
    findings
}

/// <https://developer.chrome.com/blog/local-network-access>
fn judge_private_network(headers: &[Header]) -> Option<Finding> {
    const NAME: &str = "Access-Control-Allow-Private-Network";
    (!lines(NAME, headers).is_empty()).then(|| {
        warning(
            "private-network-superseded",
            format!(
                "{NAME} has no effect: Local Network Access, for which the \
                 browser asks the user, has replaced Private Network Access"
            ),
            "remove it; no response header takes its place",
        )
    })
}

/// Where the answer leads on to, if it is a redirect.
pub(crate) fn redirect(answer: &Answer) -> Option<String> {
    matches!(answer.status, 301 | 302 | 303 | 307 | 308)
        .then(|| lines("location", &answer.headers).join(", "))
}

/// Whether `Vary` says that the answer depends on `Origin`.
pub(crate) fn varies_by_origin(headers: &[Header]) -> bool {
    lines("vary", headers).iter().flat_map(|line| line.split(',')).any(
        |name| {
            let name = name.trim();
            name == "*" || name.eq_ignore_ascii_case("origin")
        },
    )
}

/// What a cache says of itself in an answer that it kept.
pub(crate) fn cache_mark(headers: &[Header]) -> Option<String> {
    let age = lines("age", headers);
    if let Some(age) = age.first() {
        return Some(format!("age: {age}"));
    }
    let marks = ["x-cache", "x-cache-status", "cf-cache-status"];
    marks.iter().find_map(|name| {
        let lines = lines(name, headers);
        let hit = lines
            .into_iter()
            .find(|line| line.to_ascii_lowercase().contains("hit"))?;
        Some(format!("{name}: {hit}"))
    })
}

/// The values of a header, line by line.
pub(crate) fn lines(name: &str, headers: &[Header]) -> Vec<String> {
    let lines = headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    lines
        .map(|(_, value)| {
            String::from_utf8_lossy(value).trim_matches([' ', '\t']).to_owned()
        })
        .collect()
}

fn judge_preflight(
    request: &BrowserRequest,
    sent: &SentRequest,
    answer: &Answer,
) -> Vec<Finding> {
    const CHECK: &str =
        "Response to preflight request doesn't pass access control check: ";
    if let Some(location) = redirect(answer) {
        return vec![error(
            "preflight-redirect",
            format!(
                "the preflight is answered {} and led on to {location:?}; \
                 browsers follow no redirect of a preflight",
                answer.status
            ),
            "answer OPTIONS at this URL itself, or fetch the URL that it \
             leads to",
            CHECK.to_owned()
                + "Redirect is not allowed for a preflight request.",
        )];
    }
    let mut findings = Vec::new();
    if let Some(mut finding) = judge_origin(request, &answer.headers) {
        finding.console = CHECK.to_owned() + &finding.console;
        findings.push(finding);
    }
    let console = CHECK.to_owned() + "It does not have HTTP ok status.";
    match answer.status {
        200..=299 => {}
        401 | 407 => findings.push(error(
            "preflight-authentication",
            format!(
                "the preflight is answered {}; browsers send preflights \
                 without cookies, Authorization or certificates",
                answer.status
            ),
            "answer OPTIONS before authentication",
            console,
        )),
        status => findings.push(error(
            "preflight-status",
            format!(
                "the preflight is answered {status}; browsers want 200 to 299"
            ),
            match (status, findings.is_empty()) {
                // As libcors refuses an origin.
                (403, false) => {
                    "allow this origin, which the server may refuse so; or \
                     answer OPTIONS with 204, before routing and \
                     authentication"
                }
                _ => {
                    "answer OPTIONS with 204, before routing and \
                     authentication"
                }
            },
            console,
        )),
    }
    findings.extend(judge_methods(request, &answer.headers));
    findings.extend(judge_headers(request, sent, &answer.headers));
    findings
}

fn judge_actual(request: &BrowserRequest, answer: &Answer) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(judge_origin(request, &answer.headers));
    let origins = lines("access-control-allow-origin", &answer.headers);
    let credentials =
        lines("access-control-allow-credentials", &answer.headers);
    if origins == ["*"] && !credentials.is_empty() {
        findings.push(warning(
            "allow-credentials-useless",
            "Access-Control-Allow-Credentials stands beside \
             Access-Control-Allow-Origin: *, which never goes with \
             credentials"
                .into(),
            "name the origin where credentials are meant, else leave it out",
        ));
    }
    let depends = origins.iter().any(|origin| origin != "*");
    if depends && !varies_by_origin(&answer.headers) {
        findings.push(warning(
            "vary-missing",
            "Access-Control-Allow-Origin names an origin, and Vary does not \
             say that the answer depends on it: a cache may hand it to another"
                .into(),
            "send Vary: Origin with every answer, those without \
             Access-Control-Allow-Origin too",
        ));
    }
    findings
}

/// <https://fetch.spec.whatwg.org/#concept-cors-check>
fn judge_origin(
    request: &BrowserRequest,
    headers: &[Header],
) -> Option<Finding> {
    const SERVER: &str = "Have the server send the header with a valid value.";
    let values = lines("access-control-allow-origin", headers);
    let origin = &request.origin;
    let all = values.join(", ");
    if values.is_empty() {
        return Some(error(
            "allow-origin-missing",
            format!("there is no Access-Control-Allow-Origin for {origin}"),
            "allow this origin; and send the headers with errors too, those \
             of the proxy among them",
            "No 'Access-Control-Allow-Origin' header is present on the \
             requested resource."
                .into(),
        ));
    }
    if values.len() > 1 || all.contains([',', ' ']) {
        return Some(error(
            "allow-origin-doubled",
            format!(
                "Access-Control-Allow-Origin has more than one value: {all}"
            ),
            "let one place send it, the application or the proxy before it",
            format!(
                "The 'Access-Control-Allow-Origin' header contains multiple \
                 values '{all}', but only one is allowed. {SERVER}"
            ),
        ));
    }
    if all == "*" {
        return request.credentials.then(|| {
            error(
                "allow-origin-any-credentials",
                "Access-Control-Allow-Origin is *, which does not go with \
                 credentials"
                    .into(),
                "name the origin, or let the script not ask for credentials",
                "The value of the 'Access-Control-Allow-Origin' header in \
                 the response must not be the wildcard '*' when the \
                 request's credentials mode is 'include'."
                    .into(),
            )
        });
    }
    if all != *origin {
        let help = if all.strip_suffix('/') == Some(origin) {
            "leave the slash out: an origin has none".to_owned()
        } else if all.eq_ignore_ascii_case(origin) {
            format!("write it as browsers do: {origin}")
        } else if let Some(mark) = cache_mark(headers) {
            format!(
                "it comes from a cache ({mark}), where another origin's \
                 answer is kept: send Vary: Origin, and empty the cache"
            )
        } else {
            format!("allow {origin}")
        };
        return Some(error(
            "allow-origin-other",
            format!(
                "Access-Control-Allow-Origin is {all}, and the page's origin \
                 {origin}"
            ),
            &help,
            if all == "null" || is_url(&all) {
                format!(
                    "The 'Access-Control-Allow-Origin' header has a value \
                     '{all}' that is not equal to the supplied origin. {SERVER}"
                )
            } else {
                format!(
                    "The 'Access-Control-Allow-Origin' header contains the \
                     invalid value '{all}'. {SERVER}"
                )
            },
        ));
    }
    let value = lines("access-control-allow-credentials", headers).join(", ");
    (request.credentials && value != "true").then(|| {
        error(
            "allow-credentials-missing",
            match value.as_str() {
                "" => "there is no Access-Control-Allow-Credentials".into(),
                _ => format!(
                    "Access-Control-Allow-Credentials is {value}, not true"
                ),
            },
            "send Access-Control-Allow-Credentials: true, in lower case, or \
             let the script not ask for credentials",
            format!(
                "The value of the 'Access-Control-Allow-Credentials' header \
                 in the response is '{value}' which must be 'true' when the \
                 request's credentials mode is 'include'."
            ),
        )
    })
}

/// Does it parse as a URL? Chromium words its message by that.
/// <https://url.spec.whatwg.org/#url-parsing>, as far as values go that people
/// write in the place of an origin.
fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else {
        return false;
    };
    let scheme_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        || !scheme.bytes().all(scheme_byte)
    {
        return false;
    }
    if !["http", "https", "ws", "wss", "ftp"].contains(&scheme) {
        return true;
    }
    let authority = rest.trim_start_matches('/');
    let authority = authority.split(['/', '?', '#']).next().unwrap_or("");
    let (host, port) = match authority.rsplit_once(':') {
        Some(split) if !authority.ends_with(']') => split,
        _ => (authority, ""),
    };
    let name = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    !name.is_empty()
        && !name.contains(['<', '>', '[', ']', '\\', '^', '|', '%', '"'])
        && (port.is_empty() || port.parse::<u16>().is_ok())
}

fn judge_methods(
    request: &BrowserRequest,
    headers: &[Header],
) -> Option<Finding> {
    const NAME: &str = "Access-Control-Allow-Methods";
    let method = normalize_method(&request.method);
    let listed = match extract_list_values(NAME, headers) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(_) => return Some(malformed(NAME, headers)),
    };
    let star = listed.iter().any(|name| name == "*");
    if safelisted_method(&method)
        || listed.contains(&method)
        || star && !request.credentials
    {
        return None;
    }
    let upper = method.to_ascii_uppercase();
    let help = if star {
        format!("name {method}: * is no wildcard with credentials")
    } else if listed.contains(&upper) {
        format!("let the script write {upper}: methods compare byte for byte")
    } else {
        format!("add {method} to {NAME}")
    };
    Some(error(
        "method-not-allowed",
        match listed.is_empty() {
            true => format!("there is no {NAME}, which must name {method}"),
            false => format!("{NAME} does not name {method}"),
        },
        &help,
        format!(
            "Method {method} is not allowed by {NAME} in preflight response."
        ),
    ))
}

fn judge_headers(
    request: &BrowserRequest,
    sent: &SentRequest,
    headers: &[Header],
) -> Vec<Finding> {
    const NAME: &str = "Access-Control-Allow-Headers";
    let listed = match extract_list_values(NAME, headers) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(_) => return vec![malformed(NAME, headers)],
    };
    let star = listed.iter().any(|name| name == "*");
    let asked = sent.request_headers.as_deref().unwrap_or_default();
    let mut findings = Vec::new();
    for name in asked.split(',').filter(|name| !name.is_empty()) {
        if listed.iter().any(|item| item.eq_ignore_ascii_case(name)) {
            continue;
        }
        if star && !request.credentials {
            if name == "authorization" {
                findings.push(warning(
                    "authorization-under-wildcard",
                    format!(
                        "{NAME} names authorization only by *, which the \
                         Fetch standard does not let cover it; the browsers \
                         of today do"
                    ),
                    "name Authorization beside *",
                ));
            }
            continue;
        }
        findings.push(error(
            "header-not-allowed",
            match listed.is_empty() {
                true => format!("there is no {NAME}, which must name {name}"),
                false => format!("{NAME} does not name {name}"),
            },
            &match star {
                true => {
                    format!("name {name}: * is no wildcard with credentials")
                }
                false => format!("add {name} to {NAME}"),
            },
            format!(
                "Request header field {name} is not allowed by {NAME} in \
                 preflight response."
            ),
        ));
    }
    findings
}

fn malformed(name: &str, headers: &[Header]) -> Finding {
    error(
        "list-malformed",
        format!("{name} is no list of names: {:?}", lines(name, headers)),
        "write names with commas between them, without quotes or brackets",
        format!(
            "Cannot parse {name} response header field in preflight response."
        ),
    )
}

fn error(
    code: &'static str,
    message: String,
    help: &str,
    console: String,
) -> Finding {
    let severity = Severity::Error;
    Finding { severity, code, message, help: help.to_owned(), console }
}

pub(crate) fn warning(
    code: &'static str,
    message: String,
    help: &str,
) -> Finding {
    Finding {
        severity: Severity::Warning,
        code,
        message,
        help: help.to_owned(),
        console: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::play;

    const APP: &str = "https://app.example.com";

    fn header(name: &str, value: &str) -> Header {
        (name.to_owned(), value.as_bytes().to_vec())
    }

    fn requests() -> Vec<BrowserRequest> {
        let mut requests = Vec::new();
        for method in ["GET", "put", "patch", "X"] {
            for headers in [
                vec![],
                vec![header("X-A", "b")],
                vec![header("Authorization", "b"), header("X-A", "b")],
            ] {
                for credentials in [false, true] {
                    requests.push(BrowserRequest {
                        origin: APP.to_owned(),
                        method: method.to_owned(),
                        headers: headers.clone(),
                        credentials,
                        use_cors_preflight: false,
                    });
                }
            }
        }
        requests
    }

    fn answers() -> Vec<Answer> {
        let lists = |name: &str, values: &[&str]| -> Vec<Vec<Header>> {
            let one = |value: &&str| {
                let lines = value.split('\n').filter(|line| *line != "-");
                lines.map(|line| header(name, line)).collect()
            };
            values.iter().map(one).collect()
        };
        let origins = lists(
            "Access-Control-Allow-Origin",
            &[
                "-",
                "*",
                APP,
                " https://app.example.com\t",
                "https://app.example.com\nhttps://app.example.com",
                "*\n*",
                "*, https://app.example.com",
                "",
                "null",
                "https://app.example.com/",
            ],
        );
        let credentials =
            lists("Access-Control-Allow-Credentials", &["-", "true", "True"]);
        let methods = lists(
            "Access-Control-Allow-Methods",
            &["-", "*", "PUT,X", "PATCH\nput", "PUT;X", ""],
        );
        let headers = lists(
            "Access-Control-Allow-Headers",
            &[
                "-",
                "*",
                "x-a",
                "*,authorization",
                "X-A , ,\nAuthorization",
                "\"x-a\"",
            ],
        );
        let mut answers = Vec::new();
        for status in [204, 301, 401] {
            for origin in &origins {
                for credentials in &credentials {
                    for methods in &methods {
                        for headers in &headers {
                            let all = [origin, credentials, methods, headers];
                            let headers = all.into_iter().flatten().cloned();
                            let headers = headers.collect();
                            answers.push(Answer { status, headers });
                        }
                    }
                }
            }
        }
        answers
    }

    /// The browser of the tests follows the standard step by step and stops
    /// at the first fault; what is said here about all of them must agree.
    #[test]
    fn there_is_an_error_where_the_browser_blocks_and_only_there() {
        let answers = answers();
        for request in requests() {
            for answer in &answers {
                let played =
                    play(&request, |_| Ok(answer.clone())).expect("answered");
                let blocked = played.result.is_err();
                let findings =
                    played.exchanges.iter().flat_map(|e| &e.findings);
                let mut errors = findings
                    .filter(|finding| finding.severity == Severity::Error);
                assert_eq!(
                    errors.next().is_some(),
                    blocked,
                    "{request:?} {answer:?} {:?}",
                    played.result
                );
            }
        }
    }
}
