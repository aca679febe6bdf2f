//! The search for what is near a refused request and would be allowed.
//!
//! The request is changed a little and the policy asked again, or for a header
//! its list. So the cost has a bound, however many origins the policy has, and
//! nothing is said to be allowed that is not.

use std::str;

use crate::decision::{Decision, Reason, Verdict};
use crate::names::forbidden::{
    is_forbidden_method, is_forbidden_request_header,
};
use crate::names::{methods, request_headers};
use crate::origin::pattern::Pattern;
use crate::origin::set::Builder;
use crate::origin::syntax::{self, ORIGIN_MAX, Origin, Scheme, Tuple};
use crate::policy::{Policy, Rule, correction};
use crate::request::Request;

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
    /// The address is in the range, but the range has another scheme or
    /// port.
    Range {
        /// The policy's pattern.
        pattern: String,
        /// An allowed origin of the same address.
        origin: String,
    },
    /// The pattern matches any host of the scheme, but no port.
    AnyHost {
        /// The policy's pattern.
        pattern: String,
    },
    /// The pattern matches the extensions of another browser.
    OtherExtensions {
        /// The policy's pattern.
        pattern: String,
    },
    /// A rule that would allow the request, but the decision is an earlier
    /// one's.
    LaterRule {
        /// Its number, from 1.
        rule: usize,
        /// Its pattern.
        pattern: String,
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
    /// The origin is `null`, and the browser does not say of which site the
    /// page is: so it may be the site's own.
    OpaqueForm,
    /// The page has the site's own host, but is on http.
    InsecurePage {
        /// The site's origin on https.
        origin: String,
    },
    /// The page is of the same site, but not of the same origin.
    SameSite,
    /// The request is for another host than the page's, but the browser does
    /// not say that the page is of another site: if a proxy changes `Host`, it
    /// may be the site's own.
    OtherHost {
        /// `Host`
        host: String,
    },
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
    if decision.verdict == Verdict::Blocked
        && let Some(origin) = text(request.origin)
        && decision.reason != Reason::OriginMalformed
    {
        return near_blocked(policy, request, origin);
    }
    match decision.reason {
        Reason::OriginNotAllowed => {
            let policy = Asked { policy, request: GET };
            near_origin(&policy, text(request.origin)?)
        }
        Reason::OriginMalformed => meant_origin(policy, text(request.origin)?),
        Reason::MethodNotAllowed | Reason::HeaderNotAllowed => {
            let rule = policy.rule_for(request)?;
            let culprit = text(decision.culprit)?;
            other_rule(policy, rule, request).or_else(|| {
                match decision.reason == Reason::MethodNotAllowed {
                    true => near_method(policy, request, culprit),
                    false => near_header(rule, culprit),
                }
            })
        }
        Reason::None
        | Reason::MethodMalformed
        | Reason::HeadersMalformed
        | Reason::CrossSite => None,
    }
}

/// A request that is tried with other origins.
struct Asked<'a> {
    policy: &'a Policy,
    request: Request<'a>,
}

