//! What is said of a decision and of what was found near the request.

use super::near::EXTENSIONS;
use super::{Explanation, Near};
use crate::decision::{Decision, Reason, Verdict};
use crate::origin::syntax::{self, ORIGIN_MAX, Origin, Scheme};
use crate::policy::Rule;
use crate::request::Request;

/// All of it on one line.
pub(super) fn line(
    decision: &Decision<'_>,
    explanation: &Explanation,
) -> String {
    let Explanation { cause, hint, .. } = explanation;
    let mut line = format!("{}: {cause}", decision.verdict.name());
    if let Some(hint) = hint {
        line = format!("{line} {hint}");
    }
    if decision.status != 0 {
        line += &format!(" Answer {} at once.", decision.status);
    }
    let mut before = " Headers: ";
    for header in decision.headers() {
        let value = escaped(header.value, "");
        line += &format!("{before}{}: {value}", header.name);
        before = "; ";
    }
    line
}

/// `rule` is the one that decides; `number` is its number, if the policy has
/// several.
pub(super) fn cause(
    rule: Option<Rule<'_>>,
    number: Option<usize>,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> String {
    let of_rule = match number {
        Some(number) => format!(" of rule {number}"),
        None => String::new(),
    };
    let origin = quoted(request.origin.unwrap_or_default());
    let culprit = quoted(decision.culprit.unwrap_or_default());
    let mut text = match decision.reason {
        Reason::None if decision.verdict == Verdict::NotCors => {
            "the request has no Origin.".into()
        }
        Reason::None if decision.verdict == Verdict::SameOrigin => {
            "the request comes from a page of the same origin, which needs no \
             permission."
                .into()
        }
        Reason::None => {
            let pattern = quoted(decision.pattern.unwrap_or_default());
            format!(
                "the origin {origin} matches the pattern {pattern}{of_rule}."
            )
        }
        Reason::OriginNotAllowed => {
            format!("no pattern matches the origin {origin}.")
        }
        Reason::OriginMalformed => {
            format!("{origin} is not a single, well-formed origin.")
        }
        Reason::MethodNotAllowed => {
            format!("the method {culprit} is not in allow_methods{of_rule}.")
        }
        Reason::MethodMalformed => {
            "Access-Control-Request-Method is not a method name.".into()
        }
        Reason::HeaderNotAllowed => {
            format!("the header {culprit} is not in allow_headers{of_rule}.")
        }
        Reason::HeadersMalformed => {
            "Access-Control-Request-Headers is not a list of header names."
                .into()
        }
        Reason::CrossSite => match (decision.pattern, request.fetch_site) {
            (Some(pattern), _) => format!(
                "only the pattern {} matches the origin {origin}: it lets \
                 pages read, but not send this.",
                quoted(pattern)
            ),
            (None, site) => format!(
                "Sec-Fetch-Site is {} without an Origin.",
                quoted(site.unwrap_or_default())
            ),
        },
    };
    if decision.verdict == Verdict::Blocked {
        text = format!(
            "the policy blocks {}, and {text} The request does not reach the \
             application.",
            blocked_kind(request)
        );
    }
    if decision.verdict == Verdict::Refused {
        text += " The application still responds, but the browser does not \
                 let the page read the response.";
    }
    if decision.reason == Reason::HeaderNotAllowed
        && rule.is_some_and(|rule| rule.permissions.request_headers.any())
    {
        text += " \"*\" does not cover it.";
    }
    text
}

/// The requests like this one that `block` names.
fn blocked_kind(request: &Request<'_>) -> String {
    match request.method {
        // Of these, it names nothing else.
        Some(b"GET" | b"OPTIONS") => "WebSocket handshakes".into(),
        Some(method) => format!("the method {}", quoted(method)),
        None => "requests without a method".into(),
    }
}

/// `sent` is the request's origin.
pub(super) fn hint(near: &Near, sent: &[u8]) -> String {
    match near {
        Near::Origin(origin) => format!(
            "The closest allowed origin is {}: {}.",
            quoted(origin),
            differences(sent, origin.as_bytes())
        ),
        Near::Subdomains { pattern } => format!(
            "The pattern {} matches subdomains of {1} but not {1} itself; \
             list {1} too.",
            quoted(pattern),
            host(sent)
        ),
        Near::FewerLabels { pattern, origin } => format!(
            "The pattern {} matches {}, but each * stays within one label, \
             and {} has more.",
            quoted(pattern),
            quoted(origin),
            host(sent)
        ),
        Near::Range { pattern, origin } => {
            let faults = faults(sent, origin.as_bytes());
            format!(
                "{} is in the range {}, but {faults}.",
                host(sent),
                quoted(pattern)
            )
        }
        Near::AnyHost { pattern } => format!(
            "The pattern {} matches any host, but only without a port.",
            quoted(pattern)
        ),
        Near::OtherExtensions { pattern } => format!(
            "The pattern {} matches extensions in {}, but this is one in {}.",
            quoted(pattern),
            extension_browser(pattern.as_bytes()),
            extension_browser(sent)
        ),
        Near::LaterRule { rule, pattern } => format!(
            "Rule {rule} would allow it with the pattern {}, but the first \
             rule that matches decides.",
            quoted(pattern)
        ),
        Near::Meant { origin, fault, allowed: true, .. } => format!(
            "{} would be allowed, but this origin {fault}.",
            quoted(origin)
        ),
        Near::Meant { origin, fault, near, .. } => {
            let text = format!(
                "It {fault}. No pattern matches {} either.",
                quoted(origin)
            );
            match near {
                Some(near) => {
                    format!("{text} {}", hint(near, origin.as_bytes()))
                }
                None => text,
            }
        }
        Near::Opaque => "Browsers send \"null\" for a sandboxed iframe, for \
                         a local file, and after a redirect to another \
                         origin."
            .into(),
        Near::OpaqueForm => {
            "Browsers send \"null\" for a sandboxed iframe, for \
                             a local file, after a redirect to another \
                             origin, and on http for a form of a page with \
                             Referrer-Policy: no-referrer. If it is your own \
                             page, use Referrer-Policy: same-origin."
                .into()
        }
        Near::InsecurePage { origin } => format!(
            "It would be the site's own origin on https: use {} for the page.",
            quoted(origin)
        ),
        Near::SameSite => "The page is of the same site, but of another \
                           origin, whose pages block does not trust. List \
                           the origin if it is yours."
            .into(),
        Near::OtherHost { host } => format!(
            "Host is {}. If the page is the site's own and a proxy changes \
             Host, list the origin, or make the proxy keep Host.",
            quoted(host)
        ),
        Near::Method(method) => format!(
            "{} would be allowed, but methods are case-sensitive, and \
             browsers uppercase only DELETE, GET, HEAD, OPTIONS, POST and \
             PUT.",
            quoted(method)
        ),
        Near::Header(name) => {
            format!("{} would be allowed.", quoted(name))
        }
        Near::Forbidden => {
            "Scripts cannot use it, and no policy can allow it.".into()
        }
        Near::ContentType => {
            "Content-Type must be in allow_headers for values that HTML \
             forms cannot send, such as application/json."
                .into()
        }
    }
}

/// What of `sent` is not allowed, if `allowed` is.
fn faults(sent: &[u8], allowed: &[u8]) -> String {
    let (Some(Origin::Tuple(sent)), Some(Origin::Tuple(allowed))) =
        (syntax::parse(sent), syntax::parse(allowed))
    else {
        return String::new();
    };
    let mut faults = Vec::new();
    if sent.scheme != allowed.scheme {
        faults.push(match sent.scheme == Scheme::Https {
            true => "https is not allowed".into(),
            false => "http is not allowed".into(),
        });
    }
    if sent.port != allowed.port {
        faults.push(match sent.port {
            Some(port) => format!("port {port} is not allowed"),
            None => "it needs a port".into(),
        });
    }
    faults.join(", and ")
}

fn extension_browser(origin: &[u8]) -> &'static str {
    let scheme = |(scheme, _): &&(&str, _)| {
        origin.starts_with(format!("{scheme}://").as_bytes())
    };
    EXTENSIONS.iter().find(scheme).map_or("", |(_, browser)| browser)
}

