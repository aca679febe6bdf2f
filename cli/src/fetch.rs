//! A script's fetch: what the browser sends, what it is answered, and what
//! becomes of it, whoever answers.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value};
use ureq::http::Uri;

use crate::code::Code;
use crate::findings::{Finding, Severity, judge, redirect};
use crate::message::Message;
use crate::network::Space;
use crate::style::{BAD, DOUBT, GOOD, NAME, WIRE};
use crate::{Answer, Failure, Format, Report, Script};
use browser::{
    self, AuthorizationStar, BeforeCors, Browser, Failure as F, Response,
    ScriptRequest, SentRequest, Target,
};

/// A URL that a script fetches.
pub(crate) struct Url {
    /// As browsers serialize it.
    pub(crate) text: String,
    /// The same without the fragment, which is not sent.
    pub(crate) uri: Uri,
    url: url::Url,
}

/// What is asked, and what a console's message says of it.
pub(crate) struct Asked {
    pub(crate) request: ScriptRequest,
    pub(crate) url: Option<Url>,
    pub(crate) message: Option<Message>,
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
    /// What the console's message says, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
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
        let Some((scheme, _)) = text.split_once("://") else {
            return wrong(&without_scheme(text));
        };
        let mut url = match url::Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                return wrong(&format!("is invalid: {error}; {USE_A_URL}"));
            }
        };
        match url.scheme() {
            "http" | "https" => {}
            "ws" | "wss" => {
                return wrong(
                    "is a WebSocket's, to which CORS does not apply; use \
                     http:// or https://",
                );
            }
            _ => {
                return wrong(&format!(
                    "has the scheme {scheme}; use http:// or https://"
                ));
            }
        }
        // <https://fetch.spec.whatwg.org/#dom-request>
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(
                "has a user name or password, which scripts cannot fetch; \
                 remove it, and add an Authorization header",
            );
        }
        let text = url.to_string();
        url.set_fragment(None);
        match url.as_str().parse() {
            Ok(uri) => Ok(Self { text, uri, url }),
            Err(error) => wrong(&format!("is invalid: {error}; {USE_A_URL}")),
        }
    }

    fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn port(&self) -> u16 {
        self.url.port_or_known_default().expect("http and https have one")
    }

    /// <https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy>
    fn is_trustworthy(&self) -> bool {
        self.url.scheme() == "https"
            || self.url.host_str().is_some_and(cors::is_loopback)
    }
}

const USE_A_URL: &str = "use one such as https://api.example.com/items";

/// What is wrong with a URL that has no `://`, and what to write.
fn without_scheme(text: &str) -> String {
    let bare = text.trim_start_matches('/');
    let with = |scheme: &str| {
        let text = format!("{scheme}://{bare}");
        url::Url::parse(&text).ok().map(|url| (text, url))
    };
    if text.starts_with('/') && !text.starts_with("//") {
        return format!("is only a path; {USE_A_URL}");
    }
    // What has no dot and no port is rather a word.
    let host_like = bare.contains('.')
        || bare.contains(':')
        || bare.split('/').next() == Some("localhost");
    match with("http") {
        Some((text, url)) if host_like => {
            if Space::of_url(&url).is_some() {
                format!(
                    "has no scheme; use {text}, or https:// if the server \
                     uses TLS"
                )
            } else {
                format!(
                    "has no scheme; use https://{bare}, or http:// if the \
                     server does not use TLS"
                )
            }
        }
        _ => format!("is not a URL; {USE_A_URL}"),
    }
}

