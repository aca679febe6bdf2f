//! What the browser concludes from a response.

use crate::headers::{
    forbidden_response_header_name, non_wildcard, unsafe_request_header_names,
};
use crate::methods::{normalize_method, safelisted_method};
use crate::request::header_list;
use crate::values::{
    contains_star, decode_and_split, extract_list_values, header,
    isomorphic_decode, lines, one_of, sorted_lowercase_set,
};
use crate::{Header, ScriptRequest};

/// A server's response, as far as CORS goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// As they arrive, line by line.
    pub headers: Vec<Header>,
}

/// Does `Access-Control-Allow-Headers: *` cover `Authorization`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationStar {
    /// No, as the standard says.
    Strict,
    /// Yes, as current browsers do.
    /// <https://github.com/whatwg/fetch/issues/1919>
    Lax,
}

/// Why the script does not get the response. What scripts ask for is in the
/// [`ScriptRequest`], so a fault does not repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `Access-Control-Allow-Origin` is missing.
    AllowOriginMissing,
    /// `Access-Control-Allow-Origin` has more than one value.
    AllowOriginSeveral,
    /// `Access-Control-Allow-Origin` is `*`, but the request has credentials.
    AllowOriginAny,
    /// `Access-Control-Allow-Origin` is not the request's origin.
    AllowOriginOther,
    /// `Access-Control-Allow-Credentials` is not `true`, but the request has
    /// credentials.
    AllowCredentials,
    /// The preflight's response has a status other than 200 to 299.
    Status,
    /// `Access-Control-Allow-Methods` is not a list of tokens.
    MethodsMalformed,
    /// `Access-Control-Allow-Headers` is not a list of tokens.
    HeadersMalformed,
    /// The preflight's response does not allow the method.
    Method,
    /// The preflight's response does not allow this header, in lower case.
    Header(String),
}

/// May this response be shared with the script?
/// <https://fetch.spec.whatwg.org/#concept-cors-check>
pub fn cors_check(
    request: &ScriptRequest,
    response: &[Header],
) -> Result<(), Fault> {
    let Some(origin) = header("Access-Control-Allow-Origin", response) else {
        return Err(Fault::AllowOriginMissing);
    };
    if !request.credentials && origin == b"*" {
        return Ok(());
    }
    if origin != request.origin.as_bytes() {
        // The standard's check ends here; consoles say which of these it is.
        return Err(match origin.as_slice() {
            b"*" => Fault::AllowOriginAny,
            origin if origin.iter().any(|byte| b", ".contains(byte)) => {
                Fault::AllowOriginSeveral
            }
            _ => Fault::AllowOriginOther,
        });
    }
    if !request.credentials {
        return Ok(());
    }
    match header("Access-Control-Allow-Credentials", response) {
        Some(credentials) if credentials == b"true" => Ok(()),
        _ => Err(Fault::AllowCredentials),
    }
}

/// Why the preflight's response does not allow the request: all reasons, in
/// the standard's order. Browsers stop at the first.
/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
pub fn preflight_faults(
    request: &ScriptRequest,
    star: AuthorizationStar,
    response: &Response,
) -> Vec<Fault> {
    let Response { status, headers } = response;
    // The check is done on the request, not on the preflight, which has no
    // credentials.
    let mut faults: Vec<Fault> =
        cors_check(request, headers).err().into_iter().collect();
    if !(200..=299).contains(status) {
        faults.push(Fault::Status);
    }
    let methods = extract_list_values("Access-Control-Allow-Methods", headers);
    let names = extract_list_values("Access-Control-Allow-Headers", headers);
    if methods.is_err() {
        faults.push(Fault::MethodsMalformed);
    }
    if names.is_err() {
        faults.push(Fault::HeadersMalformed);
    }
    if let Ok(methods) = methods
        && !allows_method(request, methods)
    {
        faults.push(Fault::Method);
    }
    if let Ok(names) = names {
        let names = names.unwrap_or_default();
        faults.extend(
            refused_headers(request, star, &names)
                .into_iter()
                .map(Fault::Header),
        );
    }
    faults
}

fn allows_method(
    request: &ScriptRequest,
    methods: Option<Vec<String>>,
) -> bool {
    let method = normalize_method(&request.method);
    let methods = match methods {
        Some(methods) => methods,
        None if request.use_cors_preflight => vec![method.clone()],
        None => Vec::new(),
    };
    // The standard's "and … is include or … does not contain" binds as the
    // brackets here do; the web platform tests agree.
    methods.contains(&method)
        || safelisted_method(&method)
        || (!request.credentials && contains_star(&methods))
}

/// The names that are not allowed, without duplicates.
fn refused_headers(
    request: &ScriptRequest,
    star: AuthorizationStar,
    names: &[String],
) -> Vec<String> {
    let listed =
        |name: &str| names.iter().any(|item| item.eq_ignore_ascii_case(name));
    let headers = header_list(request);
    let mut refused: Vec<String> = Vec::new();
    if star == AuthorizationStar::Strict {
        refused.extend(
            headers
                .iter()
                .map(|(name, _)| name.to_ascii_lowercase())
                .find(|name| non_wildcard(name) && !listed(name)),
        );
    }
    let covered = !request.credentials && contains_star(names);
    for name in unsafe_request_header_names(&headers) {
        if !listed(&name) && !covered && !refused.contains(&name) {
            refused.push(name);
        }
    }
    refused
}

/// Is it the status of a redirect?
/// <https://fetch.spec.whatwg.org/#redirect-status>
pub fn redirect_status(status: u16) -> bool {
    [301, 302, 303, 307, 308].contains(&status)
}

/// The names of the response headers that a script can read: lower-case,
/// sorted, each once.
/// <https://fetch.spec.whatwg.org/#concept-main-fetch> and
/// <https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name>
pub fn exposed(response: &[Header], credentials: bool) -> Vec<String> {
    // A malformed list exposes nothing; the standard's "is non-null or
    // failure" can mean nothing else.
    let listed =
        extract_list_values("Access-Control-Expose-Headers", response)
            .unwrap_or_default()
            .unwrap_or_default();
    let all = !credentials && contains_star(&listed);
    let safelist = [
        "Cache-Control",
        "Content-Language",
        "Content-Length",
        "Content-Type",
        "Expires",
        "Last-Modified",
        "Pragma",
    ];
    let mut readable = Vec::new();
    for (name, _) in response {
        let named = listed.iter().any(|item| item.eq_ignore_ascii_case(name));
        if one_of(name, &safelist)
            || ((all || named) && !forbidden_response_header_name(name))
        {
            readable.push(name.clone());
        }
    }
    sorted_lowercase_set(&readable)
}

/// Can the origin's scripts read the timing of this response from another
/// origin? <https://fetch.spec.whatwg.org/#concept-tao-check>
pub fn tao_check(origin: &str, response: &[Header]) -> bool {
    let values = match header("Timing-Allow-Origin", response) {
        Some(value) => decode_and_split(&value),
        None => Vec::new(),
    };
    contains_star(&values) || values.iter().any(|value| value == origin)
}

/// Seconds for which a preflight's response is cached; a number that is too
/// large means forever.
/// <https://fetch.spec.whatwg.org/#http-access-control-max-age>
pub(crate) fn max_age(response: &[Header]) -> u64 {
    match lines("Access-Control-Max-Age", response).as_slice() {
        [line] if !line.is_empty() && line.iter().all(u8::is_ascii_digit) => {
            isomorphic_decode(line).parse().unwrap_or(u64::MAX)
        }
        _ => 5,
    }
}
