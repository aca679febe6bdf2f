//! The search for what is near a refused request and would be allowed.
//!
//! The request is changed a little and the policy asked again, or for a header
//! its list. So the cost has a bound, however many origins the policy has, and
//! nothing is said to be allowed that is not.

use std::str;

use crate::decision::{Decision, Reason, Request, Verdict};
use crate::names::forbidden::{
    is_forbidden_method, is_forbidden_request_header,
};
use crate::origin::syntax::{self, ORIGIN_MAX, Origin, Scheme};
use crate::policy::{Policy, Rule, correction};

/// What is near a refused request and would be allowed, or why nothing can be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Near {
    /// An allowed origin; the request's differs in its scheme, its port or a
    /// part of its host.
    Origin(String),
    /// The pattern matches subdomains of the request's host, but not the host
    /// itself.
    Subdomains {
        /// The policy's pattern.
        pattern: String,
    },
    /// The pattern matches an origin with fewer labels than the request's.
    FewerLabels {
        /// The policy's pattern.
        pattern: String,
        /// The origin that it matches.
        origin: String,
    },
    /// What the malformed origin is meant to be.
    Meant {
        /// What a browser sends.
        origin: String,
        /// What is wrong with the request's, such as `has no scheme`.
        fault: &'static str,
        /// Whether a pattern matches it.
        allowed: bool,
        /// What is near, if none does.
        near: Option<Box<Near>>,
    },
    /// The origin is `null`, which browsers send for an opaque one.
    Opaque,
    /// An allowed method, which differs in case.
    Method(String),
    /// An allowed header with nearly the same name.
    Header(String),
    /// Scripts cannot use the method or header.
    Forbidden,
    /// The header is `Content-Type`, whose value decides whether it needs a
    /// permission.
    ContentType,
}

