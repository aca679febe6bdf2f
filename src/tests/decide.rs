//! The decision of DESIGN.md and POLICY.md, made from the policy file itself:
//! nothing is prepared, and each rule of the contract is written once more.

use browser::{forbidden_method, forbidden_request_header, safelisted_method};
use serde_json::Value;

use super::naive;
use crate::{Decision, Reason, Request, Verdict};

const VARY: &str =
    "origin, access-control-request-method, access-control-request-headers";

/// A decision as the vectors write it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) verdict: String,
    pub(super) reason: String,
    pub(super) status: u64,
    pub(super) headers: Vec<(String, String)>,
    pub(super) culprit: Option<String>,
    pub(super) pattern: Option<String>,
}

impl Outcome {
    pub(super) fn of(decision: &Decision<'_>) -> Self {
        Self {
            verdict: decision.verdict.name().into(),
            reason: decision.reason.name().into(),
            status: decision.status.into(),
            headers: decision
                .headers()
                .map(|header| (header.name.into(), text(header.value)))
                .collect(),
            culprit: decision.culprit.map(text),
            pattern: decision.pattern.map(text),
        }
    }
}

/// What `policy`, a file that loads, says to `request`.
pub(super) fn decide(policy: &Value, request: &Request<'_>) -> Outcome {
    let rules: Vec<&Value> = match policy["rules"].as_array() {
        Some(rules) => rules.iter().collect(),
        None => vec![policy],
    };
    let patterns: Vec<Vec<String>> =
        rules.iter().map(|rule| list(rule, "allow_origins")).collect();
    let any = patterns.last().is_some_and(|patterns| patterns == &["*"]);
    let origin = request.origin.map(text);
    let found = match &origin {
        Some(origin) => naive::find_rule(&patterns, origin),
        None => any.then(|| (rules.len() - 1, "*")),
    };
    let is_options = request.method == Some(b"OPTIONS");
    let requested = request.request_method.filter(|_| is_options);
    let allowed = found.map(|(rule, pattern)| Allowed {
        rule: rules[rule],
        origin: origin.as_deref().unwrap_or_default(),
        pattern,
    });
    let (verdict, reason, mut headers, culprit) = match (&origin, &allowed) {
        (None, allowed) => {
            let headers = allowed.as_ref().map(Allowed::response);
            let headers = headers.unwrap_or_default();
            (Verdict::NotCors, Reason::None, headers, None)
        }
        (Some(_), Some(allowed)) => match requested {
            Some(method) => allowed.preflight(method, request.request_headers),
            None => (Verdict::Allowed, Reason::None, allowed.response(), None),
        },
        (Some(_), None) if requested.is_none() && is_same_origin(request) => {
            (Verdict::SameOrigin, Reason::None, vec![], None)
        }
        (Some(origin), None) => {
            let verdict = match requested {
                Some(_) => Verdict::PreflightRefused,
                None => Verdict::Refused,
            };
            (verdict, reason_of(origin), vec![], None)
        }
    };
    let pattern = found.map(|(_, pattern)| pattern.to_owned());
    if blocks(policy, request) && !passes(request, pattern.as_deref()) {
        let reason = match (&origin, &pattern) {
            (Some(origin), None) => reason_of(origin),
            _ => Reason::CrossSite,
        };
        let headers = [("vary", "origin"), ("cache-control", "no-store")];
        return Outcome {
            verdict: Verdict::Blocked.name().into(),
            reason: reason.name().into(),
            status: 403,
            headers: headers
                .map(|(name, value)| (name.into(), value.into()))
                .to_vec(),
            culprit: None,
            pattern,
        };
    }
    let is_preflight = matches!(
        verdict,
        Verdict::PreflightAllowed | Verdict::PreflightRefused
    );
    let names_what_is_allowed = matches!(
        reason,
        Reason::None | Reason::MethodNotAllowed | Reason::HeaderNotAllowed
    );
    let status = match (is_preflight, names_what_is_allowed) {
        (false, _) => 0,
        (true, true) => policy["preflight_status"].as_u64().unwrap_or(204),
        (true, false) => 403,
    };
    let timing = unique(list(policy, "timing_allow_origins"));
    if !is_preflight && !timing.is_empty() {
        headers.push(("timing-allow-origin", timing.join(", ")));
    }
    if is_options {
        headers.push(("vary", VARY.into()));
    } else if !any || rules.len() > 1 {
        headers.push(("vary", "origin".into()));
    }
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Outcome {
        verdict: verdict.name().into(),
        reason: reason.name().into(),
        status,
        headers,
        culprit,
        pattern,
    }
}

