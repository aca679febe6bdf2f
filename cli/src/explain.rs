//! `cors explain`: the browser, with the library in the server's place.

use browser::{Response, ScriptRequest, SentRequest};
use cors::{Decision, Policy, Reason, Request};
use serde_json::{Map, Value, json};

use crate::check::Checked;
use crate::fetch::{Fetched, fetch};
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
        report.missing = missing(&checked.json, request);
        report.compare(&self.script, input, Some(&fetched.codes()));
        Ok(report.render(self.output.format))
    }
}

/// The fetch, and the library's decision on each of its requests.
fn ask(
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

/// Everything to add to the policy for the script to read the response, while
/// the library and the browser report only the first fault. After each addition
/// the library decides again, so only what helps is listed.
#[expect(clippy::wildcard_enum_match_arm, reason = "reasons may grow")]
fn missing(
    json: &[u8],
    request: &ScriptRequest,
) -> Option<Map<String, Value>> {
    let mut file: Map<String, Value> = serde_json::from_slice(json).ok()?;
    let mut missing = Map::new();
    let mut warned_before = None;
    // The origin, the method, credentials, each header; then it is allowed.
    for _ in 0..request.headers.len() + 4 {
        let policy =
            Policy::from_json(&serde_json::to_vec(&file).ok()?).ok()?;
        // Do not advise what is rejected or triggers a new warning, except for
        // a developer's own machine.
        let warnings = policy.warnings().iter();
        let warned =
            warnings.filter(|w| w.code != cors::Code::OriginLoopback).count();
        if warned > *warned_before.get_or_insert(warned) {
            return None;
        }
        let (fetched, decisions) = ask(&policy, request).ok()?;
        if fetched.result.is_ok() {
            return (!missing.is_empty()).then_some(missing);
        }
        let decision = decisions.last()?;
        let (key, value) = match decision.reason {
            Reason::OriginNotAllowed => ("allow_origins", &request.origin),
            Reason::MethodNotAllowed => {
                ("allow_methods", decision.culprit.as_ref()?)
            }
            Reason::HeaderNotAllowed => {
                let culprit = decision.culprit.as_ref()?;
                let mut names = request.headers.iter().map(|(name, _)| name);
                let as_written = |name: &&String| {
                    name.eq_ignore_ascii_case(culprit.as_str())
                };
                ("allow_headers", names.find(as_written)?)
            }
            Reason::None if request.credentials => {
                for policy in [&mut file, &mut missing] {
                    policy.insert("allow_credentials".into(), true.into());
                }
                continue;
            }
            _ => return None,
        };
        for policy in [&mut file, &mut missing] {
            let list = policy.entry(key).or_insert_with(|| json!([]));
            list.as_array_mut()?.push(value.as_str().into());
        }
    }
    None
}

/// What the library cannot know, as servers do not see the credentials mode.
fn credentials_note(
    policy: &Policy,
    request: &ScriptRequest,
) -> Option<String> {
    let rule = policy.rules().next()?;
    if !request.credentials || rule.allow_credentials() {
        return None;
    }
    let how = match rule.allow_origins().eq(["*"]) {
        true => "list the origins instead of \"*\" and set allow_credentials",
        false => "set allow_credentials",
    };
    Some(format!(
        "The script uses credentials, but the policy does not allow them: {how} \
         to true, or remove credentials: \"include\" from the script."
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
        verdict: decision.verdict,
        reason: decision.reason,
        pattern: decision.pattern.map(text),
        culprit: decision.culprit.map(text),
        cause: explanation.cause,
        hint: explanation.hint,
    }
}