pub(super) fn find(
    policy: &Policy,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> Option<Near> {
    match decision.reason {
        Reason::OriginNotAllowed => near_origin(policy, text(request.origin)?),
        Reason::OriginMalformed => meant_origin(policy, text(request.origin)?),
        Reason::MethodNotAllowed => {
            near_method(policy, request, text(decision.culprit)?)
        }
        Reason::HeaderNotAllowed => {
            let rule = policy.rule_for(request)?;
            near_header(rule, text(decision.culprit)?)
        }
        Reason::None | Reason::MethodMalformed | Reason::HeadersMalformed => {
            None
        }
    }
}

fn text(bytes: Option<&[u8]>) -> Option<&str> {
    str::from_utf8(bytes?).ok()
}

fn meant_origin(policy: &Policy, sent: &str) -> Option<Near> {
    // What is much longer than an origin is no slip of the pen.
    if sent.len() > 2 * ORIGIN_MAX {
        return None;
    }
    let (origin, fault) = correction::correct(sent)?;
    let allowed = pattern_for(policy, &origin).is_some();
    if !allowed {
        syntax::parse(origin.as_bytes())?;
    }
    let near = if allowed { None } else { near_origin(policy, &origin) };
    Some(Near::Meant { fault, allowed, near: near.map(Box::new), origin })
}

fn near_origin(policy: &Policy, sent: &str) -> Option<Near> {
    let Origin::Tuple(tuple) = syntax::parse(sent.as_bytes())? else {
        return Some(Near::Opaque);
    };
    let schemes = match tuple.scheme {
        Scheme::Http => ["http", "https"],
        Scheme::Https => ["https", "http"],
        Scheme::Special | Scheme::Other => return None,
    };
    let host = text(Some(tuple.host))?;
    let on_port = |scheme: &str, host: &str, port: Option<u16>| match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    let with_host = |host: &str| on_port(schemes[0], host, tuple.port);

    // The likely ones first. Of these the matcher takes none that is
    // malformed, such as one with a default port.
    let own = tuple.port.into_iter();
    let next =
        own.flat_map(|port| [port.wrapping_sub(1), port.wrapping_add(1)]);
    let ports: Vec<Option<u16>> = [tuple.port, None]
        .into_iter()
        .chain(next.chain(USUAL_PORTS).map(Some))
        .collect();
    let elsewhere = schemes.iter().flat_map(|scheme| {
        ports.iter().map(move |&port| on_port(scheme, host, port))
    });
    let without_dot = host.strip_suffix('.').map(with_host);
    let mut candidates = without_dot.into_iter().chain(elsewhere);
    let is_allowed = |origin: &String| pattern_for(policy, origin).is_some();
    if let Some(origin) = candidates.find(is_allowed) {
        return Some(Near::Origin(origin));
    }
    let www = match host.strip_prefix("www.") {
        Some(rest) => rest.to_owned(),
        None => format!("www.{host}"),
    };
    for scheme in schemes {
        let www = on_port(scheme, &www, tuple.port);
        // Only if it is listed: under a wildcard "www." is like any label.
        if pattern_for(policy, &www) == Some(&www) {
            return Some(Near::Origin(www));
        }
    }
    let below = with_host(&format!("{ANY_LABEL}.{host}"));
    if let Some(pattern) = pattern_for(policy, &below)
        && has_wildcard_host(pattern)
    {
        return Some(Near::Subdomains { pattern: pattern.into() });
    }
    let dots = host.match_indices('.').take(LABELS_DROPPED_MAX);
    dots.map(|(dot, _)| with_host(&host[dot + 1..])).find_map(|origin| {
        let pattern = pattern_for(policy, &origin)?.to_owned();
        Some(match has_wildcard_host(&pattern) {
            true => Near::FewerLabels { pattern, origin },
            false => Near::Origin(origin),
        })
    })
}

fn near_method(
    policy: &Policy,
    request: &Request<'_>,
    sent: &str,
) -> Option<Near> {
    if is_forbidden_method(sent.as_bytes()) {
        return Some(Near::Forbidden);
    }
    let near = [sent.to_ascii_uppercase(), sent.to_ascii_lowercase()];
    near.into_iter()
        .find(|near| {
            let request = Request {
                request_method: Some(near.as_bytes()),
                request_headers: None,
                ..*request
            };
            policy.evaluate(&request).verdict == Verdict::PreflightAllowed
        })
        .map(Near::Method)
}

fn near_header(rule: Rule<'_>, sent: &str) -> Option<Near> {
    let lower = sent.to_ascii_lowercase();
    if is_forbidden_request_header(lower.as_bytes()) {
        return Some(Near::Forbidden);
    }
    if lower == "content-type" {
        return Some(Near::ContentType);
    }
    let near = [
        lower.replace('_', "-"),
        lower.replace('-', "_"),
        format!("x-{lower}"),
        lower.strip_prefix("x-").unwrap_or_default().to_owned(),
    ];
    let names = &rule.permissions.request_headers;
    let is_listed = |near: &String| names.contains(near.as_bytes());
    near.into_iter().find(is_listed).map(Near::Header)
}

/// The pattern that allows `origin`.
fn pattern_for<'a>(policy: &'a Policy, origin: &'a str) -> Option<&'a str> {
    let request = Request {
        method: Some(b"GET"),
        origin: Some(origin.as_bytes()),
        ..Request::default()
    };
    text(policy.evaluate(&request).pattern)
}

fn has_wildcard_host(pattern: &str) -> bool {
    pattern.strip_suffix(":*").unwrap_or(pattern).contains('*')
}

/// A label that is in no policy, to try a wildcard with.
const ANY_LABEL: &str = "any-subdomain-of";

/// How many labels of a host are dropped to find a pattern for the rest.
const LABELS_DROPPED_MAX: usize = 8;

/// Ports on which development servers listen by default.
const USUAL_PORTS: [u16; 14] = [
    3000, 3001, 4000, 4173, 4200, 5000, 5173, 8000, 8080, 8081, 8443, 8888,
    9000, 9090,
];
