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
            sentence(request, &decision)
        );
        if decision.status != 0 {
            text += &format!(" Answer {} at once.", decision.status);
        }
        for (i, header) in decision.headers().iter().enumerate() {
            text += if i == 0 { " Headers: " } else { "; " };
            text += header.name;
            text += ": ";
            text += &escaped(header.value);
        }
        text
    }
}

fn sentence(request: &Request<'_>, decision: &Decision<'_>) -> String {
    let origin = escaped(request.origin.unwrap_or_default());
    let culprit = escaped(decision.culprit.unwrap_or_default());
    let pattern = escaped(decision.pattern.unwrap_or_default());
    match decision.reason {
        Reason::None => match decision.verdict {
            Verdict::NotCors => "the request has no Origin.".into(),
            _ => format!("the origin {origin} matches {pattern}."),
        },
        Reason::OriginNotAllowed => {
            format!(
                "no pattern of the policy matches the origin {origin}. \
                 Nothing is blocked by that: the browser keeps the response \
                 from the page."
            )
        }
        Reason::OriginMalformed => {
            format!("{origin} is not one origin as browsers send it.")
        }
        Reason::MethodNotAllowed => {
            format!("the method {culprit} is not in allow_methods.")
        }
        Reason::MethodMalformed => {
            "Access-Control-Request-Method is not a method name.".into()
        }
        Reason::HeaderNotAllowed => {
            format!("the header {culprit} is not in allow_headers.")
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
