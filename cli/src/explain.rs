//! `cors explain`: the browser, with the library in the server's place.

use cors::{Decision, Policy, Request};

use crate::browser::{Answer as Response, BrowserRequest, SentRequest};
use crate::check::Checked;
use crate::fetch::{DecisionReport, Outcome, Url, play};
use crate::policy_file::PolicyFile;
use crate::{Explain, Failure, Report};

impl Explain {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let request = self.script.request()?;
        let url = self.url.as_deref().map(Url::parse).transpose()?;
        let checked = Checked::read(&self.file)?;
        let Some((policy, file)) = &checked.policy else {
            return Ok(checked.refusal(self.output.format));
        };
        let without_cors =
            url.as_ref().and_then(|url| Outcome::without_cors(&request, url));
        let outcome = match without_cors {
            Some(outcome) => outcome,
            None => {
                let mut outcome = explain(policy, &request, url.as_ref())?;
                outcome.notes.extend(credentials_note(file, &request));
                outcome
            }
        };
        Ok(outcome.report(self.output.format))
    }
}

fn explain(
    policy: &Policy,
    request: &BrowserRequest,
    url: Option<&Url>,
) -> Result<Outcome, Failure> {
    let mut decisions = Vec::new();
    let played = play(request, |sent| {
        let request = as_received(sent);
        let decision = policy.evaluate(&request);
        decisions.push(report(policy, &request, &decision));
        Ok(Response {
            // An actual request is the application's to answer.
            status: decision.status,
            headers: decision
                .headers()
                .map(|header| (header.name.to_owned(), header.value.to_vec()))
                .collect(),
        })
    })?;
    let mut outcome = Outcome::of(request, url, &played);
    for (exchange, decision) in outcome.exchanges.iter_mut().zip(decisions) {
        exchange.decision = Some(decision);
    }
    Ok(outcome)
}

/// What the library cannot know: a server sees no credentials mode.
fn credentials_note(
    file: &PolicyFile,
    request: &BrowserRequest,
) -> Option<String> {
    if !request.credentials || file.allow_credentials {
        return None;
    }
    let how = match file.allow_origins == ["*"] {
        true => "list the origins in place of \"*\", set it",
        false => "set it",
    };
    Some(format!(
        "The script asks for credentials, and the policy has no \
         allow_credentials: {how}, or let the script not ask."
    ))
}

fn as_received(sent: &SentRequest) -> Request<'_> {
    Request {
        method: Some(sent.method.as_bytes()),
        origin: Some(sent.origin.as_bytes()),
        request_method: sent.request_method.as_deref().map(str::as_bytes),
        request_headers: sent.request_headers.as_deref().map(str::as_bytes),
    }
}

fn report(
    policy: &Policy,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> DecisionReport {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let explanation = policy.explanation(request);
    DecisionReport {
        verdict: decision.verdict.name(),
        reason: decision.reason.name(),
        pattern: decision.pattern.map(text),
        culprit: decision.culprit.map(text),
        cause: explanation.cause,
        hint: explanation.hint,
    }
}