fn reason_of(origin: &str) -> Reason {
    match naive::is_origin(origin) {
        true => Reason::OriginNotAllowed,
        false => Reason::OriginMalformed,
    }
}

/// Whether the policy's `block` lists the kind that `request` is of. A
/// preflight is of none.
fn blocks(policy: &Value, request: &Request<'_>) -> bool {
    let method = request.method.map(text);
    let method = method.as_deref();
    if method == Some("OPTIONS")
        && request.origin.is_some()
        && request.request_method.is_some()
    {
        return false;
    }
    let kind = match method {
        _ if opens_websocket(request) => "websockets",
        Some("GET" | "HEAD" | "OPTIONS") => return false,
        _ => "unsafe_methods",
    };
    contains(&list(policy, "block"), kind)
}

/// Whether a request of a blocked kind, whose origin `pattern` allows, reaches
/// the application.
fn passes(request: &Request<'_>, pattern: Option<&str>) -> bool {
    let is_trusted =
        pattern.is_some_and(|pattern| !["*", "null"].contains(&pattern));
    let no_page = request.fetch_site == Some(b"none");
    let no_browser = request.origin.is_none() && request.fetch_site.is_none();
    is_trusted || is_same_origin(request) || no_page || no_browser
}

fn opens_websocket(request: &Request<'_>) -> bool {
    let upgrade = request.upgrade.map(text).unwrap_or_default();
    // Applications may strip more than the spaces of RFC 9110.
    matches!(request.method, Some(b"GET" | b"OPTIONS"))
        && upgrade.split(',').any(|one| {
            one.trim_matches([' ', '\t', '\n', '\r', '\x0c'])
                .eq_ignore_ascii_case("websocket")
        })
}

fn is_same_origin(request: &Request<'_>) -> bool {
    let site_is_same = request.fetch_site == Some(b"same-origin");
    if site_is_same && !opens_websocket(request) {
        return true;
    }
    let (Some(origin), Some(host)) = (request.origin, request.host) else {
        return false;
    };
    let (origin, host) = (text(origin), text(host));
    if !naive::is_origin(&origin) {
        return false;
    }
    // Schemes have no case (RFC 3986, section 3.1).
    let over_https =
        request.scheme.is_some_and(|one| one.eq_ignore_ascii_case(b"https"));
    let is = |scheme: &str, port: &str| {
        let host = host.strip_suffix(port).unwrap_or(&host);
        origin
            .strip_prefix(scheme)
            .is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    };
    is("https://", ":443")
        || is("http://", ":80")
            && (request.fetch_site.is_none() || site_is_same)
            && !over_https
}

type Headers = Vec<(&'static str, String)>;

/// What a rule says to an origin that it allows.
struct Allowed<'p> {
    rule: &'p Value,
    origin: &'p str,
    pattern: &'p str,
}

