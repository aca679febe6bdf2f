//! The report of a fetch: its contents, which are the JSON. [`text`] prints it.

mod text;

use browser::{
    BeforeCors, Failure as F, Response, ScriptRequest, SentRequest,
};
use cors::{Reason, Verdict};
use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::fetch::{Exchange, Fetched};
use crate::findings::{Finding, Severity, redirect};
use crate::fix::Fix;
use crate::message::Message;
use crate::network::Space;
use crate::script::{Input, Url};
use crate::{Answer, Format, Report, Script};

/// What happens to a script's request that `block` stops.
pub(crate) const BLOCKED: &str = "the server blocks the request, so it does \
                                  not reach the application";

/// The report of a fetch.
#[derive(Default, Serialize)]
pub(crate) struct FetchReport {
    pub(crate) outcome: Outcome,
    /// What the browser does.
    pub(crate) summary: String,
    pub(crate) exchanges: Vec<ExchangeReport>,
    /// What Chromium writes to its console.
    pub(crate) console: Option<String>,
    /// What else to know.
    pub(crate) notes: Vec<String>,
    /// What the console's message says, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    /// What to change in the policy for the script to read the response.
    #[serde(flatten)]
    pub(crate) fix: Option<Fix>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Allowed,
    Blocked,
    /// The response is a redirect, which is not followed, or the server
    /// responds with 403 to the site's own page too.
    #[default]
    Unknown,
}

#[derive(Serialize)]
pub(crate) struct ExchangeReport {
    /// `preflight` or `request`.
    kind: &'static str,
    /// Why there is a preflight.
    because: Vec<String>,
    /// What the server does with what a page sends without CORS.
    #[serde(flatten)]
    pub(crate) treatment: Option<Treatment>,
    pub(crate) sent: SentReport,
    response: ResponseReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<DecisionReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) findings: Option<Vec<Finding>>,
}

/// What a server does with what a page sends without CORS.
#[derive(Serialize)]
pub(crate) struct Treatment {
    pub(crate) sender: Sender,
    pub(crate) result: Treated,
    pub(crate) meaning: String,
}

/// Whose page sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sender {
    /// That of `--origin`.
    Page,
    /// One of a site that no policy lists.
    Unrelated,
    /// One in a sandboxed frame, whose origin is `null`.
    Sandbox,
    /// One of the site itself.
    Own,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Treated {
    /// By `block`, before the application.
    Blocked,
    /// By other means, and other than what the site's own page sends.
    Rejected,
    Passed,
    /// What the site's own page sends is not accepted either.
    Unknown,
}

#[derive(Serialize)]
pub(crate) struct SentReport {
    method: String,
    target: String,
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Serialize)]
struct ResponseReport {
    /// `None` if the application sets it.
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
    /// The number of the rule that decides, if the policy has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<usize>,
    pub(crate) culprit: Option<String>,
    pub(crate) cause: String,
    pub(crate) hint: Option<String>,
}

impl FetchReport {
    /// If the browser does not even make a CORS request.
    pub(crate) fn without_cors(
        request: &ScriptRequest,
        url: &Url,
    ) -> Option<Self> {
        let origin = url.origin();
        let target = url.target(&origin);
        let method = browser::normalize_method(&request.method);
        let page = &request.origin;
        let (outcome, summary, console, note) = match browser::before_cors(
            page, target,
        )? {
            BeforeCors::BadPort => (
                Outcome::Blocked,
                format!(
                    "browsers never connect to port {}, so nothing is sent",
                    url.port()
                ),
                Some(format!("{method} {} net::ERR_UNSAFE_PORT", url.text)),
                Some(
                    "Other protocols use this port, so use another one \
                         for the server. No policy or response header changes \
                         this."
                        .into(),
                ),
            ),
            BeforeCors::MixedContent => (
                Outcome::Blocked,
                "mixed content: an https page cannot fetch an http URL, \
                     so nothing is sent"
                    .into(),
                Some(format!(
                    "Mixed Content: The page at '{page}/' was loaded over \
                         HTTPS, but requested an insecure resource '{}'. This \
                         request has been blocked; the content must be served \
                         over HTTPS.",
                    url.text
                )),
                // <https://wicg.github.io/local-network-access/#mixed-content-lna>
                Space::of_url(&url.url).map(|space| {
                    format!(
                        "Chrome 142 and later send the request if the \
                             user lets the page access {} (Local Network \
                             Access); other browsers do not.",
                        space.name()
                    )
                }),
            ),
            BeforeCors::SameOrigin => (
                Outcome::Allowed,
                "the page and URL have the same origin, so CORS does not \
                     apply"
                    .into(),
                None,
                (!["GET", "HEAD"].contains(&method.as_str())).then(|| {
                    "The browser still sends Origin. If the policy does \
                         not list it, the decision is \"same_origin\", or \
                         \"refused\" by a server that does not hand Host to \
                         libcors. Both are harmless."
                        .into()
                }),
            ),
        };
        Some(Self {
            outcome,
            summary,
            exchanges: Vec::new(),
            console,
            notes: note.into_iter().collect(),
            message: None,
            fix: None,
        })
    }

