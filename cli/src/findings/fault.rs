//! A fault in words: what a console says of it, and what to do.

use browser::{
    Fault, Header, Response, ScriptRequest, cors_check, extract_list_values,
    normalize_method,
};

use super::{Finding, cache_mark, error, lines};
use crate::code::Code;

/// How Chromium's console ends when the header has another value.
const SERVER: &str = "Have the server send the header with a valid value.";

/// A fault in words.
pub(super) fn finding(
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
pub(super) const HEADERS: &str = "Access-Control-Allow-Headers";

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
