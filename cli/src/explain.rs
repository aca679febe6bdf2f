//! `cors explain`: the browser, with the library in the server's place.

use browser::{Response, ScriptRequest, SentRequest};
use cors::{Decision, Policy, Request, Rule};

use crate::check::Checked;
use crate::fetch::{Fetched, fetch};
use crate::fix;
use crate::report::{DecisionReport, FetchReport};
use crate::{Explain, Failure, Report};

impl Explain {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        if self.file.as_os_str() == "-"
            && self.script.message.as_deref() == Some("-")
        {
            return Err("the policy and the message cannot both come from \
                        standard input; use a file for the policy"
                .into());
        }
        let input = self.script.read(self.url.as_deref())?;
        let (request, url) = (&input.request, input.url.as_ref());
        let checked = Checked::read(&self.file)?;
        let Some(policy) = &checked.policy else {
            return Ok(checked.refusal(self.output.format));
        };
        let without_cors =
            url.and_then(|url| FetchReport::without_cors(request, url));
        if let Some(mut report) = without_cors {
            report.compare(&self.script, input, None);
            return Ok(report.render(self.output.format));
        }
        let (fetched, decisions) = ask(policy, request)?;
        let mut report = FetchReport::of(request, url, &fetched);
        for (exchange, decision) in report.exchanges.iter_mut().zip(decisions)
        {
            exchange.decision = Some(decision);
        }
        report.notes.extend(credentials_note(policy, request));
        if let Some(url) = url {
            report.note_network(request, url, None);
        }
        report.fix = fix::find(&checked.json, policy, request);
        report.compare(&self.script, input, Some(&fetched.codes()));
        Ok(report.render(self.output.format))
    }
}

/// The fetch, and the library's decision on each of its requests.
pub(crate) fn ask(
    policy: &Policy,
    request: &ScriptRequest,
) -> Result<(Fetched, Vec<DecisionReport>), Failure> {
    let mut decisions = Vec::new();
    let fetched = fetch(request, |sent| {
        let request = as_received(sent);
        let decision = policy.evaluate(&request);
        decisions.push(report(policy, &request, &decision));
        Ok(Response {
            // The application responds to actual requests.
            status: decision.status,
            headers: decision
                .headers()
                .map(|header| (header.name.to_owned(), header.value.to_vec()))
                .collect(),
        })
    })?;
    Ok((fetched, decisions))
}

/// What the library cannot know, as servers do not see the credentials mode.
fn credentials_note(
    policy: &Policy,
    request: &ScriptRequest,
) -> Option<String> {
    let is_only = policy.rules().len() == 1;
    let rule = match deciding_rule(policy, request) {
        None if is_only => policy.rules().next(),
        rule => rule,
    }?;
    if !request.credentials || rule.allow_credentials() {
        return None;
    }
    let (who, how) = match (is_only, rule.allow_origins().eq(["*"])) {
        (true, false) => ("the policy does", "set allow_credentials to true"),
        (true, true) => (
            "the policy does",
            "list the origins instead of \"*\" and set allow_credentials to \
             true",
        ),
        (false, _) => (
            &*format!("rule {} decides and does", rule.number()),
            "list the origin in an earlier rule that does",
        ),
    };
    Some(format!(
        "The script uses credentials, but {who} not allow them: {how}, or \
         remove credentials: \"include\" from the script."
    ))
}

/// The rule that decides about the script's origin.
pub(crate) fn deciding_rule<'p>(
    policy: &'p Policy,
    request: &ScriptRequest,
) -> Option<Rule<'p>> {
    policy.rule_for(&Request {
        origin: Some(request.origin.as_bytes()),
        ..Request::default()
    })
}

fn as_received(sent: &SentRequest) -> Request<'_> {
    Request {
        method: Some(sent.method.as_bytes()),
        origin: Some(sent.origin.as_bytes()),
        request_method: sent.request_method.as_deref().map(str::as_bytes),
        request_headers: sent.request_headers.as_deref().map(str::as_bytes),
        ..Request::default()
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
        verdict: decision.verdict,
        reason: decision.reason,
        pattern: decision.pattern.map(text),
        rule: match policy.rules().len() {
            1 => None,
            _ => policy.rule_for(request).map(Rule::number),
        },
        culprit: decision.culprit.map(text),
        cause: explanation.cause,
        hint: explanation.hint,
    }
}
