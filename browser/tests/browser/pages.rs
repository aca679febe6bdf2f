//! What forms, images, WebSockets and a site's own scripts send, as Chromium,
//! Firefox and WebKit did when their requests were recorded.

use browser::Initiator::{Form, Image, Script, WebSocket};
use browser::Site::{CrossSite, SameOrigin, SameSite};
use browser::{Initiator, PageRequest, Site, Target, page_request};

const SITE: &str = "https://site.test:24443";
const LOCAL: &str = "http://127.0.0.1:24001";
const PLAIN: &str = "http://site.test:24001";

fn sent(
    initiator: Initiator,
    method: &str,
    page: &str,
    to: &str,
    site: Site,
) -> PageRequest {
    let target = Target { origin: to, port: 24443, trustworthy: to != PLAIN };
    page_request(initiator, method, page, target, site)
}

#[test]
fn pages_send_what_the_engines_sent() {
    let sub = "https://sub.site.test:24443";
    let evil = "https://evil.test:24444";
    let plain_evil = "http://evil.test:24002";
    let local_port = "http://127.0.0.1:24003";
    let cross = Some("cross-site");
    let own = Some("same-origin");
    for (initiator, method, page, to, site, origin, fetch_site) in [
        (Form, "post", SITE, SITE, SameOrigin, Some(SITE), own),
        (Form, "post", sub, SITE, SameSite, Some(sub), Some("same-site")),
        (Form, "post", evil, SITE, CrossSite, Some(evil), cross),
        (Form, "post", PLAIN, SITE, CrossSite, Some(PLAIN), cross),
        (Form, "get", SITE, SITE, SameOrigin, None, own),
        (Form, "get", evil, SITE, CrossSite, None, cross),
        (Form, "post", PLAIN, PLAIN, SameOrigin, Some(PLAIN), None),
        (Form, "post", plain_evil, PLAIN, CrossSite, Some(plain_evil), None),
        (Form, "post", SITE, PLAIN, CrossSite, Some("null"), None),
        (
            Form,
            "post",
            local_port,
            LOCAL,
            SameSite,
            Some(local_port),
            Some("same-site"),
        ),
        (Image, "", SITE, SITE, SameOrigin, None, own),
        (Image, "", evil, SITE, CrossSite, None, cross),
        (Script, "post", SITE, SITE, SameOrigin, Some(SITE), own),
        (Script, "delete", SITE, SITE, SameOrigin, Some(SITE), own),
        (Script, "get", SITE, SITE, SameOrigin, None, own),
        (Script, "delete", PLAIN, PLAIN, SameOrigin, Some(PLAIN), None),
        (WebSocket, "", SITE, SITE, SameOrigin, Some(SITE), None),
        (WebSocket, "", evil, SITE, CrossSite, Some(evil), None),
        (WebSocket, "", plain_evil, PLAIN, CrossSite, Some(plain_evil), None),
    ] {
        let sent = sent(initiator, method, page, to, site);
        let case = format!("{initiator:?} {method} from {page} to {to}");
        assert_eq!(sent.origin.as_deref(), origin, "{case}");
        assert_eq!(sent.fetch_site, fetch_site, "{case}");
        assert_eq!(sent.host, &to[to.len() - sent.host.len()..], "{case}");
        let websocket = initiator == WebSocket;
        assert_eq!(sent.upgrade.is_some(), websocket, "{case}");
        let method = match initiator {
            Image | WebSocket => "GET".into(),
            Script | Form => method.to_uppercase(),
        };
        assert_eq!(sent.method, method, "{case}");
    }
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.2>: of the URL's
/// authority, without its default port.
#[test]
fn the_host_is_the_authority() {
    for (to, host) in [
        (SITE, "site.test:24443"),
        ("https://site.test", "site.test"),
        ("http://[::1]:3000", "[::1]:3000"),
    ] {
        assert_eq!(sent(Form, "post", SITE, to, CrossSite).host, host);
    }
}