impl Script {
    /// The request, the URL and the message, each given or taken from the
    /// message.
    pub(crate) fn read(&self, url: Option<&str>) -> Result<Asked, Failure> {
        let mut url = url;
        let text = match self.message.as_deref() {
            Some("-") => {
                let bytes = crate::read(std::path::Path::new("-"))?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            text => text.map(str::to_owned),
        };
        let mut message = match &text {
            Some(text) => Some(Message::parse(text).ok_or(
                "the message is not one of Chromium, Firefox or Safari about \
                 CORS, in English; use --origin and the URL instead",
            )?),
            None => None,
        };
        // A message in the URL's place.
        if message.is_none()
            && let Some(given) = url
            && given.trim().contains(char::is_whitespace)
        {
            message = Message::parse(given);
            url = url.filter(|_| message.is_none());
        }
        let said = message.as_ref();
        let url = url.or(said.and_then(|said| said.url.as_deref()));
        let origin = self.origin.as_deref();
        let origin = origin.or(said.and_then(|said| said.origin.as_deref()));
        let Some(origin) = origin else {
            return Err(match &message {
                Some(_) => "the message does not name the origin of the page",
                None => "the origin of the page is missing",
            }
            .to_owned()
                + "; add it, such as --origin https://app.example.com");
        };
        if origin == "*" {
            return Err("--origin is one origin, not a pattern; use \
                        https://app.example.com or the like"
                .into());
        }
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|header| {
                let (name, value) =
                    header.split_once(':').unwrap_or((header, ""));
                (name.trim().to_owned(), value.trim().as_bytes().to_vec())
            })
            .collect();
        if let Some(name) = said.and_then(|said| said.header.as_ref())
            && !headers
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            headers.push((name.clone(), unsafe_value(name).into()));
        }
        let method = self.method.as_deref();
        let method = method.or(said.and_then(|said| said.method.as_deref()));
        let mut request = ScriptRequest {
            origin: origin.to_owned(),
            method: method.unwrap_or("GET").to_owned(),
            headers,
            credentials: self.credentials
                || said.is_some_and(|said| said.credentials),
            use_cors_preflight: false,
        };
        request.use_cors_preflight = said.is_some_and(|said| said.preflight)
            && !browser::needs_preflight(&request);
        let url = url.map(Url::parse).transpose()?;
        Ok(Asked { request, url, message })
    }
}

/// A value with which the browser asks for this header first.
fn unsafe_value(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "content-type" => "application/json",
        "accept" | "accept-language" | "content-language" => "\"",
        _ => "",
    }
}

