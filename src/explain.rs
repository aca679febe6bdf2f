//! Explanations: why a request is decided as it is, and what is near that
//! would be allowed. First it is found, then worded.

mod near;
mod wording;

use crate::decision::Decision;
use crate::policy::{Policy, Rule};
use crate::request::Request;
pub use near::Near;

/// A decision explained, for people. Each text is whole sentences on one
/// line, printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Why the decision is what it is.
    pub cause: String,
    /// What was found near a refused request; `None` if nothing is near.
    pub near: Option<Near>,
    /// The same in words.
    pub hint: Option<String>,
}

impl Policy {
    /// The decision explained on one line of printable ASCII, for people: the
    /// texts of [`Policy::explanation`], the status and the headers.
    pub fn explain(&self, request: &Request<'_>) -> String {
        let decision = self.evaluate(request);
        let explanation = self.explanation_of(request, &decision);
        wording::line(&decision, &explanation)
    }

    /// Why a request is decided as it is, and what is near that would be
    /// allowed. Allocates; takes no longer than a thousand decisions.
    pub fn explanation(&self, request: &Request<'_>) -> Explanation {
        self.explanation_of(request, &self.evaluate(request))
    }

    fn explanation_of(
        &self,
        request: &Request<'_>,
        decision: &Decision<'_>,
    ) -> Explanation {
        let near = near::find(self, request, decision);
        let origin = request.origin.unwrap_or_default();
        let rule = self.rule_for(request);
        let number = rule.map(Rule::number);
        let number = number.filter(|_| self.rules().len() > 1);
        Explanation {
            cause: wording::cause(rule, number, request, decision),
            hint: near.as_ref().map(|near| wording::hint(near, origin)),
            near,
        }
    }
}
