//! `cors probe`: the browser, with a running server.

mod page;

use std::cell::Cell;

use browser::{Response, ScriptRequest, SentRequest};

use crate::fetch::{Exchange, Fetched, fetch};
use crate::findings::{
    Finding, cache_mark, lines, redirect, varies_by_origin, warning,
};
use crate::report::{BLOCKED, FetchReport};
use crate::server::Server;
use crate::{Failure, Probe, Report};

/// An origin that no policy lists. The last label is reserved (RFC 2606).
const UNRELATED: &str = "https://cors-probe.invalid";

impl Probe {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let input = self.script.read(self.url.as_deref())?;
        let request = &input.request;
        let Some(url) = input.url.as_ref() else {
            return Err(match &input.message {
                Some(_) => "the message does not contain the URL",
                None => "the URL is missing",
            }
            .to_owned()
                + "; add it, such as cors probe https://api.example.com/items");
        };
        if let Some(initiator) = input.initiator {
            let mut report = self.probe_page(request, url, initiator)?;
            report.compare(&self.script, input, None);
            return Ok(report.render(self.output.format));
        }
        if let Some(mut report) = FetchReport::without_cors(request, url) {
            report.compare(&self.script, input, None);
            return Ok(report.render(self.output.format));
        }
        let server = Server::new(self, url)?;
        let is_blocked = Cell::new(false);
        let mut fetched = fetch(request, |sent| {
            if self.preflight_only && sent.request_method.is_none() {
                return Ok(permission(request));
            }
            let reply = server.send(request, sent)?;
            is_blocked.set(reply.is_blocked);
            Ok(reply.response)
        })?;
        let mut notes = Vec::new();
        if self.preflight_only {
            // That response was made up, so that the browser finishes.
            let real =
                |exchange: &Exchange| exchange.sent.request_method.is_some();
            fetched.exchanges.retain(real);
            notes.push(match fetched.exchanges.len() {
                0 => "A browser sends no preflight for this request.".into(),
                _ => "Only the preflight was sent.".into(),
            });
        } else if let Ok(names) = &fetched.result {
            notes.push(format!(
                "The script can read these headers: {}.",
                match names.is_empty() {
                    true => "none".to_owned(),
                    false => names.join(", "),
                }
            ));
            let hidden = hidden(&fetched, names);
            if !hidden.is_empty() {
                notes.push(format!(
                    "It cannot read these, which \
                     Access-Control-Expose-Headers does not list: {}.",
                    hidden.join(", ")
                ));
            }
        }
        if let Some(exchange) = fetched.exchanges.first() {
            let found = as_unrelated_origin(&server, request, exchange)?;
            let findings = &mut fetched.exchanges[0].findings;
            findings.extend(found);
        }
        if let Some(last) = fetched.exchanges.last()
            && last.sent.request_method.is_none()
            && let Some(location) = redirect(&last.response)
        {
            notes.push(format!(
                "The response is a redirect to {location:?}. Probe that URL: \
                 a browser checks its response again, with the origin \
                 \"null\" if it is on another origin than this URL."
            ));
        }
        let mut report = FetchReport::of(request, Some(url), &fetched);
        if is_blocked.get() {
            report.summary = BLOCKED.to_owned();
        }
        report.notes.extend(notes);
        report.note_network(request, url, server.address_space());
        report.compare(&self.script, input, Some(&fetched.codes()));
        let found = fetched.exchanges.into_iter().map(|e| e.findings);
        for (exchange, findings) in report.exchanges.iter_mut().zip(found) {
            exchange.findings = Some(findings);
        }
        Ok(report.render(self.output.format))
    }
}

/// Asks again for an unrelated origin, if that is harmless: does the server
/// allow any origin, does a cache serve one origin's response to another?
fn as_unrelated_origin(
    server: &Server<'_>,
    request: &ScriptRequest,
    exchange: &Exchange,
) -> Result<Vec<Finding>, Failure> {
    let safe = ["OPTIONS", "GET", "HEAD"];
    if !safe.contains(&exchange.sent.method.as_str()) {
        return Ok(Vec::new());
    }
    let unrelated =
        SentRequest { origin: UNRELATED.to_owned(), ..exchange.sent.clone() };
    let Response { headers, .. } = server.send(request, &unrelated)?.response;
    let allowed = lines("access-control-allow-origin", &headers);
    let credentials = lines("access-control-allow-credentials", &headers);
    let mut findings = Vec::new();
    if allowed == [UNRELATED] {
        let (what, help) = match credentials == ["true"] {
            true => (
                "with credentials, so any site can act as its visitors",
                "list the origins",
            ),
            false => {
                ("like * but harder to cache", "list the origins, or send *")
            }
        };
        findings.push(warning(
            "any-origin-reflected",
            format!(
                "{UNRELATED} is allowed too: the server reflects any origin, \
                 {what}"
            ),
            help,
        ));
    }
    if allowed == [request.origin.as_str()]
        && !varies_by_origin(&headers)
        && let Some(mark) = cache_mark(&headers)
    {
        findings.push(warning(
            "cached-for-another-origin",
            format!(
                "a cache serves the response for {} to {UNRELATED} ({mark})",
                request.origin
            ),
            "send Vary: Origin with every response, and empty the cache",
        ));
    }
    Ok(findings)
}

/// The names of the response headers that the script cannot read but might
/// want to: not those for the browser, caches and the connection.
fn hidden(fetched: &Fetched, readable: &[String]) -> Vec<String> {
    const FOR_OTHERS: [&str; 9] = [
        "connection",
        "date",
        "keep-alive",
        "server",
        "set-cookie",
        "set-cookie2",
        "timing-allow-origin",
        "transfer-encoding",
        "vary",
    ];
    let last = fetched.exchanges.last().map(|exchange| &exchange.response);
    // The headers of a redirect are for the browser.
    let last = last.filter(|response| redirect(response).is_none());
    let headers = last.into_iter().flat_map(|response| &response.headers);
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

/// A response that allows everything.
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