/// What `allowed` has and `sent` has not.
fn differences(sent: &[u8], allowed: &[u8]) -> String {
    let (Some(Origin::Tuple(sent)), Some(Origin::Tuple(allowed))) =
        (syntax::parse(sent), syntax::parse(allowed))
    else {
        return String::new();
    };
    let mut differences = Vec::new();
    if sent.scheme != allowed.scheme {
        differences.push(match allowed.scheme == Scheme::Https {
            true => "https instead of http".into(),
            false => "http instead of https".into(),
        });
    }
    if sent.port != allowed.port {
        let [allowed, sent] =
            [allowed.port, sent.port].map(|port| match port {
                Some(port) => format!("port {port}"),
                None => "no port".into(),
            });
        differences.push(format!("{allowed} instead of {sent}"));
    }
    if sent.host.strip_suffix(b".") == Some(allowed.host) {
        differences.push("without the trailing dot".into());
    } else if sent.host.strip_prefix(b"www.") == Some(allowed.host) {
        differences.push("without \"www.\"".into());
    } else if allowed.host.strip_prefix(b"www.") == Some(sent.host) {
        differences.push("with \"www.\"".into());
    } else if sent.host != allowed.host {
        differences
            .push("an exact origin does not cover its subdomains".into());
    }
    differences.join(", ")
}

fn host(origin: &[u8]) -> String {
    match syntax::parse(origin) {
        Some(Origin::Tuple(tuple)) => escaped(tuple.host, ""),
        Some(Origin::Opaque) | None => String::new(),
    }
}

fn quoted(text: impl AsRef<[u8]>) -> String {
    escaped(text.as_ref(), "\"")
}

/// A text of the request or of the policy between two `quotes`: everything
/// outside 0x20 to 0x7E is escaped, and what is longer than any origin is cut,
/// so that an explanation is short, whatever comes.
fn escaped(bytes: &[u8], quotes: &str) -> String {
    let (shown, cut) = match bytes.split_at_checked(ORIGIN_MAX) {
        Some((shown, [_, ..])) => {
            (shown, format!("... ({} bytes)", bytes.len()))
        }
        _ => (bytes, String::new()),
    };
    let shown = shown.escape_ascii().to_string().replace("\\'", "'");
    format!("{quotes}{shown}{quotes}{cut}")
}
