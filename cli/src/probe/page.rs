//! `cors probe` for forms and WebSockets, which CORS does not stop: whether the
//! server blocks those of other sites, and lets the site's own through.

use browser::{Initiator, PageRequest, ScriptRequest};

use crate::explain::Question;
use crate::findings::{Finding, Severity, warning};
use crate::page::{console_of_websocket, name_of};
use crate::report::{
    ExchangeReport, FetchReport, Outcome, Sender, Treated, Treatment,
};
use crate::script::Url;
use crate::server::{Reply, Server};
use crate::{Failure, Probe};

/// A host that no policy lists. The last label is reserved (RFC 2606).
const UNRELATED: &str = "cors-probe.invalid";

impl Probe {
    /// Sends the request of the page, and those of an unrelated site, a
    /// sandboxed frame, and the site itself, which show what the page's is
    /// worth.
    pub(super) fn probe_page(
        &self,
        request: &ScriptRequest,
        url: &Url,
        initiator: Initiator,
    ) -> Result<FetchReport, Failure> {
        self.may_send(request, initiator)?;
        let mut report = FetchReport::default();
        let page = Question {
            request,
            url: Some(url),
            initiator: Some(initiator),
            host: None,
            site: None,
        };
        if page.is_not_sent(initiator, &mut report) {
            return Ok(report);
        }
        let server = Server::new(self, url)?;
        let mut replies = Vec::new();
        for (sender, origin) in senders(&request.origin, url) {
            let request = &ScriptRequest { origin, ..request.clone() };
            let sent = Question { request, ..page }.sent(initiator);
            let reply = server.send_of_page(&sent)?;
            replies.push((sender, sent, reply));
        }
        let own = replies.iter().find(|(sender, ..)| *sender == Sender::Own);
        let own = &own.expect("it is one of the senders").2;
        for (sender, sent, reply) in &replies {
            let (result, meaning) = treatment(initiator, *sender, reply, own);
            let findings = findings(initiator, *sender, result, url);
            if report.exchanges.is_empty() {
                report.conclude(initiator, sent, result, &request.origin);
                if *sender == Sender::Page && result == Treated::Blocked {
                    report.notes.push(format!(
                        "If {} is yours, list it in \"allow_origins\".",
                        request.origin
                    ));
                }
                if initiator == Initiator::WebSocket
                    && report.outcome == Outcome::Blocked
                {
                    let status = reply.response.status;
                    report.console = Some(console_of_websocket(url, status));
                }
            }
            let mut exchange = ExchangeReport::new(
                &sent.method,
                Some(url),
                page.wire(sent),
                &reply.response,
            );
            exchange.treatment =
                Some(Treatment { sender: *sender, result, meaning });
            exchange.findings = Some(findings);
            report.exchanges.push(exchange);
        }
        if !own.is_blocked && !is_accepted(initiator, own) {
            report.notes.push(format!(
                "The server responds with {} to the site's own page, perhaps \
                 because probe sends neither cookies nor a body.",
                own.response.status
            ));
        }
        Ok(report)
    }

    fn may_send(
        &self,
        request: &ScriptRequest,
        initiator: Initiator,
    ) -> Result<(), Failure> {
        let is_post = request.method.eq_ignore_ascii_case("POST");
        match initiator {
            Initiator::WebSocket if self.preflight_only => {
                Err("a WebSocket has no preflight; remove --preflight-only")
            }
            Initiator::Form if is_post && !self.post => {
                Err("--form sends POST requests with an empty body to the \
                     URL; add --post if they are harmless")
            }
            Initiator::Image | Initiator::Form if !is_post => {
                Err("probe sends no GET requests of forms or images, because \
                     no policy blocks them; use explain")
            }
            Initiator::Script
            | Initiator::Form
            | Initiator::Image
            | Initiator::WebSocket => Ok(()),
        }
        .map_err(str::to_owned)
    }
}

