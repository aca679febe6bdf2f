//! The decision in words, and where it refuses, what is near that would be
//! allowed.
//!
//! What is near is found by trying: the request is changed a little, and the
//! matcher asked again. So the cost has a bound, however many origins the
//! policy has, and nothing is said to be allowed that is not.

use std::str;

use crate::decision::{Decision, Reason, Request, Verdict};
use crate::names::forbidden::{
    is_forbidden_method, is_forbidden_request_header,
};
use crate::origin::ports::default_port;
use crate::origin::syntax::{self, ORIGIN_MAX, Origin, Scheme, Tuple};
use crate::policy::{Policy, correction};

/// A decision in words, for people. Each text is whole sentences on one line,
/// printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Why the decision is what it is.
    pub cause: String,
    /// Where the decision refuses: what is near and would be allowed, or what
    /// to know of such a request. Nothing where nothing is near.
    pub hint: Option<String>,
}

impl Policy {
    /// The decision in words, for people: one line of printable ASCII, of
    /// [`Policy::explanation`], the status and the headers.
    pub fn explain(&self, request: &Request<'_>) -> String {
        let decision = self.evaluate(request);
        let Explanation { cause, hint } = explain(self, request, &decision);
        let mut text = format!("{}: {cause}", decision.verdict.name());
        if let Some(hint) = hint {
            text += " ";
            text += &hint;
        }
        if decision.status != 0 {
            text += &format!(" Answer {} at once.", decision.status);
        }
        for (i, header) in decision.headers().enumerate() {
            text += if i == 0 { " Headers: " } else { "; " };
            text += header.name;
            text += ": ";
            text += &escaped(header.value);
        }
        text
    }

    /// Why a request is decided as it is, and what is near that would be
    /// allowed. Allocates; the work is bounded by that of a hundred decisions.
    pub fn explanation(&self, request: &Request<'_>) -> Explanation {
        explain(self, request, &self.evaluate(request))
    }
}

