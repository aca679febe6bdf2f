//! A script's fetch: what the browser sends, what it is answered, and what
//! becomes of it, whoever answers.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value};
use ureq::http::Uri;

use crate::browser::{
    self, Answer as Response, AuthorizationStar, Browser, BrowserRequest,
    SentRequest,
};
use crate::judge::{Finding, Severity, judge, redirect};
use crate::style::{BAD, DOUBT, GOOD, NAME, WIRE};
use crate::{Answer, Failure, Format, Report, Script};

/// A URL that a script fetches.
pub(crate) struct Url {
    pub(crate) text: String,
    pub(crate) uri: Uri,
    https: bool,
    host: String,
    port: Option<u16>,
}

/// One request and its answer.
pub(crate) struct Exchange {
    pub(crate) sent: SentRequest,
    pub(crate) answer: Response,
    pub(crate) findings: Vec<Finding>,
}

/// What came of a fetch.
pub(crate) struct Played {
    pub(crate) exchanges: Vec<Exchange>,
    /// The names of the headers that the script can read.
    pub(crate) result: Result<Vec<String>, browser::Failure>,
}

/// In the order in which a policy has them.
const KEYS: [&str; 4] =
    ["allow_origins", "allow_credentials", "allow_methods", "allow_headers"];

/// What is reported of a fetch, as text or as JSON.
#[derive(Serialize)]
pub(crate) struct Outcome {
    verdict: Verdict,
    /// What the browser does, in words.
    summary: String,
    pub(crate) exchanges: Vec<ExchangeReport>,
    /// What Chromium writes to its console.
    console: Option<String>,
    /// What else is to know.
    pub(crate) notes: Vec<String>,
    /// What the policy lacks for the script to read the answer, by its keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lacking: Option<Map<String, Value>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Allowed,
    Blocked,
    /// The answer is a redirect, which is not followed.
    Unknown,
}

#[derive(Serialize)]
pub(crate) struct ExchangeReport {
    /// `preflight` or `request`.
    kind: &'static str,
    /// Why there is a preflight.
    because: Vec<String>,
    sent: SentReport,
    answer: AnswerReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<DecisionReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) findings: Option<Vec<Finding>>,
}

#[derive(Serialize)]
struct SentReport {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

#[derive(Serialize)]
struct AnswerReport {
    /// Nothing where it is for the application to say.
    status: Option<u16>,
    headers: Vec<(String, String)>,
}

/// The library's decision.
#[derive(Serialize)]
pub(crate) struct DecisionReport {
    pub(crate) verdict: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) pattern: Option<String>,
    pub(crate) culprit: Option<String>,
    pub(crate) cause: String,
    pub(crate) hint: Option<String>,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| Err(format!("the URL {text:?} {why}"));
        let uri: Uri = match text.parse() {
            Ok(uri) => uri,
            Err(error) => return wrong(&format!("is none: {error}")),
        };
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return wrong("does not begin with http:// or https://"),
        };
        let Some(host) = uri.host().map(str::to_ascii_lowercase) else {
            return wrong("has no host");
        };
        let default = if https { 443 } else { 80 };
        let port = uri.port_u16().filter(|&port| port != default);
        Ok(Self { text: text.to_owned(), uri, https, host, port })
    }

    fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        match self.port {
            Some(port) => format!("{scheme}://{}:{port}", self.host),
            None => format!("{scheme}://{}", self.host),
        }
    }

    /// <https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy>
    fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host.starts_with("127.")
            || self.host == "[::1]"
    }
}

impl Script {
    pub(crate) fn request(&self) -> Result<BrowserRequest, Failure> {
        let headers = self.headers.iter().map(|header| {
            let (name, value) = header.split_once(':').unwrap_or((header, ""));
            (name.trim().to_owned(), value.trim().as_bytes().to_vec())
        });
        if self.origin == "*" {
            return Err("--origin is one origin, not a pattern".into());
        }
        Ok(BrowserRequest {
            origin: self.origin.clone(),
            method: self.method.clone(),
            headers: headers.collect(),
            credentials: self.credentials,
            use_cors_preflight: false,
        })
    }
}

