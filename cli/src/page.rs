//! What a page sends without asking for permission: forms, images, WebSockets,
//! and scripts to their own site. CORS does not stop it, but `block` does.

use browser::{Initiator, PageRequest, Response, Site, Target, page_request};
use cors::{Policy, PublicSuffixList, Verdict};

use crate::explain::{Question, decide};
use crate::report::{DecisionReport, ExchangeReport, FetchReport, Outcome};
use crate::script::Url;

/// A URL of an unknown host.
const ELSEWHERE: Target<'_> =
    Target { origin: "https://", port: 443, trustworthy: true };

/// What the server receives, and what a policy decides about it.
pub(crate) struct Asked {
    pub(crate) sent: PageRequest,
    pub(crate) response: Response,
    pub(crate) decision: DecisionReport,
}

impl Url {
    pub(crate) fn target<'o>(&self, origin: &'o str) -> Target<'o> {
        let (port, trustworthy) = (self.port(), self.is_trustworthy());
        Target { origin, port, trustworthy }
    }

    /// How a page of this origin relates to the URL.
    /// <https://html.spec.whatwg.org/#same-site>
    pub(crate) fn site(&self, page: &str) -> Site {
        if page == self.origin() {
            return Site::SameOrigin;
        }
        let Ok(page) = url::Url::parse(page) else { return Site::CrossSite };
        let (Some(one), Some(other)) = (page.host_str(), self.url.host_str())
        else {
            return Site::CrossSite;
        };
        let domain = |url: &url::Url| {
            let list = PublicSuffixList::built_in();
            let domain = list.registrable_domain(url.domain()?)?;
            Some(domain.to_owned())
        };
        let is_same = page.scheme() == self.url.scheme()
            && (one == other
                || domain(&page).is_some_and(|own| {
                    domain(&self.url).is_some_and(|other| own == other)
                }));
        if is_same { Site::SameSite } else { Site::CrossSite }
    }
}

impl Question<'_> {
    /// What the page sends, but for what the options say.
    pub(crate) fn sent(&self, initiator: Initiator) -> PageRequest {
        let page = &self.request.origin;
        let origin = self.url.map(Url::origin);
        let (target, site) = match (self.url, &origin) {
            (Some(url), Some(origin)) => (url.target(origin), url.site(page)),
            _ => (ELSEWHERE, Site::CrossSite),
        };
        let method = &self.request.method;
        page_request(initiator, method, page, target, site)
    }

    pub(crate) fn ask_about_page(
        &self,
        policy: &Policy,
        initiator: Initiator,
    ) -> Asked {
        let sent = self.sent(initiator);
        let host = self.host.or(Some(sent.host.as_str()));
        let request = cors::Request {
            method: Some(sent.method.as_bytes()),
            origin: sent.origin.as_deref().map(str::as_bytes),
            host: host.filter(|host| !host.is_empty()).map(str::as_bytes),
            fetch_site: self.fetch_site(sent.fetch_site).map(str::as_bytes),
            upgrade: sent.upgrade.map(str::as_bytes),
            scheme: self.scheme().map(str::as_bytes),
            ..cors::Request::default()
        };
        let (response, decision) = decide(policy, &request);
        Asked { sent, response, decision }
    }

    /// The report about what a page sends.
    pub(crate) fn page_report(
        &self,
        policy: &Policy,
        initiator: Initiator,
    ) -> FetchReport {
        let page = &self.request.origin;
        let mut report = FetchReport::default();
        if self.is_not_sent(initiator, &mut report) {
            return report;
        }
        let Asked { sent, response, decision } =
            self.ask_about_page(policy, initiator);
        let is_blocked = decision.verdict == Verdict::Blocked;
        let what = name_of(initiator, &sent.method);
        (report.outcome, report.summary) = match is_blocked {
            true => (
                Outcome::Blocked,
                format!("{what} from {page} does not reach the application"),
            ),
            false => (
                Outcome::Allowed,
                format!("{what} from {page} reaches the application"),
            ),
        };
        if is_blocked && initiator == Initiator::WebSocket {
            report.console =
                self.url.map(|url| console_of_websocket(url, response.status));
        }
        report.notes.extend(self.not_covered(policy, initiator, &sent));
        let headers = self.wire(&sent);
        let mut exchange =
            ExchangeReport::new(&sent.method, self.url, headers, &response);
        exchange.decision = Some(decision);
        report.exchanges.push(exchange);
        report
    }

    /// Whether the browser sends nothing, which then is the outcome.
    pub(crate) fn is_not_sent(
        &self,
        initiator: Initiator,
        report: &mut FetchReport,
    ) -> bool {
        let Some(url) = self.url else { return false };
        let is_mixed =
            self.request.origin.starts_with("https:") && !url.is_trustworthy();
        if browser::bad_port(url.port()) {
            report.summary = format!(
                "browsers never connect to port {}, so nothing is sent",
                url.port()
            );
        } else if is_mixed && initiator == Initiator::WebSocket {
            report.summary = "mixed content: an https page cannot open a \
                              WebSocket without TLS, so nothing is sent"
                .into();
        } else {
            // <https://www.w3.org/TR/mixed-content/#upgrade-algorithm>
            if is_mixed && initiator == Initiator::Image {
                report.notes.push(
                    "On an https page, browsers request the image over https."
                        .into(),
                );
            }
            return false;
        }
        report.outcome = Outcome::Blocked;
        true
    }

    /// The headers that say where a request comes from.
    pub(crate) fn wire(&self, sent: &PageRequest) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        self.add_metadata(&mut headers, Some(&sent.host), sent.fetch_site);
        if let Some(origin) = &sent.origin {
            // After Host.
            let at = usize::from(headers.iter().any(|(n, _)| n == "host"));
            headers.insert(at, ("origin".to_owned(), origin.clone()));
        }
        if let Some(upgrade) = sent.upgrade {
            headers.push(("upgrade".to_owned(), upgrade.to_owned()));
        }
        headers
    }

    /// What to know if the policy does not look at the request.
    fn not_covered(
        &self,
        policy: &Policy,
        initiator: Initiator,
        sent: &PageRequest,
    ) -> Option<String> {
        if self.url.is_some_and(|url| url.origin() == self.request.origin) {
            return None;
        }
        let kind = if initiator == Initiator::WebSocket {
            "websockets"
        } else if ["GET", "HEAD"].contains(&sent.method.as_str()) {
            return Some(
                "No policy blocks GET: a GET request must not change anything."
                    .into(),
            );
        } else {
            "unsafe_methods"
        };
        (!policy.blocks().any(|listed| listed == kind)).then(|| {
            format!(
                "CORS does not stop this request. To block it unless the \
                 origin is allowed, list \"{kind}\" in \"block\"."
            )
        })
    }
}

/// What the page sends, such as "the form's POST".
pub(crate) fn name_of(initiator: Initiator, method: &str) -> String {
    match initiator {
        Initiator::Script => format!("the script's {method}"),
        Initiator::Form => format!("the form's {method}"),
        Initiator::Image => "the request for the image".to_owned(),
        Initiator::WebSocket => "the WebSocket handshake".to_owned(),
    }
}

/// What Chromium's console says of a WebSocket that does not open.
pub(crate) fn console_of_websocket(url: &Url, status: u16) -> String {
    format!(
        "WebSocket connection to '{}' failed: Error during WebSocket \
         handshake: Unexpected response code: {status}",
        url.text
    )
}
