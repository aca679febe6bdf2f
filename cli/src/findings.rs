//! What is wrong with a server's response, each fault by name. What a browser
//! blocks is for the crate `browser` to say; here it is put in words.

use browser::{
    AuthorizationStar, Fault, Header, Response, ScriptRequest, SentRequest,
    cors_check, extract_list_values, normalize_method, preflight_faults,
    redirect_status,
};
use serde::Serialize;

use crate::code::Code;

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
    /// Of an error.
    #[serde(skip)]
    pub(crate) cause: Option<Code>,
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
    request: &ScriptRequest,
    sent: &SentRequest,
    response: &Response,
) -> Vec<Finding> {
    let mut findings = match sent.request_method {
        Some(_) => judge_preflight(request, response),
        None => judge_actual(request, response),
    };
    findings.extend(judge_private_network(&response.headers));
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
pub(crate) fn redirect(response: &Response) -> Option<String> {
    redirect_status(response.status)
        .then(|| lines("location", &response.headers).join(", "))
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
    let lines = browser::lines(name, headers).into_iter();
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

fn judge_preflight(
    request: &ScriptRequest,
    response: &Response,
) -> Vec<Finding> {
    use AuthorizationStar::{Lax, Strict};
    const CHECK: &str =
        "Response to preflight request doesn't pass access control check: ";
    if let Some(location) = redirect(response) {
        return vec![error(
            Code::PreflightRedirect,
            format!(
                "the preflight is answered {} and led on to {location:?}; \
                 browsers follow no redirect of a preflight",
                response.status
            ),
            "answer OPTIONS at this URL itself, or fetch the URL that it \
             leads to",
            CHECK.to_owned()
                + "Redirect is not allowed for a preflight request.",
        )];
    }
    let faults = preflight_faults(request, Lax, response);
    let mut findings: Vec<Finding> = faults
        .iter()
        .map(|fault| {
            let mut finding = finding(request, response, fault);
            if is_of_the_check(fault) {
                finding.console = CHECK.to_owned() + &finding.console;
            }
            finding
        })
        .collect();
    for fault in preflight_faults(request, Strict, response) {
        if !faults.contains(&fault) {
            findings.push(warning(
                "authorization-under-wildcard",
                format!(
                    "{HEADERS} names authorization only by *, which the \
                     Fetch standard does not let cover it; the browsers of \
                     today do"
                ),
                "name Authorization beside *",
            ));
        }
    }
    findings
}

/// What Chromium reports as one check: the CORS check and the status.
fn is_of_the_check(fault: &Fault) -> bool {
    match fault {
        Fault::AllowOriginMissing
        | Fault::AllowOriginSeveral
        | Fault::AllowOriginAny
        | Fault::AllowOriginOther
        | Fault::AllowCredentials
        | Fault::Status => true,
        Fault::MethodsMalformed
        | Fault::HeadersMalformed
        | Fault::Method
        | Fault::Header(_) => false,
    }
}

fn judge_actual(request: &ScriptRequest, response: &Response) -> Vec<Finding> {
    let fault = cors_check(request, &response.headers).err();
    let fault = fault.map(|fault| finding(request, response, &fault));
    let mut findings: Vec<Finding> = fault.into_iter().collect();
    let origins = lines("access-control-allow-origin", &response.headers);
    let credentials =
        lines("access-control-allow-credentials", &response.headers);
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
    if depends && !varies_by_origin(&response.headers) {
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

/// How Chromium's console ends when the header has another value.
const SERVER: &str = "Have the server send the header with a valid value.";

/// A fault in words.
fn finding(
    request: &ScriptRequest,
    response: &Response,
    fault: &Fault,
) -> Finding {
    let Response { status, headers } = response;
    let origin = &request.origin;
    let sent = || lines("access-control-allow-origin", headers).join(", ");
    match fault {
        Fault::AllowOriginMissing => error(
            Code::AllowOriginMissing,
            format!("there is no Access-Control-Allow-Origin for {origin}"),
            "allow this origin; and send the headers with errors too, those \
             of the proxy among them",
            "No 'Access-Control-Allow-Origin' header is present on the \
             requested resource."
                .into(),
        ),
        Fault::AllowOriginSeveral => error(
            Code::AllowOriginDoubled,
            format!(
                "Access-Control-Allow-Origin has more than one value: {}",
                sent()
            ),
            "let one place send it, the application or the proxy before it",
            format!(
                "The 'Access-Control-Allow-Origin' header contains multiple \
                 values '{}', but only one is allowed. {SERVER}",
                sent()
            ),
        ),
        Fault::AllowOriginAny => error(
            Code::AllowOriginAnyCredentials,
            "Access-Control-Allow-Origin is *, which does not go with \
             credentials"
                .into(),
            "name the origin, or let the script not ask for credentials",
            "The value of the 'Access-Control-Allow-Origin' header in the \
             response must not be the wildcard '*' when the request's \
             credentials mode is 'include'."
                .into(),
        ),
        Fault::AllowOriginOther => other_origin(origin, headers, &sent()),
        Fault::AllowCredentials => {
            let value =
                lines("access-control-allow-credentials", headers).join(", ");
            error(
                Code::AllowCredentialsMissing,
                match value.as_str() {
                    "" => {
                        "there is no Access-Control-Allow-Credentials".into()
                    }
                    _ => format!(
                        "Access-Control-Allow-Credentials is {value}, not true"
                    ),
                },
                "send Access-Control-Allow-Credentials: true, in lower case, \
                 or let the script not ask for credentials",
                format!(
                    "The value of the 'Access-Control-Allow-Credentials' \
                     header in the response is '{value}' which must be 'true' \
                     when the request's credentials mode is 'include'."
                ),
            )
        }
        Fault::Status => {
            let console = "It does not have HTTP ok status.".to_owned();
            match status {
                401 | 407 => error(
                    Code::PreflightAuthentication,
                    format!(
                        "the preflight is answered {status}; browsers send \
                         preflights without cookies, Authorization or \
                         certificates"
                    ),
                    "answer OPTIONS before authentication",
                    console,
                ),
                status => error(
                    Code::PreflightStatus,
                    format!(
                        "the preflight is answered {status}; browsers want \
                         200 to 299"
                    ),
                    // As libcors refuses an origin.
                    if *status == 403 && cors_check(request, headers).is_err()
                    {
                        "allow this origin, which the server may refuse so; \
                         or answer OPTIONS with 204, before routing and \
                         authentication"
                    } else {
                        "answer OPTIONS with 204, before routing and \
                         authentication"
                    },
                    console,
                ),
            }
        }
        Fault::MethodsMalformed => malformed(METHODS, headers),
        Fault::HeadersMalformed => malformed(HEADERS, headers),
        Fault::Method => {
            let method = normalize_method(&request.method);
            let upper = method.to_ascii_uppercase();
            let listed = listed(METHODS, headers);
            let help = if is_wildcard(&listed) {
                format!("name {method}: * is no wildcard with credentials")
            } else if listed.contains(&upper) {
                format!(
                    "let the script write {upper}: methods compare byte for \
                     byte"
                )
            } else {
                format!("add {method} to {METHODS}")
            };
            error(
                Code::MethodNotAllowed,
                not_listed(METHODS, &listed, &method),
                &help,
                format!(
                    "Method {method} is not allowed by {METHODS} in preflight \
                     response."
                ),
            )
        }
        Fault::Header(name) => {
            let listed = listed(HEADERS, headers);
            let help = match is_wildcard(&listed) {
                true => {
                    format!("name {name}: * is no wildcard with credentials")
                }
                false => format!("add {name} to {HEADERS}"),
            };
            error(
                Code::HeaderNotAllowed,
                not_listed(HEADERS, &listed, name),
                &help,
                format!(
                    "Request header field {name} is not allowed by {HEADERS} \
                     in preflight response."
                ),
            )
        }
    }
}

const METHODS: &str = "Access-Control-Allow-Methods";
const HEADERS: &str = "Access-Control-Allow-Headers";

fn listed(name: &str, headers: &[Header]) -> Vec<String> {
    extract_list_values(name, headers).unwrap_or_default().unwrap_or_default()
}

fn is_wildcard(listed: &[String]) -> bool {
    listed.iter().any(|name| name == "*")
}

fn not_listed(header: &str, listed: &[String], name: &str) -> String {
    match listed.is_empty() {
        true => format!("there is no {header}, which must name {name}"),
        false => format!("{header} does not name {name}"),
    }
}

fn other_origin(origin: &str, headers: &[Header], sent: &str) -> Finding {
    let help = if sent.strip_suffix('/') == Some(origin) {
        "leave the slash out: an origin has none".to_owned()
    } else if sent.eq_ignore_ascii_case(origin) {
        format!("write it as browsers do: {origin}")
    } else if let Some(mark) = cache_mark(headers) {
        format!(
            "it comes from a cache ({mark}), where another origin's answer is \
             kept: send Vary: Origin, and empty the cache"
        )
    } else {
        format!("allow {origin}")
    };
    error(
        Code::AllowOriginOther,
        format!(
            "Access-Control-Allow-Origin is {sent}, and the page's origin \
             {origin}"
        ),
        &help,
        if sent == "null" || is_url(sent) {
            format!(
                "The 'Access-Control-Allow-Origin' header has a value \
                 '{sent}' that is not equal to the supplied origin. {SERVER}"
            )
        } else {
            format!(
                "The 'Access-Control-Allow-Origin' header contains the \
                 invalid value '{sent}'. {SERVER}"
            )
        },
    )
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

fn malformed(name: &str, headers: &[Header]) -> Finding {
    error(
        Code::ListMalformed,
        format!("{name} is no list of names: {:?}", lines(name, headers)),
        "write names with commas between them, without quotes or brackets",
        format!(
            "Cannot parse {name} response header field in preflight response."
        ),
    )
}

fn error(code: Code, message: String, help: &str, console: String) -> Finding {
    Finding {
        severity: Severity::Error,
        code: code.name(),
        message,
        help: help.to_owned(),
        console,
        cause: Some(code),
    }
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
        cause: None,
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

    fn requests() -> Vec<ScriptRequest> {
        let mut requests = Vec::new();
        for method in ["GET", "put", "patch", "X"] {
            for headers in [
                vec![],
                vec![header("X-A", "b")],
                vec![header("Authorization", "b"), header("X-A", "b")],
            ] {
                for credentials in [false, true] {
                    requests.push(ScriptRequest {
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

    fn answers() -> Vec<Response> {
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
                            answers.push(Response { status, headers });
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