/// Plays a browser that remembers nothing yet. `server` answers, or says why
/// it could not.
pub(crate) fn play(
    request: &BrowserRequest,
    mut server: impl FnMut(&SentRequest) -> Result<Response, Failure>,
) -> Result<Played, Failure> {
    let mut exchanges = Vec::new();
    let mut failure = None;
    // As the browsers of today do; `judge` says what the standard does not.
    let mut browser = Browser::new(AuthorizationStar::Lax);
    let result = browser.fetch(request, |sent| match server(sent) {
        Ok(answer) => {
            let findings = judge(request, sent, &answer);
            let (sent, answer) = (sent.clone(), answer);
            let copy = answer.clone();
            exchanges.push(Exchange { sent, answer, findings });
            copy
        }
        Err(reason) => {
            failure.get_or_insert(reason);
            Response { status: 0, headers: Vec::new() }
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    Ok(Played { exchanges, result })
}

impl Outcome {
    /// Where the browser makes no CORS request at all.
    pub(crate) fn without_cors(
        request: &BrowserRequest,
        url: &Url,
    ) -> Option<Self> {
        let outcome = |verdict, summary: &str, console| Self {
            verdict,
            summary: summary.to_owned(),
            exchanges: Vec::new(),
            console,
            notes: Vec::new(),
            lacking: None,
        };
        if url.origin() == request.origin {
            let mut outcome = outcome(
                Verdict::Allowed,
                "page and URL have the same origin: CORS has no part in it",
                None,
            );
            if !matches!(request.method.as_str(), "GET" | "HEAD") {
                outcome.notes.push(
                    "The browser sends Origin all the same; a policy that \
                     does not list it decides \"refused\", which does no harm."
                        .into(),
                );
            }
            return Some(outcome);
        }
        (request.origin.starts_with("https:")
            && !url.https
            && !url.is_loopback())
        .then(|| {
            outcome(
                Verdict::Blocked,
                "mixed content: a page of https fetches nothing of http, \
                 and nothing is sent",
                Some(format!(
                    "Mixed Content: The page at '{}/' was loaded over HTTPS, \
                     but requested an insecure resource '{}'. This request \
                     has been blocked; the content must be served over HTTPS.",
                    request.origin, url.text
                )),
            )
        })
    }

    pub(crate) fn of(
        request: &BrowserRequest,
        url: Option<&Url>,
        played: &Played,
    ) -> Self {
        use browser::Failure as F;
        let last = played.exchanges.last();
        let (verdict, summary) = match &played.result {
            Ok(_) if last.and_then(|e| redirect(&e.answer)).is_some() => (
                Verdict::Unknown,
                "the answer is a redirect, which the browser follows and this \
                 command does not",
            ),
            Ok(_) => (Verdict::Allowed, "the script can read the answer"),
            Err(F::Script) if browser::forbidden_method(&request.method) => (
                Verdict::Blocked,
                "the script's own call throws, and nothing is sent: no \
                 script can use this method",
            ),
            Err(F::Script) => (
                Verdict::Blocked,
                "the script's own call throws, and nothing is sent: the \
                 method, or the name or value of a header, is malformed",
            ),
            Err(F::ActualOrigin) => (
                Verdict::Blocked,
                "the request is sent and answered, and the script cannot read \
                 the answer",
            ),
            Err(_) => (
                Verdict::Blocked,
                "the preflight fails, and the request is not sent",
            ),
        };
        let first = played
            .exchanges
            .iter()
            .flat_map(|exchange| &exchange.findings)
            .find(|finding| finding.severity == Severity::Error);
        let mut notes = Vec::new();
        for (name, value) in &request.headers {
            if browser::forbidden_request_header(name, value) {
                notes.push(format!(
                    "The browser leaves out {name}, which no script can set."
                ));
            }
        }
        Self {
            verdict,
            summary: summary.to_owned(),
            exchanges: played
                .exchanges
                .iter()
                .map(|exchange| ExchangeReport::of(request, url, exchange))
                .collect(),
            console: first.map(|finding| {
                format!(
                    "Access to fetch at '{}' from origin '{}' has been \
                     blocked by CORS policy: {}",
                    url.map_or("URL", |url| &url.text),
                    request.origin,
                    finding.console
                )
            }),
            notes,
            lacking: None,
        }
    }

    pub(crate) fn report(&self, format: Format) -> Report {
        let answer = match self.verdict {
            Verdict::Allowed => Answer::Yes,
            Verdict::Blocked => Answer::No,
            Verdict::Unknown => Answer::Unknown,
        };
        match format {
            Format::Text => Report { text: self.text(), answer },
            Format::Json => Report::json(self, answer),
        }
    }

    fn text(&self) -> String {
        let (style, word) = match self.verdict {
            Verdict::Allowed => (GOOD, "allowed"),
            Verdict::Blocked => (BAD, "blocked"),
            Verdict::Unknown => (DOUBT, "unknown"),
        };
        let mut text = format!("{style}{word}{style:#}: {}\n", self.summary);
        for exchange in &self.exchanges {
            text.push('\n');
            exchange.write(&mut text);
        }
        if self.console.is_some() || !self.notes.is_empty() {
            text.push('\n');
        }
        if let Some(console) = &self.console {
            let _ = writeln!(text, "{NAME}console:{NAME:#} {console}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{NAME}note:{NAME:#} {note}");
        }
        if let Some(lacking) = &self.lacking {
            text.push_str("\nThe policy lacks, for this to be allowed:\n");
            for key in KEYS {
                if let Some(value) = lacking.get(key) {
                    let _ = writeln!(text, "  \"{key}\": {value}");
                }
            }
        }
        text
    }
}

impl ExchangeReport {
    fn of(
        request: &BrowserRequest,
        url: Option<&Url>,
        exchange: &Exchange,
    ) -> Self {
        let Exchange { sent, answer, .. } = exchange;
        let preflight = sent.request_method.is_some();
        let mut headers = vec![("origin".to_owned(), sent.origin.clone())];
        let asked = [
            ("access-control-request-method", &sent.request_method),
            ("access-control-request-headers", &sent.request_headers),
        ];
        for (name, value) in asked {
            if let Some(value) = value {
                headers.push((name.to_owned(), value.clone()));
            }
        }
        if !preflight {
            headers.extend(script_headers(request).map(|(name, value)| {
                (name.to_ascii_lowercase(), printable(value))
            }));
        }
        let shown = answer.headers.iter().filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name.starts_with("access-control-")
                || ["vary", "location", "age"].contains(&name.as_str())
        });
        Self {
            kind: if preflight { "preflight" } else { "request" },
            because: if preflight { because(sent) } else { Vec::new() },
            sent: SentReport {
                method: sent.method.clone(),
                target: url
                    .map_or("/", |url| {
                        url.uri
                            .path_and_query()
                            .map_or("/", |path| path.as_str())
                    })
                    .to_owned(),
                headers,
            },
            answer: AnswerReport {
                status: (answer.status != 0).then_some(answer.status),
                headers: shown
                    .map(|(name, value)| {
                        (name.to_ascii_lowercase(), printable(value))
                    })
                    .collect(),
            },
            decision: None,
            findings: None,
        }
    }

    fn write(&self, text: &mut String) {
        text.push_str(&match self.because.as_slice() {
            [] => "The browser sends the request:\n".to_owned(),
            because => format!(
                "The browser asks first, because of {}:\n",
                because.join(" and ")
            ),
        });
        let SentReport { method, target, headers } = &self.sent;
        let mut wire = |mark: &str, line: &str| {
            let _ = writeln!(text, "  {WIRE}{mark} {line}{WIRE:#}");
        };
        wire(">", &format!("{method} {target}"));
        for (name, value) in headers {
            wire(">", &format!("{name}: {value}"));
        }
        match self.answer.status {
            Some(status) => wire("<", &status.to_string()),
            None => wire("<", "(the application's answer, with)"),
        }
        for (name, value) in &self.answer.headers {
            wire("<", &format!("{name}: {value}"));
        }
        if let Some(decision) = &self.decision {
            let _ = writeln!(text, "{}: {}", decision.verdict, decision.cause);
            if let Some(hint) = &decision.hint {
                let _ = writeln!(text, "{NAME}hint:{NAME:#} {hint}");
            }
        }
        for finding in self.findings.iter().flatten() {
            let (style, word) = match finding.severity {
                Severity::Error => (BAD, "error"),
                Severity::Warning => (DOUBT, "warning"),
            };
            let Finding { code, message, help, .. } = finding;
            let _ = writeln!(
                text,
                "{style}{word}[{code}]{style:#}: {message}\n  help: {help}"
            );
        }
    }
}

/// The headers that the script sets and the browser sends.
pub(crate) fn script_headers(
    request: &BrowserRequest,
) -> impl Iterator<Item = &browser::Header> {
    request.headers.iter().filter(|(name, value)| {
        !browser::forbidden_request_header(name, value)
    })
}

/// Why the browser asks first.
fn because(sent: &SentRequest) -> Vec<String> {
    let mut because = Vec::new();
    let method = sent.request_method.as_deref().unwrap_or_default();
    if !browser::safelisted_method(method) {
        because.push(format!("the method {method}"));
    }
    let names = sent.request_headers.as_deref().unwrap_or_default();
    let names: Vec<_> =
        names.split(',').filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        [] => {}
        [name] => because.push(format!("the header {name}")),
        [names @ .., last] => {
            let names = names.join(", ");
            because.push(format!("the headers {names} and {last}"));
        }
    }
    because
}

fn printable(value: &[u8]) -> String {
    value.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'")
}
