//! Where a request comes from, as its `Host` and [Fetch metadata] say, and
//! which requests a policy blocks for it.
//!
//! [Fetch metadata]: https://www.w3.org/TR/fetch-metadata/

use crate::origin::syntax;
use crate::request::Request;

/// Which requests a policy blocks, if they come from other sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) unsafe_methods: bool,
    pub(crate) websockets: bool,
}

/// The kinds of request.
enum Kind {
    UnsafeMethod,
    WebSocket,
    Other,
}

impl Kind {
    /// Of a request that is no preflight.
    fn of(request: &Request<'_>) -> Self {
        Self::with(request.method, names_websocket(request.upgrade))
    }

    /// The opening of a WebSocket has the method GET ([RFC 6455, section
    /// 4.1]); an unknown method can be any.
    ///
    /// [RFC 6455, section 4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    fn with(method: Option<&[u8]>, names_websocket: bool) -> Self {
        match method {
            Some(b"GET" | b"OPTIONS") if names_websocket => Self::WebSocket,
            Some(b"GET" | b"OPTIONS" | b"HEAD") => Self::Other,
            None | Some(_) => Self::UnsafeMethod,
        }
    }
}

impl Block {
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether a request must not reach the application that is no preflight,
    /// and whose origin no pattern but `*` and `null` matches.
    pub(crate) fn stops(self, request: &Request<'_>) -> bool {
        let names = match Kind::of(request) {
            Kind::UnsafeMethod => self.unsafe_methods,
            Kind::WebSocket => self.websockets,
            Kind::Other => false,
        };
        names && !has_no_page(request) && !is_same_origin(request)
    }

    /// Whether a request of which only so much could be read must not, since
    /// nothing can be decided about it. Without `upgrade`, it may open a
    /// WebSocket.
    pub(crate) fn may_stop(
        self,
        method: Option<&[u8]>,
        upgrade: Option<Option<&[u8]>>,
    ) -> bool {
        let websocket = upgrade.map_or(self.websockets, names_websocket);
        !self.is_empty()
            && match Kind::with(method, websocket) {
                Kind::UnsafeMethod | Kind::WebSocket => true,
                Kind::Other => false,
            }
    }
}

/// Whether `Upgrade` lists the protocol ([RFC 9110, section 7.8]).
///
/// [RFC 9110, section 7.8]: https://www.rfc-editor.org/rfc/rfc9110#section-7.8
fn names_websocket(upgrade: Option<&[u8]>) -> bool {
    let mut protocols =
        upgrade.unwrap_or_default().split(|&byte| byte == b',');
    protocols.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

/// Whether no page sent the request: a user did, or no browser.
fn has_no_page(request: &Request<'_>) -> bool {
    match request.fetch_site {
        Some(site) => site == b"none",
        None => request.origin.is_none(),
    }
}

/// Whether a page of the same origin as its target sent the request.
///
/// A browser says so in `Sec-Fetch-Site`, but not about WebSockets: WebKitGTK
/// lets another site's server redirect a handshake here, and keeps the
/// `same-origin` that was true of the first server. Without it, or if it says
/// less than is true (WebKit calls a site's own form with `target=_blank`
/// cross-site), `Origin` and `Host` do. On http they do not if the browser said
/// something else, or if the target is on https: a page on http has another
/// origin.
pub(crate) fn is_same_origin(request: &Request<'_>) -> bool {
    let Request { origin, host, fetch_site, scheme, .. } = *request;
    let site_is_same = fetch_site == Some(b"same-origin");
    if site_is_same && !matches!(Kind::of(request), Kind::WebSocket) {
        return true;
    }
    let (Some(origin), Some(host)) = (origin, host) else { return false };
    let is_https =
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"));
    // The authority, and the default port, which an origin does not have.
    let (authority, port) =
        if let Some(rest) = origin.strip_prefix(b"https://") {
            (rest, &b":443"[..])
        } else if let Some(rest) = origin.strip_prefix(b"http://")
            && (site_is_same || fetch_site.is_none())
            && !is_https
        {
            (rest, &b":80"[..])
        } else {
            return false;
        };
    let host = host.strip_suffix(port).unwrap_or(host);
    authority.eq_ignore_ascii_case(host) && syntax::parse(origin).is_some()
}
