//! The name, message and help of a fault.

use browser::{
    Fault, Header, Response, ScriptRequest, cors_check, extract_list_values,
    normalize_method,
};

use super::{Finding, cache_mark, error, lines};
use crate::code::Code;

/// The end of Chromium's messages about other values.
const SERVER: &str = "Have the server send the header with a valid value.";

/// The finding of a fault.
pub(super) fn finding(
    request: &ScriptRequest,
    response: &Response,
    fault: &Fault,
) -> Finding {
    let headers = &response.headers;
    let origin = &request.origin;
    let sent = || lines("access-control-allow-origin", headers).join(", ");
    match fault {
        Fault::AllowOriginMissing => error(
            Code::AllowOriginMissing,
            format!("Access-Control-Allow-Origin is missing for {origin}"),
            "allow this origin, and send the headers on error responses as \
             well, including the proxy's",
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
            "send it from one place only: the application or the proxy in \
             front of it",
            format!(
                "The 'Access-Control-Allow-Origin' header contains multiple \
                 values '{}', but only one is allowed. {SERVER}",
                sent()
            ),
        ),
        Fault::AllowOriginAny => error(
            Code::AllowOriginAnyCredentials,
            "Access-Control-Allow-Origin is *, which cannot be combined with \
             credentials"
                .into(),
            "send the page's origin instead, or remove credentials: \"include\" \
             from the script",
            "The value of the 'Access-Control-Allow-Origin' header in the \
             response must not be the wildcard '*' when the request's \
             credentials mode is 'include'."
                .into(),
        ),
        Fault::AllowOriginOther => other_origin(origin, headers, &sent()),
        Fault::AllowCredentials => credentials(headers),
        Fault::Status => bad_status(request, response),
        Fault::MethodsMalformed => malformed(METHODS, headers),
        Fault::HeadersMalformed => malformed(HEADERS, headers),
        Fault::Method => method(request, headers),
        Fault::Header(name) => header(name, headers),
    }
}

fn credentials(headers: &[Header]) -> Finding {
    let value = lines("access-control-allow-credentials", headers).join(", ");
    error(
        Code::AllowCredentialsMissing,
        match value.as_str() {
            "" => "Access-Control-Allow-Credentials is missing".into(),
            _ => format!(
                "Access-Control-Allow-Credentials is {value}, not true"
            ),
        },
        "send Access-Control-Allow-Credentials: true, in lowercase \
         letters, or remove credentials: \"include\" from the script",
        format!(
            "The value of the 'Access-Control-Allow-Credentials' \
             header in the response is '{value}' which must be 'true' \
             when the request's credentials mode is 'include'."
        ),
    )
}

fn bad_status(request: &ScriptRequest, response: &Response) -> Finding {
    let Response { status, headers } = response;
    let console = "It does not have HTTP ok status.".to_owned();
    match status {
        401 | 407 => error(
            Code::PreflightAuthentication,
            format!(
                "the preflight is answered with {status}, but browsers \
                 send preflights without cookies, Authorization or \
                 client certificates"
            ),
            "answer OPTIONS before authentication",
            console,
        ),
        status => error(
            Code::PreflightStatus,
            format!(
                "the preflight is answered with {status}, but browsers \
                 require 200 to 299"
            ),
            // The status with which libcors refuses an origin.
            if *status == 403 && cors_check(request, headers).is_err() {
                "allow this origin, if the server refuses it, or \
                 answer OPTIONS with 204 before routing and \
                 authentication"
            } else {
                "answer OPTIONS with 204 before routing and \
                 authentication"
            },
            console,
        ),
    }
}

fn method(request: &ScriptRequest, headers: &[Header]) -> Finding {
    let method = normalize_method(&request.method);
    let upper = method.to_ascii_uppercase();
    let listed = listed(METHODS, headers);
    let help = if is_wildcard(&listed) {
        format!("list {method}, as * is not a wildcard with credentials")
    } else if listed.contains(&upper) {
        format!("use {upper} in the script, as methods are case-sensitive")
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

fn header(name: &str, headers: &[Header]) -> Finding {
    let listed = listed(HEADERS, headers);
    let help = match is_wildcard(&listed) {
        true => {
            format!("list {name}, as * is not a wildcard with credentials")
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
        true => format!("{header} is missing; it must list {name}"),
        false => format!("{header} does not list {name}"),
    }
}

fn other_origin(origin: &str, headers: &[Header], sent: &str) -> Finding {
    let help = if sent.strip_suffix('/') == Some(origin) {
        "remove the trailing slash, which origins do not have".to_owned()
    } else if sent.eq_ignore_ascii_case(origin) {
        format!("use {origin}, as browsers send it")
    } else if let Some(mark) = cache_mark(headers) {
        format!(
            "send Vary: Origin, and empty the cache: this is its response for \
             another origin ({mark})"
        )
    } else {
        format!("allow {origin}")
    };
    error(
        Code::AllowOriginOther,
        format!(
            "Access-Control-Allow-Origin is {sent}, but the page's origin is \
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

/// Does it parse as a URL? Chromium's message depends on it.
/// <https://url.spec.whatwg.org/#url-parsing>, for values that people use
/// instead of an origin.
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
        format!("{name} is not a list of names: {:?}", lines(name, headers)),
        "use names separated by commas, without quotes or brackets",
        format!(
            "Cannot parse {name} response header field in preflight response."
        ),
    )
}