/// Who sends, and the origin of that page; first the one that was asked for.
fn senders(page: &str, url: &Url) -> Vec<(Sender, String)> {
    // With the scheme of the URL: from https to http, forms send "null".
    let unrelated = format!("{}://{UNRELATED}", url.url.scheme());
    let mut senders = vec![
        (Sender::Unrelated, unrelated),
        (Sender::Sandbox, "null".to_owned()),
        (Sender::Own, url.origin()),
    ];
    let known = senders.iter().position(|(_, origin)| origin == page);
    let first = match known {
        Some(at) => senders.remove(at),
        None => (Sender::Page, page.to_owned()),
    };
    senders.insert(0, first);
    senders
}

/// Whether the server does what it was asked for.
fn is_accepted(initiator: Initiator, reply: &Reply) -> bool {
    match initiator {
        Initiator::WebSocket => reply.response.status == 101,
        Initiator::Script | Initiator::Form | Initiator::Image => {
            reply.response.status < 400
        }
    }
}

/// What a server does with a request, by its response and the one to the
/// site's own page.
fn treatment(
    initiator: Initiator,
    sender: Sender,
    reply: &Reply,
    own: &Reply,
) -> (Treated, String) {
    let (status, own_status) = (reply.response.status, own.response.status);
    if reply.is_blocked {
        let meaning = "the request does not reach the application.";
        return (Treated::Blocked, meaning.to_owned());
    }
    if sender == Sender::Own {
        let result =
            if status == 403 { Treated::Unknown } else { Treated::Passed };
        return (result, format!("the server responds with {status}."));
    }
    let is_other = status == 403 && own_status != 403;
    let result = if is_accepted(initiator, reply) {
        Treated::Passed
    } else if is_accepted(initiator, own) || is_other {
        Treated::Rejected
    } else if status == 403 {
        Treated::Unknown
    } else {
        Treated::Passed
    };
    let meaning = match status == own_status {
        true => format!(
            "the server responds with {status}, as to the site's own page."
        ),
        false => format!(
            "the server responds with {status}, but with {own_status} to the \
             site's own page."
        ),
    };
    (result, meaning)
}

fn findings(
    initiator: Initiator,
    sender: Sender,
    result: Treated,
    url: &Url,
) -> Vec<Finding> {
    let kind = match initiator {
        Initiator::WebSocket => "websockets",
        Initiator::Script | Initiator::Form | Initiator::Image => {
            "unsafe_methods"
        }
    };
    match (sender, result) {
        (Sender::Own, Treated::Blocked) => vec![Finding {
            severity: Severity::Error,
            ..warning(
                "own-page-blocked",
                format!(
                    "the site's own page is blocked: the Host that reaches \
                     libcors is not that of {}",
                    url.origin()
                ),
                "make the proxy keep Host, or list the origin",
            )
        }],
        (Sender::Unrelated | Sender::Sandbox, Treated::Passed) => {
            let page = match sender == Sender::Sandbox {
                true => "a sandboxed frame of any site",
                false => "a page of any site",
            };
            vec![warning(
                "cross-site-not-blocked",
                format!("{page} can send this"),
                &format!("list \"{kind}\" in \"block\""),
            )]
        }
        _ => Vec::new(),
    }
}

impl FetchReport {
    fn conclude(
        &mut self,
        initiator: Initiator,
        sent: &PageRequest,
        result: Treated,
        page: &str,
    ) {
        let what = format!("{} from {page}", name_of(initiator, &sent.method));
        (self.outcome, self.summary) = match result {
            Treated::Blocked => (
                Outcome::Blocked,
                format!("{what} does not reach the application"),
            ),
            Treated::Rejected => {
                (Outcome::Blocked, format!("the server rejects {what}"))
            }
            Treated::Passed => {
                (Outcome::Allowed, format!("the server does not block {what}"))
            }
            Treated::Unknown => (
                Outcome::Unknown,
                format!(
                    "the server rejects {what}, but also the site's own \
                     request"
                ),
            ),
        };
    }
}
