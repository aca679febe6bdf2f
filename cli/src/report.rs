//! The report of a fetch: what it says, as JSON has it. Its text is in
//! [`text`].

mod text;

use browser::{BeforeCors, Failure as F, ScriptRequest, SentRequest, Target};
use cors::{Reason, Verdict};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::code::Code;
use crate::fetch::{Exchange, Played, script_headers};
use crate::findings::{Finding, Severity, redirect};
use crate::message::Message;
use crate::network::Space;
use crate::script::{Asked, Url};
use crate::{Answer, Format, Report, Script};

/// What is reported of a fetch, as text or as JSON.
#[derive(Serialize)]
pub(crate) struct FetchReport {
    outcome: Outcome,
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
    pub(crate) missing: Option<Map<String, Value>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
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
    response: ResponseReport,
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
struct ResponseReport {
    /// Nothing where it is for the application to say.
    status: Option<u16>,
    headers: Vec<(String, String)>,
}

/// The library's decision.
#[derive(Serialize)]
pub(crate) struct DecisionReport {
    #[serde(serialize_with = "verdict_name")]
    pub(crate) verdict: Verdict,
    #[serde(serialize_with = "reason_name")]
    pub(crate) reason: Reason,
    pub(crate) pattern: Option<String>,
    pub(crate) culprit: Option<String>,
    pub(crate) cause: String,
    pub(crate) hint: Option<String>,
}

impl FetchReport {
    /// Where the browser makes no CORS request at all.
    pub(crate) fn without_cors(
        request: &ScriptRequest,
        url: &Url,
    ) -> Option<Self> {
        let report = |outcome, summary: &str, console| Self {
            outcome,
            summary: summary.to_owned(),
            exchanges: Vec::new(),
            console,
            notes: Vec::new(),
            message: None,
            missing: None,
        };
        let target = Target {
            origin: &url.origin(),
            port: url.port(),
            trustworthy: url.is_trustworthy(),
        };
        Some(match browser::before_cors(&request.origin, target)? {
            BeforeCors::BadPort => {
                let mut report = report(
                    Outcome::Blocked,
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
                report.notes.push(
                    "Other protocols use this port: use another one for the \
                     server. No policy or response header changes this."
                        .into(),
                );
                report
            }
            BeforeCors::MixedContent => {
                let mut report = report(
                    Outcome::Blocked,
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
                    report.notes.push(format!(
                        "Chrome 142 and later send it if the user allows the \
                         page to access {} (Local Network Access); other \
                         browsers do not.",
                        space.name()
                    ));
                }
                report
            }
            BeforeCors::SameOrigin => {
                let mut report = report(
                    Outcome::Allowed,
                    "page and URL have the same origin: CORS has no part in it",
                    None,
                );
                if !matches!(request.method.as_str(), "GET" | "HEAD") {
                    report.notes.push(
                        "The browser sends Origin all the same; a policy that \
                         does not list it decides \"refused\", which does no \
                         harm."
                            .into(),
                    );
                }
                report
            }
        })
    }

    pub(crate) fn of(
        request: &ScriptRequest,
        url: Option<&Url>,
        played: &Played,
    ) -> Self {
        let last = played.exchanges.last();
        let (outcome, summary) = match &played.result {
            Ok(_) if last.and_then(|e| redirect(&e.response)).is_some() => (
                Outcome::Unknown,
                "the answer is a redirect, which the browser follows and this \
                 command does not",
            ),
            Ok(_) => (Outcome::Allowed, "the script can read the answer"),
            Err(F::Script) if browser::forbidden_method(&request.method) => (
                Outcome::Blocked,
                "the script's own call throws, and nothing is sent: no \
                 script can use this method",
            ),
            Err(F::Script) => (
                Outcome::Blocked,
                "the script's own call throws, and nothing is sent: the \
                 method, or the name or value of a header, is malformed",
            ),
            Err(F::Response(_)) => (
                Outcome::Blocked,
                "the request is sent and answered, and the script cannot read \
                 the answer",
            ),
            Err(F::Preflight(_)) => (
                Outcome::Blocked,
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
            outcome,
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
            missing: None,
        }
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

    pub(crate) fn render(&self, format: Format) -> Report {
        let answer = match self.outcome {
            Outcome::Allowed => Answer::Yes,
            Outcome::Blocked => Answer::No,
            Outcome::Unknown => Answer::Unknown,
        };
        match format {
            Format::Text => Report { text: self.text(), answer },
            Format::Json => Report::json(self, answer),
        }
    }
}

impl ExchangeReport {
    fn of(
        request: &ScriptRequest,
        url: Option<&Url>,
        exchange: &Exchange,
    ) -> Self {
        let Exchange { sent, response, .. } = exchange;
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
        let shown = response.headers.iter().filter(|(name, _)| {
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
            response: ResponseReport {
                status: (response.status != 0).then_some(response.status),
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

fn verdict_name<S: Serializer>(
    verdict: &Verdict,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_str(verdict.name())
}

fn reason_name<S: Serializer>(
    reason: &Reason,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_str(reason.name())
}
