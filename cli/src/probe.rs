//! `cors probe`: the browser, with a running server.

use browser::{Response, ScriptRequest, SentRequest};

use crate::fetch::{Exchange, Played, play};
use crate::findings::{
    Finding, cache_mark, lines, redirect, varies_by_origin, warning,
};
use crate::report::FetchReport;
use crate::server::Server;
use crate::{Failure, Probe, Report};

/// An origin that no policy names. The last label is reserved (RFC 2606).
const STRANGER: &str = "https://cors-probe.invalid";

impl Probe {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let asked = self.script.read(self.url.as_deref())?;
        let request = &asked.request;
        let Some(url) = asked.url.as_ref() else {
            return Err(match &asked.message {
                Some(_) => "the message does not name the URL",
                None => "the URL is missing",
            }
            .to_owned()
                + "; add it, such as cors probe https://api.example.com/items");
        };
        if let Some(mut report) = FetchReport::without_cors(request, url) {
            report.compare(&self.script, asked, None);
            return Ok(report.render(self.output.format));
        }
        let server = Server::new(self, url)?;
        let mut played = play(request, |sent| {
            if self.preflight_only && sent.request_method.is_none() {
                return Ok(permission(request));
            }
            server.send(request, sent)
        })?;
        let mut notes = Vec::new();
        if self.preflight_only {
            // That answer was made up, so that the browser comes to an end.
            let real =
                |exchange: &Exchange| exchange.sent.request_method.is_some();
            played.exchanges.retain(real);
            notes.push(match played.exchanges.len() {
                0 => "A browser sends no preflight for this request.".into(),
                _ => "Only the preflight was sent.".into(),
            });
        } else if let Ok(names) = &played.result {
            notes.push(format!(
                "The script can read these headers: {}.",
                match names.is_empty() {
                    true => "none".to_owned(),
                    false => names.join(", "),
                }
            ));
            let hidden = hidden(&played, names);
            if !hidden.is_empty() {
                notes.push(format!(
                    "It cannot read these, which \
                     Access-Control-Expose-Headers does not name: {}.",
                    hidden.join(", ")
                ));
            }
        }
        if let Some(exchange) = played.exchanges.first() {
            let found = as_a_stranger(&server, request, exchange)?;
            let findings = &mut played.exchanges[0].findings;
            findings.extend(found);
        }
        if let Some(last) = played.exchanges.last()
            && last.sent.request_method.is_none()
            && let Some(location) = redirect(&last.response)
        {
            notes.push(format!(
                "The answer is a redirect to {location:?}. Probe that URL: a \
                 browser judges the answer there anew, and with the origin \
                 \"null\" where it is on another origin than this URL."
            ));
        }
        let mut report = FetchReport::of(request, Some(url), &played);
        report.notes.extend(notes);
        report.note_network(request, url, server.address_space());
        report.compare(&self.script, asked, Some(&played.codes()));
        let found = played.exchanges.into_iter().map(|e| e.findings);
        for (exchange, findings) in report.exchanges.iter_mut().zip(found) {
            exchange.findings = Some(findings);
        }
        Ok(report.render(self.output.format))
    }
}

/// Asks once more for another origin, where that can do no harm: does the
/// server let everybody in, does a cache hand out what is not theirs?
fn as_a_stranger(
    server: &Server<'_>,
    request: &ScriptRequest,
    exchange: &Exchange,
) -> Result<Vec<Finding>, Failure> {
    let safe = ["OPTIONS", "GET", "HEAD"];
    if !safe.contains(&exchange.sent.method.as_str()) {
        return Ok(Vec::new());
    }
    let stranger =
        SentRequest { origin: STRANGER.to_owned(), ..exchange.sent.clone() };
    let answer = server.send(request, &stranger)?;
    let allowed = lines("access-control-allow-origin", &answer.headers);
    let credentials =
        lines("access-control-allow-credentials", &answer.headers);
    let mut findings = Vec::new();
    if allowed == [STRANGER] {
        let (what, help) = match credentials == ["true"] {
            true => (
                "with credentials: any site can act for its visitors",
                "list the origins",
            ),
            false => (
                "as * would, but for the caches",
                "list the origins, or send *",
            ),
        };
        findings.push(warning(
            "any-origin-reflected",
            format!("{STRANGER} is allowed too, {what}"),
            help,
        ));
    }
    if allowed == [request.origin.as_str()]
        && !varies_by_origin(&answer.headers)
        && let Some(mark) = cache_mark(&answer.headers)
    {
        findings.push(warning(
            "cached-for-another-origin",
            format!(
                "a cache answers {STRANGER} with what it kept for {} \
                 ({mark})",
                request.origin
            ),
            "send Vary: Origin with every answer, and empty the cache",
        ));
    }
    Ok(findings)
}

/// The names of the answer's headers that the script cannot read and might
/// want to: not those for the browser, for caches and for the connection.
fn hidden(played: &Played, readable: &[String]) -> Vec<String> {
    const FOR_OTHERS: [&str; 8] = [
        "connection",
        "date",
        "keep-alive",
        "server",
        "set-cookie",
        "set-cookie2",
        "transfer-encoding",
        "vary",
    ];
    let answer = played.exchanges.last().map(|exchange| &exchange.response);
    // What a redirect has is for the browser.
    let answer = answer.filter(|answer| redirect(answer).is_none());
    let headers = answer.into_iter().flat_map(|answer| &answer.headers);
    let mut hidden: Vec<String> = headers
        .map(|(name, _)| name.to_ascii_lowercase())
        .filter(|name| {
            !readable.contains(name)
                && !FOR_OTHERS.contains(&name.as_str())
                && !name.starts_with("access-control-")
        })
        .collect();
    hidden.sort();
    hidden.dedup();
    hidden
}

/// An answer that lets everything pass.
fn permission(request: &ScriptRequest) -> Response {
    let header =
        |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    Response {
        status: 200,
        headers: vec![
            header("access-control-allow-origin", &request.origin),
            header("access-control-allow-credentials", "true"),
            header("vary", "origin"),
        ],
    }
}
