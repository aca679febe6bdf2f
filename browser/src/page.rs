//! What a page sends without a CORS request: forms, images, WebSockets, and
//! scripts to their own origin.

use crate::main_fetch::Target;
use crate::methods::normalize_method;

/// What on a page makes the browser send a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// A script, to the page's own origin.
    Script,
    /// A form: a navigation.
    /// <https://html.spec.whatwg.org/#form-submission-algorithm>
    Form,
    /// An `<img>` without the attribute `crossorigin`.
    Image,
    /// `new WebSocket()`.
    /// <https://websockets.spec.whatwg.org/#concept-websocket-establish>
    WebSocket,
}

/// How the origin of a page relates to that of a URL.
/// <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// The same scheme, host and port.
    SameOrigin,
    /// Another origin with the same scheme and registrable domain.
    SameSite,
    /// Neither.
    CrossSite,
}

/// What the browser puts on the wire, as far as a server can learn from it
/// where the request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The method.
    pub method: String,
    /// `Host`, or `:authority`.
    pub host: String,
    /// `Origin`
    pub origin: Option<String>,
    /// `Sec-Fetch-Site`
    pub fetch_site: Option<&'static str>,
    /// `Upgrade`
    pub upgrade: Option<&'static str>,
}

impl Site {
    /// The value of `Sec-Fetch-Site`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SameOrigin => "same-origin",
            Self::SameSite => "same-site",
            Self::CrossSite => "cross-site",
        }
    }
}

/// What a page of this origin sends; `method` is for a script or form. The
/// page has the default referrer policy, and no redirect came before.
pub fn page_request(
    initiator: Initiator,
    method: &str,
    page: &str,
    target: Target<'_>,
    site: Site,
) -> PageRequest {
    let method = match initiator {
        Initiator::Script => normalize_method(method),
        // <https://html.spec.whatwg.org/#attr-fs-method>
        Initiator::Form => method.to_ascii_uppercase(),
        Initiator::Image | Initiator::WebSocket => "GET".to_owned(),
    };
    PageRequest {
        origin: origin(initiator, &method, page, target),
        host: host(target).to_owned(),
        fetch_site: fetch_site(initiator, target, site),
        upgrade: (initiator == Initiator::WebSocket).then_some("websocket"),
        method,
    }
}

/// The value of `Host` for a URL of this origin.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.2>
pub fn host(target: Target<'_>) -> &str {
    target.origin.split_once("://").map_or("", |(_, host)| host)
}

/// <https://fetch.spec.whatwg.org/#append-a-request-origin-header>
fn origin(
    initiator: Initiator,
    method: &str,
    page: &str,
    target: Target<'_>,
) -> Option<String> {
    if initiator == Initiator::WebSocket {
        return Some(page.to_owned());
    }
    if ["GET", "HEAD"].contains(&method) {
        return None;
    }
    // The default referrer policy is "strict-origin-when-cross-origin".
    let is_downgrade =
        page.starts_with("https:") && !target.origin.starts_with("https:");
    Some(if is_downgrade { "null" } else { page }.to_owned())
}

/// <https://www.w3.org/TR/fetch-metadata/#abstract-opdef-set-site>
///
/// Chromium sends none with WebSockets, so no server can rely on it there.
fn fetch_site(
    initiator: Initiator,
    target: Target<'_>,
    site: Site,
) -> Option<&'static str> {
    let is_sent = target.trustworthy && initiator != Initiator::WebSocket;
    is_sent.then(|| site.name())
}