impl Allowed<'_> {
    /// The headers of a response that is no preflight's.
    fn response(&self) -> Headers {
        let mut headers = self.origin_and_credentials();
        let expose = unique(lower(list(self.rule, "expose_headers")));
        if !expose.is_empty() {
            headers.push(("access-control-expose-headers", expose.join(",")));
        }
        headers
    }

    fn preflight(
        &self,
        method: &[u8],
        names: Option<&[u8]>,
    ) -> (Verdict, Reason, Headers, Option<String>) {
        let method = text(method);
        let names = text(names.unwrap_or_default());
        let (reason, culprit) = self.judge(&method, &names);
        let mut headers = Vec::new();
        if !matches!(
            reason,
            Reason::MethodMalformed | Reason::HeadersMalformed
        ) {
            headers = self.origin_and_credentials();
            for value in self.methods(&method, reason) {
                headers.push(("access-control-allow-methods", value));
            }
            if let Some(value) = self.headers(&names, reason, &culprit) {
                headers.push(("access-control-allow-headers", value));
            }
        }
        if reason != Reason::None {
            return (Verdict::PreflightRefused, reason, headers, culprit);
        }
        if let Some(age) = self.rule["max_age"].as_u64() {
            headers.push(("access-control-max-age", age.to_string()));
        }
        (Verdict::PreflightAllowed, reason, headers, culprit)
    }

    fn origin_and_credentials(&self) -> Headers {
        let origin = match self.pattern {
            "*" => "*",
            _ => self.origin,
        };
        let mut headers =
            vec![("access-control-allow-origin", origin.to_owned())];
        if self.credentials() {
            headers.push(("access-control-allow-credentials", "true".into()));
        }
        headers
    }

    fn credentials(&self) -> bool {
        self.rule["allow_credentials"] == true
    }

    /// The method, then the header names from left to right.
    fn judge(&self, method: &str, names: &str) -> (Reason, Option<String>) {
        if !is_token(method, 64) {
            return (Reason::MethodMalformed, None);
        }
        let methods = list(self.rule, "allow_methods");
        let listed = contains(&methods, method) || contains(&methods, "*");
        if !safelisted_method(method)
            && (method == "*" || forbidden_method(method) || !listed)
        {
            return (Reason::MethodNotAllowed, Some(method.to_owned()));
        }
        if names.len() > 4096 {
            return (Reason::HeadersMalformed, None);
        }
        let headers = lower(list(self.rule, "allow_headers"));
        for name in elements(names) {
            if !is_token(name, 256) {
                return (Reason::HeadersMalformed, None);
            }
            let lower = name.to_ascii_lowercase();
            let covered = contains(&headers, "*") && lower != "authorization";
            if lower == "*"
                || forbidden_request_header(&lower, b"1")
                || !(covered || contains(&headers, &lower))
            {
                return (Reason::HeaderNotAllowed, Some(name.to_owned()));
            }
        }
        (Reason::None, None)
    }

    fn methods(&self, method: &str, reason: Reason) -> Vec<String> {
        let methods = list(self.rule, "allow_methods");
        let always = ["GET", "HEAD", "POST"].map(str::to_owned).to_vec();
        if !contains(&methods, "*") {
            return vec![unique([always, methods].concat()).join(",")];
        }
        if !self.credentials() {
            // A browser would take "*" for the name of the method.
            return vec![match method {
                "*" => always.join(","),
                _ => "*".to_owned(),
            }];
        }
        if reason != Reason::None || safelisted_method(method) {
            return vec![always.join(",")];
        }
        // One list on two lines, if the name is the request's own.
        let known = ["DELETE", "OPTIONS", "PATCH", "PUT", "QUERY"];
        match known.contains(&method) {
            true => vec![format!("{},{method}", always.join(","))],
            false => vec![always.join(","), method.to_owned()],
        }
    }

    fn headers(
        &self,
        names: &str,
        reason: Reason,
        culprit: &Option<String>,
    ) -> Option<String> {
        let headers = unique(lower(list(self.rule, "allow_headers")));
        let named: Vec<String> = headers
            .iter()
            .filter(|name| {
                *name != "*" && !forbidden_request_header(name, b"1")
            })
            .cloned()
            .collect();
        let some = |list: String| (!list.is_empty()).then_some(list);
        if !contains(&headers, "*") {
            return some(named.join(","));
        }
        let culprit = match (reason, culprit) {
            (Reason::HeaderNotAllowed, Some(name)) => name,
            _ => "",
        };
        // Browsers let "*" cover it.
        if culprit.eq_ignore_ascii_case("authorization") {
            return None;
        }
        if self.credentials() {
            return match reason {
                Reason::None => {
                    elements(names).next().map(|_| names.to_owned())
                }
                _ => some(named.join(",")),
            };
        }
        // A browser would take "*" for the name of the header.
        if culprit == "*" {
            return None;
        }
        Some(match contains(&named, "authorization") {
            true => "*,authorization".to_owned(),
            false => "*".to_owned(),
        })
    }
}

/// The elements of a header's list: between commas, without spaces and tabs
/// around them, and those that are empty left out.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
}

fn is_token(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
        })
}

fn list(rule: &Value, key: &str) -> Vec<String> {
    let list = rule[key].as_array().into_iter().flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn lower(list: Vec<String>) -> Vec<String> {
    list.iter().map(|one| one.to_ascii_lowercase()).collect()
}

fn unique(list: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for one in list {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

fn contains(list: &[String], name: &str) -> bool {
    list.iter().any(|one| one == name)
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