/// Plays a browser that remembers nothing yet. `server` answers, or says why
/// it could not.
pub(crate) fn play(
    request: &ScriptRequest,
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

impl Played {
    /// Why the browser blocks: all errors.
    pub(crate) fn codes(&self) -> Vec<Code> {
        let findings = self.exchanges.iter().flat_map(|e| &e.findings);
        findings.filter_map(|finding| finding.cause).collect()
    }
}

impl Outcome {
    /// Where the browser makes no CORS request at all.
    pub(crate) fn without_cors(
        request: &ScriptRequest,
        url: &Url,
    ) -> Option<Self> {
        let outcome = |verdict, summary: &str, console| Self {
            verdict,
            summary: summary.to_owned(),
            exchanges: Vec::new(),
            console,
            notes: Vec::new(),
            message: None,
            lacking: None,
        };
        let target = Target {
            origin: &url.origin(),
            port: url.port(),
            trustworthy: url.is_trustworthy(),
        };
        Some(match browser::before_cors(&request.origin, target)? {
            BeforeCors::BadPort => {
                let mut outcome = outcome(
                    Verdict::Blocked,
                    &format!(
                        "browsers never connect to port {}, so nothing is sent",
                        url.port()
                    ),
                    Some(format!(
                        "{} {} net::ERR_UNSAFE_PORT",
                        browser::normalize_method(&request.method),
                        url.text
                    )),
                );
                outcome.notes.push(
                    "Other protocols use this port: use another one for the \
                     server. No policy or response header changes this."
                        .into(),
                );
                outcome
            }
            BeforeCors::MixedContent => {
                let mut outcome = outcome(
                    Verdict::Blocked,
                    "mixed content: a page of https fetches nothing of http, \
                     and nothing is sent",
                    Some(format!(
                        "Mixed Content: The page at '{}/' was loaded over \
                         HTTPS, but requested an insecure resource '{}'. This \
                         request has been blocked; the content must be served \
                         over HTTPS.",
                        request.origin, url.text
                    )),
                );
                // <https://wicg.github.io/local-network-access/#mixed-content-lna>
                if let Some(space) = Space::of_url(&url.url) {
                    outcome.notes.push(format!(
                        "Chrome 142 and later send it if the user allows the \
                         page to access {} (Local Network Access); other \
                         browsers do not.",
                        space.name()
                    ));
                }
                outcome
            }
            BeforeCors::SameOrigin => {
                let mut outcome = outcome(
                    Verdict::Allowed,
                    "page and URL have the same origin: CORS has no part in it",
                    None,
                );
                if !matches!(request.method.as_str(), "GET" | "HEAD") {
                    outcome.notes.push(
                        "The browser sends Origin all the same; a policy that \
                         does not list it decides \"refused\", which does no \
                         harm."
                            .into(),
                    );
                }
                outcome
            }
        })
    }

    /// Adds what the message says, what it leaves open, and whether it is
    /// about something else than what was found, by its codes; none where
    /// nothing was sent or played.
    pub(crate) fn compare(
        &mut self,
        script: &Script,
        asked: Asked,
        found: Option<&[Code]>,
    ) {
        let Some(message) = asked.message else { return };
        let named = script.method.is_some() || message.method.is_some();
        if message.code == Code::MethodNotAllowed && !named {
            self.notes.push(
                "The message does not name the method: add --method.".into(),
            );
        } else if asked.request.use_cors_preflight {
            self.notes.push(
                "The message does not say why the browser sent a preflight: \
                 add the script's --method and --header."
                    .into(),
            );
        } else if let Some(found) = found
            && message.code.is_of_response()
            && !found.iter().any(|&code| message.means(code))
        {
            self.notes.push(format!(
                "The message has another reason: {}. It may be about an \
                 earlier response, or about another server's.",
                message.reason
            ));
        }
        self.message = Some(message);
    }

    /// What the user is asked for, if the page comes from elsewhere.
    /// `address` is the address space of what the URL's name stands for, as
    /// far as it is known.
    pub(crate) fn note_network(
        &mut self,
        request: &ScriptRequest,
        url: &Url,
        address: Option<Space>,
    ) {
        let Ok(page) = url::Url::parse(&request.origin) else { return };
        let target = Space::of_url(&url.url).or(address);
        let Some(space) = target else { return };
        if !matches!(page.scheme(), "http" | "https")
            || target <= Space::of_url(&page)
            || url.origin() == request.origin
        {
            return;
        }
        // <https://wicg.github.io/local-network-access/#secure-context-restriction>
        self.notes.push(if page.scheme() == "https" {
            format!(
                "Chrome 142 and later ask the user before a page from \
                 elsewhere accesses {} (Local Network Access); no response \
                 header changes that.",
                space.name()
            )
        } else {
            format!(
                "Chrome 142 and later do not let an http page from elsewhere \
                 access {} (Local Network Access): use https for the page. \
                 No response header changes that.",
                space.name()
            )
        });
    }

    pub(crate) fn of(
        request: &ScriptRequest,
        url: Option<&Url>,
        played: &Played,
    ) -> Self {
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
            Err(F::Response(_)) => (
                Verdict::Blocked,
                "the request is sent and answered, and the script cannot read \
                 the answer",
            ),
            Err(F::Preflight(_)) => (
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
            if name
                .eq_ignore_ascii_case("Access-Control-Request-Private-Network")
            {
                notes.push(format!(
                    "{name} has no meaning any more: Local Network Access, \
                     for which the browser asks the user, has replaced \
                     Private Network Access."
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
            message: None,
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
        let mut text = String::new();
        if let Some(message) = &self.message {
            message.write(&mut text);
            text.push('\n');
        }
        let _ = writeln!(text, "{style}{word}{style:#}: {}", self.summary);
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
        request: &ScriptRequest,
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
    request: &ScriptRequest,
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
        [] if because.is_empty() => {
            because.push("what the message does not name".into());
        }
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