fn explain(
    policy: &Policy,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> Explanation {
    Explanation {
        cause: cause(policy, request, decision),
        hint: hint(policy, request, decision),
    }
}

fn cause(
    policy: &Policy,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> String {
    let origin = quoted(request.origin.unwrap_or_default());
    let culprit = quoted(decision.culprit.unwrap_or_default());
    let pattern = quoted(decision.pattern.unwrap_or_default());
    match decision.reason {
        Reason::None if decision.verdict == Verdict::NotCors => {
            "the request has no Origin.".into()
        }
        Reason::None => {
            format!("the origin {origin} matches the pattern {pattern}.")
        }
        Reason::OriginNotAllowed | Reason::OriginMalformed => {
            let mut text = match decision.reason {
                Reason::OriginNotAllowed => {
                    format!("no pattern matches the origin {origin}.")
                }
                _ => {
                    format!("{origin} is not one origin as browsers send it.")
                }
            };
            if decision.verdict == Verdict::Refused {
                text += " The application answers all the same: it is the \
                         browser that keeps the response from the page.";
            }
            text
        }
        Reason::MethodNotAllowed => {
            format!("the method {culprit} is not in allow_methods.")
        }
        Reason::MethodMalformed => {
            "Access-Control-Request-Method is not a method name.".into()
        }
        Reason::HeaderNotAllowed => {
            let mut text =
                format!("the header {culprit} is not in allow_headers.");
            if policy.request_headers.any() {
                text += " \"*\" does not cover it.";
            }
            text
        }
        Reason::HeadersMalformed => {
            "Access-Control-Request-Headers is not a list of header names."
                .into()
        }
    }
}

fn hint(
    policy: &Policy,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> Option<String> {
    match decision.reason {
        Reason::OriginNotAllowed => origin_hint(policy, request.origin?),
        Reason::OriginMalformed => {
            malformed_origin_hint(policy, request.origin?)
        }
        Reason::MethodNotAllowed => {
            method_hint(policy, request, decision.culprit?)
        }
        Reason::HeaderNotAllowed => header_hint(policy, decision.culprit?),
        Reason::None | Reason::MethodMalformed | Reason::HeadersMalformed => {
            None
        }
    }
}

/// For what is no origin: the origin that was meant.
fn malformed_origin_hint(policy: &Policy, origin: &[u8]) -> Option<String> {
    // What is much longer than an origin is no slip of the pen.
    if origin.len() > 2 * ORIGIN_MAX {
        return None;
    }
    let (meant, fault) = correction::correct(str::from_utf8(origin).ok()?)?;
    let meant = meant.as_bytes();
    if pattern_for(policy, meant).is_some() {
        return Some(format!(
            "{} would be allowed: this one {fault}.",
            quoted(meant)
        ));
    }
    syntax::parse(meant)?;
    let mut text =
        format!("It {fault}. No pattern matches {} either.", quoted(meant));
    if let Some(hint) = origin_hint(policy, meant) {
        text += " ";
        text += &hint;
    }
    Some(text)
}

/// For an origin that no pattern matches: one that differs little.
fn origin_hint(policy: &Policy, origin: &[u8]) -> Option<String> {
    let tuple = match syntax::parse(origin)? {
        Origin::Opaque => {
            return Some(
                "A browser sends \"null\" for a sandboxed iframe, a local \
                 file, and a request that was redirected to another origin."
                    .into(),
            );
        }
        Origin::Tuple(tuple) => tuple,
    };
    let https = match tuple.scheme {
        Scheme::Http => false,
        Scheme::Https => true,
        Scheme::Special | Scheme::Other => return None,
    };
    let host = str::from_utf8(tuple.host).ok()?;
    let written = |https, host: &str, port: Option<u16>| {
        let scheme = if https { "https" } else { "http" };
        match port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    };
    let nearest = |origin: &str, difference: &str| {
        pattern_for(policy, origin.as_bytes()).map(|_| {
            format!(
                "The nearest that would be allowed is \"{origin}\": \
                 {difference}."
            )
        })
    };

    if let Some(bare) = host.strip_suffix('.') {
        let near = written(https, bare, tuple.port);
        if let Some(hint) = nearest(&near, "without the final dot") {
            return Some(hint);
        }
    }
    for (other, port) in other_schemes_and_ports(https, tuple) {
        let mut differences = Vec::new();
        if other != https {
            differences.push(match other {
                true => "https instead of http".to_owned(),
                false => "http instead of https".to_owned(),
            });
        }
        if port != tuple.port {
            let words = |port: Option<u16>| match port {
                Some(port) => format!("port {port}"),
                None => "no port".to_owned(),
            };
            differences.push(format!(
                "{} instead of {}",
                words(port),
                words(tuple.port)
            ));
        }
        let near = written(other, host, port);
        if let Some(hint) = nearest(&near, &differences.join(", ")) {
            return Some(hint);
        }
    }
    let (near, difference) = match host.strip_prefix("www.") {
        Some(rest) => (rest.to_owned(), "without \"www.\""),
        None => (format!("www.{host}"), "with \"www.\""),
    };
    let near = written(https, &near, tuple.port);
    // Only where it is listed: under a wildcard "www." is like any label.
    if pattern_for(policy, near.as_bytes()) == Some(near.as_bytes()) {
        return nearest(&near, difference);
    }
    depth_hint(policy, host, |host| written(https, host, tuple.port))
}

/// For a host with more or fewer labels than a pattern has.
fn depth_hint(
    policy: &Policy,
    host: &str,
    written: impl Fn(&str) -> String,
) -> Option<String> {
    // A label that only a wildcard matches.
    let below = written(&format!("{ANY_LABEL}.{host}"));
    if let Some(pattern) = pattern_for(policy, below.as_bytes())
        && pattern.contains(&b'*')
        && pattern != below.as_bytes()
    {
        return Some(format!(
            "The pattern {} matches what stands below {host}, and not {host} \
             itself: list it too.",
            quoted(pattern)
        ));
    }
    let mut above = host;
    for _ in 0..LABELS_DROPPED_MAX {
        (_, above) = above.split_once('.')?;
        let near = written(above);
        let Some(pattern) = pattern_for(policy, near.as_bytes()) else {
            continue;
        };
        return Some(if pattern == near.as_bytes() {
            format!(
                "The nearest that would be allowed is \"{near}\": an origin \
                 does not stand for those below it."
            )
        } else {
            format!(
                "The pattern {} matches \"{near}\": each * stays inside one \
                 label, and {host} has more.",
                quoted(pattern)
            )
        });
    }
    None
}

/// The other schemes and ports under which the same host may be listed, the
/// likely ones first.
fn other_schemes_and_ports(
    https: bool,
    tuple: Tuple<'_>,
) -> impl Iterator<Item = (bool, Option<u16>)> {
    let own = tuple.port;
    let beside = own.into_iter().flat_map(|port| {
        [port.checked_sub(1), port.checked_add(1)].into_iter().flatten()
    });
    let ports: Vec<Option<u16>> = [own, None]
        .into_iter()
        .chain(beside.filter(|&port| port != 0).map(Some))
        .chain(USUAL_PORTS.map(Some))
        .collect();
    [https, !https].into_iter().flat_map(move |scheme| {
        let default = default_port(if scheme { b"https" } else { b"http" });
        ports
            .clone()
            .into_iter()
            .filter(move |&port| {
                port != default && (scheme, port) != (https, own)
            })
            .map(move |port| (scheme, port))
    })
}

fn method_hint(
    policy: &Policy,
    request: &Request<'_>,
    culprit: &[u8],
) -> Option<String> {
    if is_forbidden_method(culprit) {
        return Some("No script can use it, and no policy allow it.".into());
    }
    let near = [culprit.to_ascii_uppercase(), culprit.to_ascii_lowercase()];
    let near = near.iter().find(|near| {
        let request = Request {
            request_method: Some(near.as_slice()),
            request_headers: None,
            ..*request
        };
        policy.evaluate(&request).verdict == Verdict::PreflightAllowed
    })?;
    Some(format!(
        "{} would be allowed: methods compare byte for byte, and browsers \
         upper-case none but DELETE, GET, HEAD, OPTIONS, POST and PUT.",
        quoted(near)
    ))
}

fn header_hint(policy: &Policy, culprit: &[u8]) -> Option<String> {
    let lower = str::from_utf8(culprit).ok()?.to_ascii_lowercase();
    if is_forbidden_request_header(lower.as_bytes()) {
        return Some("No script can set it, and no policy allow it.".into());
    }
    if lower == "content-type" {
        return Some(
            "With a value that HTML forms do not send, such as \
             application/json, Content-Type must be in allow_headers."
                .into(),
        );
    }
    let near = [
        lower.replace('_', "-"),
        lower.replace('-', "_"),
        format!("x-{lower}"),
        lower.strip_prefix("x-").unwrap_or_default().to_owned(),
    ];
    let listed = &policy.request_headers;
    let near = near.iter().find(|near| listed.lists(near.as_bytes()))?;
    Some(format!("\"{near}\" would be allowed."))
}

/// The pattern that lets `origin` in.
fn pattern_for<'a>(policy: &'a Policy, origin: &'a [u8]) -> Option<&'a [u8]> {
    let request = Request {
        method: Some(b"GET"),
        origin: Some(origin),
        ..Request::default()
    };
    policy.evaluate(&request).pattern
}

/// A label that is in no policy, to try a wildcard with.
const ANY_LABEL: &str = "any-subdomain-of";

/// How many labels of a host are left out to find a pattern for the rest.
const LABELS_DROPPED_MAX: usize = 8;

/// Ports on which development servers listen, unless told otherwise.
const USUAL_PORTS: [u16; 14] = [
    3000, 3001, 4000, 4173, 4200, 5000, 5173, 8000, 8080, 8081, 8443, 8888,
    9000, 9090,
];

/// How many bytes of a text are shown, of the request as of the policy: as
/// many as an origin can have. So an explanation is short, whatever comes.
const SHOWN_MAX: usize = ORIGIN_MAX;

/// Everything outside 0x20 to 0x7E escaped, and the backslash; cut where it is
/// long.
fn escaped(bytes: &[u8]) -> String {
    let (shown, cut) = cut(bytes);
    escaped_for_quotes(shown).replace("\\\"", "\"") + &cut
}

fn quoted(bytes: &[u8]) -> String {
    let (shown, cut) = cut(bytes);
    format!("\"{}\"{cut}", escaped_for_quotes(shown))
}

/// What is shown of a text, and what stands behind it where that is not all.
fn cut(bytes: &[u8]) -> (&[u8], String) {
    match bytes.split_at_checked(SHOWN_MAX) {
        Some((shown, [_, ..])) => {
            (shown, format!("... ({} bytes)", bytes.len()))
        }
        _ => (bytes, String::new()),
    }
}

fn escaped_for_quotes(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: &str = r#"{
        "allow_origins": [
            "https://app.example.com", "https://*.one.example",
            "https://**.any.example", "http://localhost:3000",
            "https://www.site.example", "https://bare.example",
            "https://dev.example:8443", "http://[::1]:5173",
            "https://xn--bcher-kva.example"
        ],
        "allow_methods": ["PATCH", "purge"],
        "allow_headers": ["X-Api-Key", "Idempotency-Key"]
    }"#;

    fn policy(json: &str) -> Policy {
        Policy::from_json(json.as_bytes()).expect("it loads")
    }

    fn origin_hint_of(origin: &str) -> String {
        let request = Request {
            method: Some(b"GET"),
            origin: Some(origin.as_bytes()),
            ..Request::default()
        };
        policy(POLICY).explanation(&request).hint.unwrap_or_default()
    }

    fn preflight_hint_of(json: &str, method: &str, headers: &str) -> String {
        let request = Request {
            method: Some(b"OPTIONS"),
            origin: Some(b"https://app.example.com"),
            request_method: Some(method.as_bytes()),
            request_headers: Some(headers.as_bytes()),
        };
        policy(json).explanation(&request).hint.unwrap_or_default()
    }

    #[test]
    fn the_nearest_origin_is_named_with_what_differs() {
        for (origin, near, difference) in [
            (
                "http://app.example.com",
                "https://app.example.com",
                "https instead of http",
            ),
            (
                "https://app.example.com.",
                "https://app.example.com",
                "without the final dot",
            ),
            (
                "https://app.example.com:8443",
                "https://app.example.com",
                "no port instead of port 8443",
            ),
            (
                "http://localhost:3001",
                "http://localhost:3000",
                "port 3000 instead of port 3001",
            ),
            (
                "http://localhost:2999",
                "http://localhost:3000",
                "port 3000 instead of port 2999",
            ),
            (
                "http://localhost",
                "http://localhost:3000",
                "port 3000 instead of no port",
            ),
            (
                "https://localhost:3000",
                "http://localhost:3000",
                "http instead of https",
            ),
            (
                "https://localhost",
                "http://localhost:3000",
                "http instead of https, port 3000 instead of no port",
            ),
            (
                "https://site.example",
                "https://www.site.example",
                "with \"www.\"",
            ),
            (
                "https://www.bare.example",
                "https://bare.example",
                "without \"www.\"",
            ),
            (
                "https://dev.example",
                "https://dev.example:8443",
                "port 8443 instead of no port",
            ),
            (
                "https://[::1]:5173",
                "http://[::1]:5173",
                "http instead of https",
            ),
            (
                "https://a.app.example.com",
                "https://app.example.com",
                "an origin does not stand for those below it",
            ),
        ] {
            assert_eq!(
                origin_hint_of(origin),
                format!(
                    "The nearest that would be allowed is \"{near}\": {difference}."
                )
            );
        }
    }

    #[test]
    fn the_depth_of_wildcards_is_explained() {
        assert_eq!(
            origin_hint_of("https://a.b.one.example"),
            "The pattern \"https://*.one.example\" matches \
             \"https://b.one.example\": each * stays inside one label, and \
             a.b.one.example has more."
        );
        for (origin, pattern) in [
            ("https://one.example", "https://*.one.example"),
            ("https://any.example", "https://**.any.example"),
        ] {
            let host = &origin["https://".len()..];
            assert_eq!(
                origin_hint_of(origin),
                format!(
                    "The pattern \"{pattern}\" matches what stands below \
                     {host}, and not {host} itself: list it too."
                )
            );
        }
    }

    #[test]
    fn what_is_no_origin_is_read_as_people_write_one() {
        for (origin, near, fault) in [
            (
                "https://app.example.com/",
                "https://app.example.com",
                "has a trailing slash, which browsers omit",
            ),
            (
                "https://App.Example.com",
                "https://app.example.com",
                "has uppercase letters, which browsers never send",
            ),
            (
                "https://app.example.com:443",
                "https://app.example.com",
                "includes the scheme's default port, which browsers omit",
            ),
            ("app.example.com", "https://app.example.com", "has no scheme"),
            (
                "https://app.example.com/page?q",
                "https://app.example.com",
                "has a path or query, but an origin ends with the host or port",
            ),
            (
                "https://b\u{fc}cher.example",
                "https://xn--bcher-kva.example",
                "has a Unicode host, which browsers send in Punycode",
            ),
        ] {
            assert_eq!(
                origin_hint_of(origin),
                format!("\"{near}\" would be allowed: this one {fault}.")
            );
        }
        assert_eq!(
            origin_hint_of("http://app.example.com/"),
            "It has a trailing slash, which browsers omit. No pattern matches \
             \"http://app.example.com\" either. The nearest that would be \
             allowed is \"https://app.example.com\": https instead of http."
        );
    }

    #[test]
    fn strangers_get_no_hint() {
        for origin in [
            "https://evil.example",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com.evil.example",
            "https://evilone.example",
            "chrome-extension://abc",
            "https://a.example, https://b.example",
            "",
            "@",
        ] {
            assert_eq!(origin_hint_of(origin), "", "{origin}");
        }
        assert!(origin_hint_of("null").contains("sandboxed iframe"));
        let long = format!("https://app.example.com/{}", "a".repeat(1 << 16));
        assert_eq!(origin_hint_of(&long), "");
    }

    #[test]
    fn methods_and_headers_have_hints_of_their_own() {
        let star = r#"{ "allow_origins": ["*"], "allow_methods": ["*"],
                        "allow_headers": ["*"] }"#;
        for (json, method, headers, expected) in [
            (POLICY, "patch", "", "\"PATCH\" would be allowed: methods"),
            (POLICY, "PURGE", "", "\"purge\" would be allowed: methods"),
            (POLICY, "PUT", "", ""),
            (star, "TRACE", "", "No script can use it"),
            (POLICY, "PATCH", "x_api_key", "\"x-api-key\" would be allowed."),
            (POLICY, "PATCH", "api-key", "\"x-api-key\" would be allowed."),
            (POLICY, "GET", "x-idempotency-key", "\"idempotency-key\" would"),
            (POLICY, "GET", "x-other", ""),
            (POLICY, "GET", "content-type", "With a value that HTML forms"),
            (POLICY, "GET", "cookie", "No script can set it"),
            (star, "GET", "sec-fetch-mode", "No script can set it"),
        ] {
            let hint = preflight_hint_of(json, method, headers);
            assert!(
                hint.starts_with(expected)
                    && hint.is_empty() == expected.is_empty(),
                "{method} {headers}: {hint}"
            );
        }
    }

    #[test]
    fn long_texts_are_cut_and_their_length_told() {
        let longest = format!("https://{}", "a".repeat(ORIGIN_MAX - 8));
        let longer = format!("{longest}a");
        let explain = |origin: &str| {
            policy(POLICY).explain(&Request {
                method: Some(b"GET"),
                origin: Some(origin.as_bytes()),
                ..Request::default()
            })
        };
        assert!(explain(&longest).contains(&format!("{longest}\" is not")));
        assert!(
            explain(&longer)
                .contains(&format!("{longest}\"... (327 bytes) is not"))
        );
    }

    #[test]
    fn an_explanation_is_short_whatever_the_request_and_the_policy() {
        let names = |prefix: &str| {
            let names = (0..2000).map(|i| format!("\"{prefix}{i}\""));
            names.collect::<Vec<_>>().join(",")
        };
        let json = |origins: &str, headers: &str, credentials: bool| {
            policy(&format!(
                r#"{{ "allow_origins": [{origins}],
                      "allow_methods": [{}], "allow_headers": [{headers}],
                      "expose_headers": [{}],
                      "allow_credentials": {credentials} }}"#,
                names("M"),
                names("x-"),
            ))
        };
        let label = "a".repeat(60);
        let deep = format!("https://**.{label}.{label}.{label}.example");
        let origins = format!("\"{deep}\", \"https://a.example\"");
        let policies = [
            json("\"*\"", &names("x-"), false),
            json(&origins, &names("x-"), false),
            json(&origins, "\"*\"", true),
        ];
        let long = [
            "",
            "GET",
            "M1",
            "https://a.example",
            &deep.replace("**", "b"),
            &"x-1,".repeat(1000),
            &"\0".repeat(1 << 20),
            &"https://a".repeat(1 << 20),
            &"\u{e9}".repeat(300),
        ];
        for policy in &policies {
            for origin in long {
                for method in long {
                    for headers in long {
                        let text = policy.explain(&Request {
                            method: Some(b"OPTIONS"),
                            origin: Some(origin.as_bytes()),
                            request_method: Some(method.as_bytes()),
                            request_headers: Some(headers.as_bytes()),
                        });
                        assert!(text.len() < 4096, "{}", text.len());
                    }
                }
                let text = policy.explain(&Request {
                    method: Some(b"GET"),
                    origin: Some(origin.as_bytes()),
                    ..Request::default()
                });
                assert!(text.len() < 4096, "{}", text.len());
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_explained_in_printable_ascii(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            origin in "[a-z]{0,5}:?/{0,2}[a-zA-Z0-9.*:@/ \\[\\]\u{e9}-]{0,60}",
            names in "[a-zA-Z_,*-]{0,40}",
        ) {
            let policy = policy(POLICY);
            for origin in [&bytes, origin.as_bytes(), b"http://localhost:3000"] {
                let request = Request {
                    method: Some(b"OPTIONS"),
                    origin: Some(origin),
                    request_method: Some(names.as_bytes()),
                    request_headers: Some(&bytes),
                };
                let asked = Request {
                    request_method: Some(b"GET"),
                    request_headers: Some(names.as_bytes()),
                    ..request
                };
                let actual = Request { request_method: None, ..request };
                for request in [request, asked, actual] {
                    let text = policy.explain(&request);
                    prop_assert!(
                        text.bytes().all(|b| (0x20..=0x7e).contains(&b)),
                        "{text:?}"
                    );
                }
            }
        }

        #[test]
        fn an_origin_that_a_hint_names_is_allowed(
            scheme in "https?",
            host in "(app|www|a|x\\.y)\\.(example\\.com|(one|any|site|bare)\\.example)|localhost|dev\\.example|\\[::1\\]",
            end in "(:(80|443|2999|3000|3001|5173|8443))?[./]?",
        ) {
            let hint = origin_hint_of(&format!("{scheme}://{host}{end}"));
            let (_, named) =
                hint.split_once("would be allowed is \"").unwrap_or_default();
            if let Some((named, _)) = named.split_once('"') {
                prop_assert!(
                    pattern_for(&policy(POLICY), named.as_bytes()).is_some(),
                    "{hint}"
                );
            }
        }
    }
}
