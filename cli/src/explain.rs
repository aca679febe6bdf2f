//! `cors explain`: the browser, with the library in the server's place.

use browser::{Initiator, Response, ScriptRequest, SentRequest, Site};
use cors::{Policy, Request, Rule, Verdict};

use crate::check::Checked;
use crate::fetch::{Fetched, fetch};
use crate::fix;
use crate::report::{BLOCKED, DecisionReport, FetchReport};
use crate::script::Url;
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
        let mut question = Question {
            request,
            url,
            initiator: input.initiator,
            host: self.host.as_deref(),
            site: self.fetch_site.as_deref(),
        };
        let blocks = policy.blocks().next().is_some();
        let is_own = url.is_some_and(|url| url.origin() == request.origin);
        if blocks && is_own && question.initiator.is_none() {
            question.initiator = Some(Initiator::Script);
        }
        if let Some(initiator) = question.initiator {
            let mut report = question.page_report(policy, initiator);
            if !report.exchanges.is_empty() {
                report.fix = fix::find(&checked.json, policy, &question);
            }
            report.compare(&self.script, input, None);
            return Ok(report.render(self.output.format));
        }
        let without_cors =
            url.and_then(|url| FetchReport::without_cors(request, url));
        if let Some(mut report) = without_cors {
            report.compare(&self.script, input, None);
            return Ok(report.render(self.output.format));
        }
        let (fetched, decisions) = question.fetch(policy)?;
        let mut report = FetchReport::of(request, url, &fetched);
        if decisions.last().is_some_and(|d| d.verdict == Verdict::Blocked) {
            report.summary = BLOCKED.to_owned();
        }
        for (exchange, decision) in report.exchanges.iter_mut().zip(decisions)
        {
            if blocks {
                let (host, site) = question.of_the_browser();
                let headers = &mut exchange.sent.headers;
                question.add_metadata(headers, host.as_deref(), site);
            }
            exchange.decision = Some(decision);
        }
        report.notes.extend(credentials_note(policy, request));
        if let Some(url) = url {
            report.note_network(request, url, None);
        }
        report.fix = fix::find(&checked.json, policy, &question);
        report.compare(&self.script, input, Some(&fetched.codes()));
        Ok(report.render(self.output.format))
    }
}

/// What a page does, and what a server sees of it.
pub(crate) struct Question<'a> {
    pub(crate) request: &'a ScriptRequest,
    pub(crate) url: Option<&'a Url>,
    /// What sends the request, if it is not a fetch from another origin.
    pub(crate) initiator: Option<Initiator>,
    /// `Host`, if it is not the URL's.
    pub(crate) host: Option<&'a str>,
    /// `Sec-Fetch-Site`, if it is not the browser's; empty if it is absent.
    pub(crate) site: Option<&'a str>,
}

impl Question<'_> {
    /// Whether the policy allows the whole of it, and its last decision.
    pub(crate) fn ask(
        &self,
        policy: &Policy,
    ) -> Result<(bool, Option<DecisionReport>), Failure> {
        if let Some(initiator) = self.initiator {
            let decision = self.ask_about_page(policy, initiator).decision;
            return Ok((decision.verdict != Verdict::Blocked, Some(decision)));
        }
        let (fetched, mut decisions) = self.fetch(policy)?;
        Ok((fetched.result.is_ok(), decisions.pop()))
    }

    /// The fetch, and the library's decision on each of its requests.
    fn fetch(
        &self,
        policy: &Policy,
    ) -> Result<(Fetched, Vec<DecisionReport>), Failure> {
        let mut decisions = Vec::new();
        let (host, site) = self.of_the_browser();
        let host = self.host.or(host.as_deref());
        let fetched = fetch(self.request, |sent| {
            let request = Request {
                host: host.map(str::as_bytes),
                fetch_site: self.fetch_site(site).map(str::as_bytes),
                scheme: self.scheme().map(str::as_bytes),
                ..as_received(sent)
            };
            let (response, decision) = decide(policy, &request);
            decisions.push(decision);
            Ok(response)
        })?;
        Ok((fetched, decisions))
    }

    /// `Host` and `Sec-Fetch-Site` of a fetch.
    fn of_the_browser(&self) -> (Option<String>, Option<&'static str>) {
        let Some(url) = self.url else { return (None, None) };
        let origin = url.origin();
        let host = browser::host(url.target(&origin)).to_owned();
        let site = url.site(&self.request.origin);
        (Some(host), url.is_trustworthy().then(|| Site::name(site)))
    }

    pub(crate) fn fetch_site<'s>(
        &'s self,
        of_the_browser: Option<&'s str>,
    ) -> Option<&'s str> {
        let site = self.site.or(of_the_browser);
        site.filter(|site| !site.is_empty())
    }

    /// The client's scheme. A server knows it from its connection, or from a
    /// proxy that it trusts.
    pub(crate) fn scheme(&self) -> Option<&str> {
        self.url.map(|url| url.url.scheme())
    }

    /// Adds what `block` looks at, next to `Origin`.
    pub(crate) fn add_metadata(
        &self,
        headers: &mut Vec<(String, String)>,
        host: Option<&str>,
        site: Option<&str>,
    ) {
        let header = |name: &str, value: &str| (name.into(), value.into());
        let host = self.host.or(host).filter(|host| !host.is_empty());
        headers.splice(..0, host.map(|host| header("host", host)));
        let site = self.fetch_site(site);
        headers.extend(site.map(|site| header("sec-fetch-site", site)));
    }
}

/// What a server responds by this policy; an application's response has no
/// status.
pub(crate) fn decide(
    policy: &Policy,
    request: &Request<'_>,
) -> (Response, DecisionReport) {
    let decision = policy.evaluate(request);
    let headers = decision
        .headers()
        .map(|header| (header.name.to_owned(), header.value.to_vec()))
        .collect();
    let response = Response { status: decision.status, headers };
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let explanation = policy.explanation(request);
    let report = DecisionReport {
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
    };
    (response, report)
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