impl<'a> Asked<'a> {
    /// The pattern that allows the request from `origin`, unless that is any.
    fn pattern_for(&self, origin: &'a str) -> Option<&'a str> {
        let request =
            Request { origin: Some(origin.as_bytes()), ..self.request };
        let decision = self.policy.evaluate(&request);
        let pattern = text(decision.pattern)?;
        (decision.reason == Reason::None && pattern != "*").then_some(pattern)
    }
}

fn text(bytes: Option<&[u8]>) -> Option<&str> {
    str::from_utf8(bytes?).ok()
}

/// For a well-formed origin whose requests are blocked.
fn near_blocked(
    policy: &Policy,
    request: &Request<'_>,
    origin: &str,
) -> Option<Near> {
    let Origin::Tuple(tuple) = syntax::parse(origin.as_bytes())? else {
        return Some(match request.fetch_site {
            Some(_) => Near::Opaque,
            None => Near::OpaqueForm,
        });
    };
    if tuple.scheme == Scheme::Http {
        let own = Request { fetch_site: None, scheme: None, ..*request };
        if policy.evaluate(&own).verdict != Verdict::Blocked {
            let origin = origin.replacen("http:", "https:", 1);
            return Some(Near::InsecurePage { origin });
        }
    }
    let asked = Asked { policy, request: GET };
    near_origin(&asked, origin).or_else(|| match request.fetch_site {
        Some(b"same-site") => Some(Near::SameSite),
        None | Some(b"same-origin")
            if matches!(tuple.scheme, Scheme::Http | Scheme::Https) =>
        {
            let host = text(request.host)?.to_owned();
            Some(Near::OtherHost { host })
        }
        None | Some(_) => None,
    })
}

fn meant_origin(policy: &Policy, sent: &str) -> Option<Near> {
    // What is much longer than an origin is no slip of the pen.
    if sent.len() > 2 * ORIGIN_MAX {
        return None;
    }
    let policy = Asked { policy, request: GET };
    let (origin, fault) = correction::correct(sent)?;
    let allowed = policy.pattern_for(&origin).is_some();
    if !allowed {
        syntax::parse(origin.as_bytes())?;
    }
    let near = if allowed { None } else { near_origin(&policy, &origin) };
    Some(Near::Meant { fault, allowed, near: near.map(Box::new), origin })
}

/// A rule that would allow the request, if it came before `rule`, or from an
/// origin that it lists.
fn other_rule(
    policy: &Policy,
    rule: Rule<'_>,
    request: &Request<'_>,
) -> Option<Near> {
    if policy.rules().len() == 1 {
        return None;
    }
    let origin = text(request.origin)?;
    let is_any = rule.permissions.any_origin;
    later_rule(policy, rule, request, origin).or_else(|| {
        let policy = Asked { policy, request: *request };
        // Of an origin that is not listed, a wrong one may be meant.
        if is_any { near_origin(&policy, origin) } else { None }
    })
}

fn later_rule(
    policy: &Policy,
    rule: Rule<'_>,
    request: &Request<'_>,
    origin: &str,
) -> Option<Near> {
    let first = rule.number();
    let allows = |rule: usize| {
        let permissions = policy.permissions(rule);
        let method = request.request_method.unwrap_or_default();
        let headers = request.request_headers.unwrap_or_default();
        methods::check(&permissions.methods, method).is_ok()
            && request_headers::check(&permissions.request_headers, headers)
                .is_ok()
    };
    let near = |rule: usize, pattern: &str| {
        Some(Near::LaterRule { rule: rule + 1, pattern: pattern.into() })
    };
    if let Some(exact) = policy.origins.find_shadowed(origin.as_bytes())
        && let rule = policy.origins.rule_of(exact)
        && rule >= first
        && allows(rule)
    {
        return near(rule, origin);
    }
    // Of the patterns that match many origins, the first few, in a set of
    // their own.
    let later = policy.origins.many_after(first - 1);
    let mut patterns = Builder::with_capacity(0, true);
    let mut rules = Vec::new();
    for pattern in later.take(LATER_PATTERNS_MAX) {
        let rule = policy.origins.rule_of(pattern);
        if rules.last() != Some(&rule) {
            if !allows(rule) {
                continue;
            }
            if !rules.is_empty() {
                patterns.next_rule();
            }
            rules.push(rule);
        }
        let pattern = text(Some(pattern))?;
        patterns.push(pattern, &Pattern::parse(pattern).ok()?);
    }
    let (set, _) = patterns.build();
    if let Origin::Tuple(tuple) = syntax::parse(origin.as_bytes())?
        && let Some(found) = set.find_wildcard(origin.as_bytes(), &tuple)
    {
        return near(rules[set.rule_of(found)], text(Some(found))?);
    }
    let last = policy.rules().len() - 1;
    let is_later = policy.any_origin && last >= first;
    if is_later && allows(last) { near(last, "*") } else { None }
}

fn near_origin(policy: &Asked<'_>, sent: &str) -> Option<Near> {
    let Origin::Tuple(tuple) = syntax::parse(sent.as_bytes())? else {
        return Some(Near::Opaque);
    };
    let schemes = match tuple.scheme {
        Scheme::Http => ["http", "https"],
        Scheme::Https => ["https", "http"],
        Scheme::Other => return near_other(policy, sent, &tuple),
        Scheme::Special => return None,
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
    let allowed = candidates.find_map(|origin| {
        let pattern = policy.pattern_for(&origin)?.to_owned();
        Some((origin, pattern))
    });
    if let Some((origin, pattern)) = allowed {
        return Some(match Pattern::parse(&pattern) {
            Ok(Pattern::Range(_)) => Near::Range { pattern, origin },
            _ => Near::Origin(origin),
        });
    }
    let www = match host.strip_prefix("www.") {
        Some(rest) => rest.to_owned(),
        None => format!("www.{host}"),
    };
    for scheme in schemes {
        let www = on_port(scheme, &www, tuple.port);
        // Only if it is listed: under a wildcard "www." is like any label.
        if policy.pattern_for(&www) == Some(&www) {
            return Some(Near::Origin(www));
        }
    }
    let below = with_host(&format!("{ANY_LABEL}.{host}"));
    if let Some(pattern) = policy.pattern_for(&below)
        && has_wildcard_host(pattern)
    {
        return Some(Near::Subdomains { pattern: pattern.into() });
    }
    let dots = host.match_indices('.').take(LABELS_DROPPED_MAX);
    dots.map(|(dot, _)| with_host(&host[dot + 1..])).find_map(|origin| {
        let pattern = policy.pattern_for(&origin)?.to_owned();
        Some(match has_wildcard_host(&pattern) {
            true => Near::FewerLabels { pattern, origin },
            false => Near::Origin(origin),
        })
    })
}

/// For an origin that is neither http nor https.
fn near_other(
    policy: &Asked<'_>,
    sent: &str,
    tuple: &Tuple<'_>,
) -> Option<Near> {
    let (scheme, rest) = sent.split_once("://")?;
    if tuple.port.is_some() {
        let (host, _) = rest.split_once(':')?;
        let origin = format!("{scheme}://{host}");
        let pattern = policy.pattern_for(&origin)?.to_owned();
        return Some(match pattern.ends_with("://*") {
            true => Near::AnyHost { pattern },
            false => Near::Origin(origin),
        });
    }
    let is_extension = |(known, _): &(&str, _)| *known == scheme;
    if !EXTENSIONS.iter().any(is_extension) {
        return None;
    }
    EXTENSIONS.iter().find_map(|(other, _)| {
        let any = format!("{other}://{ANY_LABEL}");
        let pattern = policy.pattern_for(&any)?.to_owned();
        Some(Near::OtherExtensions { pattern })
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

fn has_wildcard_host(pattern: &str) -> bool {
    pattern.strip_suffix(":*").unwrap_or(pattern).contains('*')
}

const GET: Request<'static> = Request {
    method: Some(b"GET"),
    origin: None,
    request_method: None,
    request_headers: None,
    host: None,
    fetch_site: None,
    upgrade: None,
    scheme: None,
};

/// The schemes of extensions, and the browsers that they are of.
pub(super) const EXTENSIONS: [(&str, &str); 3] = [
    ("chrome-extension", "Chromium"),
    ("moz-extension", "Firefox"),
    ("safari-web-extension", "Safari"),
];

/// How many patterns of later rules are tried.
const LATER_PATTERNS_MAX: usize = 64;

/// A label that is in no policy, to try a wildcard with.
const ANY_LABEL: &str = "any-subdomain-of";

/// How many labels of a host are dropped to find a pattern for the rest.
const LABELS_DROPPED_MAX: usize = 8;

/// Ports on which development servers listen by default.
const USUAL_PORTS: [u16; 14] = [
    3000, 3001, 4000, 4173, 4200, 5000, 5173, 8000, 8080, 8081, 8443, 8888,
    9000, 9090,
];