    pub(crate) fn of(
        request: &ScriptRequest,
        url: Option<&Url>,
        fetched: &Fetched,
    ) -> Self {
        let last = fetched.exchanges.last();
        let (outcome, summary) = match &fetched.result {
            Ok(_) if last.and_then(|e| redirect(&e.response)).is_some() => (
                Outcome::Unknown,
                "the response is a redirect, which the browser follows but \
                 this command does not",
            ),
            Ok(_) => (Outcome::Allowed, "the script can read the response"),
            Err(F::Script) if browser::forbidden_method(&request.method) => (
                Outcome::Blocked,
                "the script's call throws, so nothing is sent: scripts cannot \
                 use this method",
            ),
            Err(F::Script) => (
                Outcome::Blocked,
                "the script's call throws, so nothing is sent: the method, or \
                 the name or value of a header, is malformed",
            ),
            Err(F::Response(_)) => (
                Outcome::Blocked,
                "the request is sent, but the script cannot read the response",
            ),
            Err(F::Preflight(_)) => (
                Outcome::Blocked,
                "the preflight fails, so the request is not sent",
            ),
        };
        let first = fetched
            .exchanges
            .iter()
            .flat_map(|exchange| &exchange.findings)
            .find(|finding| finding.severity == Severity::Error);
        let mut notes = Vec::new();
        for (name, value) in &request.headers {
            if browser::forbidden_request_header(name, value) {
                notes.push(format!(
                    "The browser drops {name}, which scripts cannot set."
                ));
            }
            if name
                .eq_ignore_ascii_case("Access-Control-Request-Private-Network")
            {
                notes.push(format!(
                    "{name} no longer has an effect: Local Network Access, \
                     which asks the user, has replaced Private Network \
                     Access."
                ));
            }
        }
        if let Some(Exchange { sent, response, .. }) = last
            && sent.request_method.is_none()
            && !browser::lines("Timing-Allow-Origin", &response.headers)
                .is_empty()
            && !browser::tao_check(&request.origin, &response.headers)
        {
            notes.push(format!(
                "Scripts of {} cannot read resource timing, since \
                 Timing-Allow-Origin does not list it.",
                request.origin
            ));
        }
        Self {
            outcome,
            summary: summary.to_owned(),
            exchanges: fetched
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
            fix: None,
        }
    }

    /// Adds the message, what it leaves open, and whether it is about something
    /// other than what was found; `found` is `None` if nothing was sent.
    pub(crate) fn compare(
        &mut self,
        script: &Script,
        input: Input,
        found: Option<&[Code]>,
    ) {
        let Some(message) = input.message else { return };
        let named = script.method.is_some() || message.method.is_some();
        if message.code == Code::MethodNotAllowed && !named {
            self.notes.push(
                "The message does not contain the method: add --method."
                    .into(),
            );
        } else if input.request.use_cors_preflight {
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
                 earlier response, or another server's.",
                message.reason
            ));
        }
        self.message = Some(message);
    }

    /// Adds what the user is asked if the page is from another address space.
    /// `address` is that of the URL's host, if it is known.
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
                 elsewhere accesses {} (Local Network Access). No response \
                 header changes this.",
                space.name()
            )
        } else {
            format!(
                "Chrome 142 and later do not let an http page from elsewhere \
                 access {} (Local Network Access): use https for the page. \
                 No response header changes this.",
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
            let set = browser::header_list(request).into_iter();
            headers.extend(set.map(|(name, value)| {
                (name.to_ascii_lowercase(), printable(&value))
            }));
        }
        Self {
            kind: if preflight { "preflight" } else { "request" },
            because: if preflight { because(sent) } else { Vec::new() },
            ..Self::new(&sent.method, url, headers, response)
        }
    }

    /// A request that is no preflight.
    pub(crate) fn new(
        method: &str,
        url: Option<&Url>,
        headers: Vec<(String, String)>,
        response: &Response,
    ) -> Self {
        let shown = response.headers.iter().filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name.starts_with("access-control-")
                || ["timing-allow-origin", "vary", "location", "age"]
                    .contains(&name.as_str())
                // Of a blocked request.
                || name == "cache-control" && response.status == 403
        });
        Self {
            kind: "request",
            because: Vec::new(),
            treatment: None,
            sent: SentReport {
                method: method.to_owned(),
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

/// Why there is a preflight.
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
            because.push("something that the message does not contain".into());
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
