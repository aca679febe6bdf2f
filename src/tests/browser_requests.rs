//! What browsers sent, replayed: `block` stops what other sites' pages send
//! and nothing else, apart from the exceptions that BLOCKING.md lists.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::intents::load;
use crate::{Policy, Request, Verdict};

/// A cell of a table in BLOCKING.md, and the requests that it is about.
type Row = (&'static str, fn(&Sent) -> bool);

/// What a page sent that the site does not trust, and `block` does not stop.
const NOT_COVERED: &[Row] = &[
    (
        "your own service worker, if it answers POST navigations: it sends \
         them again as the site itself",
        |sent| sent.case.contains("through own service worker"),
    ),
    ("extensions to which the user gave access to your site", |sent| {
        sent.is_from("extension")
    }),
    (
        "a POST that your own script repeats by `location.reload()` on its \
         response: Chromium sends it again as the site itself",
        |sent| sent.engines == "C" && sent.case.contains("location.reload"),
    ),
];

/// What the site's own or a listed page sent, and `block` stops.
const CAUSES: &[Row] = &[
    ("a page without an origin: a sandboxed frame, a `data:` URL", |sent| {
        let pages = ["in sandbox", "in data", "in csp-sandbox"];
        pages.iter().any(|page| sent.case.contains(page))
    }),
    ("a redirect through another origin, even a listed one", |sent| {
        let others = ["through evil", "through sub", "through trusted"];
        others.iter().any(|other| sent.case.contains(other))
    }),
    ("a page on http with `Referrer-Policy: no-referrer`", |sent| {
        sent.is_from("plain") && sent.case.contains("no-referrer")
    }),
    ("a CSP report of WebKit, on http", |sent| {
        sent.is_from("plain") && sent.case.contains("CSP report")
    }),
];

/// A line of the file; its first lines say what the columns are.
#[derive(Debug)]
struct Sent {
    engines: String,
    case: String,
    from: Option<String>,
    to: String,
    method: String,
    origin: Option<String>,
    fetch_site: Option<String>,
    upgrade: Option<String>,
}

impl Sent {
    fn is_from(&self, kind: &str) -> bool {
        self.from.as_ref().is_some_and(|from| from.starts_with(kind))
    }

    fn is_kind(&self) -> bool {
        let safe = ["GET", "HEAD", "OPTIONS"].contains(&&*self.method);
        self.upgrade.is_some() || !safe
    }

    /// Whether the user, the site itself or a listed page sent it.
    fn is_trusted(&self) -> bool {
        let from = self.from.as_ref();
        from.is_none_or(|from| *from == self.to || from.ends_with("trusted"))
    }
}

/// The requests that `block` does not decide as it is meant to, those of other
/// pages first.
fn exceptions(knows_scheme: bool) -> [Vec<Sent>; 2] {
    let file: Value =
        serde_json::from_str(include_str!("browser_requests.json"))
            .expect("it is JSON");
    let origins: BTreeMap<String, String> =
        serde_json::from_value(file["origins"].clone()).expect("their names");
    let rows: Vec<[Option<String>; 8]> =
        serde_json::from_value(file["requests"].clone()).expect("the rows");
    assert!(rows.len() > 500, "{}", rows.len());
    let trusted = [&origins["trusted"], &origins["plain trusted"]];
    let policy = load(&json!({
        "allow_origins": trusted,
        "dangerously_allow": { "insecure_origins": [trusted[1]] },
        "block": ["unsafe_methods", "websockets"],
    }));
    let mut exceptions = [vec![], vec![]];
    for [engines, case, from, to, method, origin, fetch_site, upgrade] in rows
    {
        let there = |one: Option<String>| one.expect("it is in each row");
        let sent = Sent {
            engines: there(engines),
            case: there(case),
            from,
            to: there(to),
            method: there(method),
            origin,
            fetch_site,
            upgrade,
        };
        let should_stop = sent.is_kind() && !sent.is_trusted();
        if is_blocked(&policy, &sent, &origins, knows_scheme) != should_stop {
            exceptions[usize::from(sent.is_trusted())].push(sent);
        }
    }
    exceptions
}

fn is_blocked(
    policy: &Policy,
    sent: &Sent,
    origins: &BTreeMap<String, String>,
    knows_scheme: bool,
) -> bool {
    let (scheme, host) =
        origins[&sent.to].split_once("://").expect("it is an origin");
    // All but null are names.
    let origin = sent.origin.as_ref();
    let origin = origin.map(|one| origins.get(one).unwrap_or(one));
    let is_preflight = sent.case.ends_with(": preflight");
    let decision = policy.evaluate(&Request {
        method: Some(sent.method.as_bytes()),
        origin: origin.map(String::as_bytes),
        request_method: is_preflight.then_some(b"PUT"),
        request_headers: None,
        host: Some(host.as_bytes()),
        fetch_site: sent.fetch_site.as_deref().map(str::as_bytes),
        upgrade: sent.upgrade.as_deref().map(str::as_bytes),
        scheme: knows_scheme.then_some(scheme.as_bytes()),
    });
    decision.verdict == Verdict::Blocked
}

#[test]
fn block_stops_what_other_pages_send_but_for_the_documented_exceptions() {
    let blocking = include_str!("../../BLOCKING.md");
    let exceptions = exceptions(true);
    // Of the file's 503 requests; not one more is excused by its row.
    assert_eq!(exceptions.each_ref().map(Vec::len), [16, 73]);
    for (exceptions, rows) in exceptions.iter().zip([NOT_COVERED, CAUSES]) {
        for sent in exceptions {
            let is_listed = rows.iter().any(|(_, is)| is(sent));
            assert!(is_listed, "{sent:?}");
        }
        for (row, is) in rows {
            assert!(blocking.contains(&format!("| {row} |")), "{row}");
            assert!(exceptions.iter().any(is), "no request: {row}");
        }
    }
}

/// It takes a page on http for the site's own, if the ports are the defaults
/// and the browser does not send Sec-Fetch-Site.
#[test]
fn a_server_that_does_not_know_the_scheme_stops_one_request_fewer() {
    let cases = |exceptions: [Vec<Sent>; 2]| -> Vec<String> {
        let [others, _] = exceptions;
        others.iter().map(|sent| format!("{sent:?}")).collect()
    };
    let known = cases(exceptions(true));
    let mut unknown = cases(exceptions(false));
    unknown.retain(|case| !known.contains(case));
    let [one] = unknown.as_slice() else { panic!("{unknown:#?}") };
    let parts = ["websocket", "default port http", "default port https", "C"];
    assert!(parts.iter().all(|part| one.contains(&format!("{part:?}"))));
}
