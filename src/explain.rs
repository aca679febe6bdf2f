//! The decision in words.

use crate::decision::{Decision, Reason, Request, Verdict};
use crate::policy::Policy;

impl Policy {
    /// The decision in words, for people: one line of printable ASCII.
    pub fn explain(&self, request: &Request<'_>) -> String {
        let decision = self.evaluate(request);
        let mut text = format!(
            "{}: {}",
            decision.verdict.name(),
            sentence(self, request, &decision)
        );
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
}

fn sentence(
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
                text += " The request is not blocked: the browser keeps the \
                         response from the page.";
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
            if policy.answers().request_headers.any() {
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

/// Everything outside 0x20 to 0x7E escaped.
fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", escaped(bytes))
}
