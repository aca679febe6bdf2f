//! `cors probe`: the browser, with a running server.

use std::io;
use std::time::Duration;

use ureq::Agent;
use ureq::http;
use ureq::tls::{RootCerts, TlsConfig};

use crate::browser::{Answer as Response, BrowserRequest, SentRequest};
use crate::fetch::{Exchange, Outcome, Played, Url, play, script_headers};
use crate::judge::{
    Finding, cache_mark, lines, redirect, varies_by_origin, warning,
};
use crate::{Failure, Probe, Report};

/// An origin that no policy names. The last label is reserved (RFC 2606).
const STRANGER: &str = "https://cors-probe.invalid";

/// How the standard library begins to say that a name has no address.
const RESOLVER: &str = "failed to lookup address information: ";

impl Probe {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let request = self.script.request()?;
        let url = Url::parse(&self.url)?;
        if let Some(outcome) = Outcome::without_cors(&request, &url) {
            return Ok(outcome.report(self.output.format));
        }
        let server = Server::new(&url, self.timeout);
        let mut played = play(&request, |sent| {
            if self.preflight_only && sent.request_method.is_none() {
                return Ok(permission(&request));
            }
            server.send(&request, sent)
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
            let found = server.as_a_stranger(&request, exchange)?;
            let findings = &mut played.exchanges[0].findings;
            findings.extend(found);
        }
        if let Some(last) = played.exchanges.last()
            && last.sent.request_method.is_none()
            && let Some(location) = redirect(&last.answer)
        {
            notes.push(format!(
                "The answer is a redirect to {location:?}. Probe that URL: a \
                 browser judges the answer there anew, and with the origin \
                 \"null\" where it is on another origin than this URL."
            ));
        }
        let mut outcome = Outcome::of(&request, Some(&url), &played);
        outcome.notes.extend(notes);
        let found = played.exchanges.into_iter().map(|e| e.findings);
        for (exchange, findings) in outcome.exchanges.iter_mut().zip(found) {
            exchange.findings = Some(findings);
        }
        Ok(outcome.report(self.output.format))
    }
}

/// A server that is being probed.
struct Server<'u> {
    url: &'u Url,
    agent: Agent,
    timeout: u64,
}

impl<'u> Server<'u> {
    fn new(url: &'u Url, timeout: u64) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(timeout)))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A script may use any.
            .allow_non_standard_methods(true)
            // A server may close a connection that it has said to keep, and
            // there is no telling that from a refusal to answer.
            .max_idle_connections(0)
            .user_agent(concat!("cors-probe/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { url, agent, timeout }
    }

    /// Sends what the browser sends.
    fn send(
        &self,
        request: &BrowserRequest,
        sent: &SentRequest,
    ) -> Result<Response, Failure> {
        let mut builder = http::Request::builder()
            .method(sent.method.as_str())
            .uri(self.url.uri.clone())
            .header("origin", &sent.origin)
            .header("accept", "*/*")
            .header("sec-fetch-mode", "cors");
        if let Some(method) = &sent.request_method {
            builder = builder.header("access-control-request-method", method);
            if let Some(names) = &sent.request_headers {
                builder =
                    builder.header("access-control-request-headers", names);
            }
        } else {
            for (name, value) in script_headers(request) {
                builder = builder.header(name, value.as_slice());
            }
            // <https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch>
            // has it for POST and PUT; with PATCH ureq would send chunks.
            if ["POST", "PUT", "PATCH"].contains(&sent.method.as_str()) {
                builder = builder.header("content-length", 0);
            }
        }
        let message = builder
            .body(())
            .map_err(|error| format!("this cannot be sent: {error}"))?;
        let answer =
            self.agent.run(message).map_err(|error| self.explain(&error))?;
        Ok(Response {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), value.as_bytes().to_vec())
                })
                .collect(),
        })
    }

    /// Asks once more for another origin, where that can do no harm: does the
    /// server let everybody in, does a cache hand out what is not theirs?
    fn as_a_stranger(
        &self,
        request: &BrowserRequest,
        exchange: &Exchange,
    ) -> Result<Vec<Finding>, Failure> {
        let safe = ["OPTIONS", "GET", "HEAD"];
        if !safe.contains(&exchange.sent.method.as_str()) {
            return Ok(Vec::new());
        }
        let stranger = SentRequest {
            origin: STRANGER.to_owned(),
            ..exchange.sent.clone()
        };
        let answer = self.send(request, &stranger)?;
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

    /// Why there is no answer. None of this is a matter of CORS, though a
    /// browser's console shows it beside.
    fn explain(&self, error: &ureq::Error) -> Failure {
        let url = &self.url.text;
        let host = self.url.uri.host().unwrap_or_default();
        let tls = self.url.uri.scheme_str() == Some("https");
        let why = match error {
            ureq::Error::HostNotFound => {
                format!("the name {host} cannot be resolved")
            }
            ureq::Error::Timeout(_) => format!(
                "there is no answer within {} seconds ({error}); --timeout \
                 allows more",
                self.timeout
            ),
            ureq::Error::Rustls(error) => format!("TLS: {error}"),
            ureq::Error::Tls(error) => format!("TLS: {error}"),
            ureq::Error::Protocol(error) => {
                format!("the answer is not HTTP: {error}")
            }
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    "nothing listens there: the connection is refused".into()
                }
                // What rustls finds wrong comes so.
                io::ErrorKind::InvalidData if tls => format!("TLS: {error}"),
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted => {
                    "the server closes the connection without an answer".into()
                }
                _ => match error.to_string().strip_prefix(RESOLVER) {
                    Some(why) => {
                        format!("the name {host} cannot be resolved: {why}")
                    }
                    None => error.to_string(),
                },
            },
            _ => error.to_string(),
        };
        format!("{url}: {why}")
    }
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
    let answer = played.exchanges.last().map(|exchange| &exchange.answer);
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
fn permission(request: &BrowserRequest) -> Response {
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
