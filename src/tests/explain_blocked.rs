//! Explanations of blocked requests: why, and what to do.

use crate::{Near, Policy, Request, Verdict};

const POLICY: &str = r#"{
    "allow_origins": ["https://app.example.com"],
    "allow_credentials": true,
    "block": ["unsafe_methods", "websockets"]
}"#;

const ANY: &str = r#"{
    "allow_origins": ["*"],
    "block": ["unsafe_methods", "websockets"]
}"#;

const NULL: &str = r#"{
    "allow_origins": ["null"],
    "dangerously_allow": {"null_origin": true},
    "block": ["unsafe_methods"]
}"#;

const POST: Request<'_> = Request {
    method: Some(b"POST"),
    host: Some(b"shop.example"),
    origin: None,
    request_method: None,
    request_headers: None,
    fetch_site: None,
    upgrade: None,
    scheme: None,
};

const HANDSHAKE: Request<'_> =
    Request { method: Some(b"GET"), upgrade: Some(b"websocket"), ..POST };

fn from<'r>(
    request: Request<'r>,
    origin: &'r str,
    fetch_site: Option<&'r str>,
) -> Request<'r> {
    Request {
        origin: Some(origin.as_bytes()),
        fetch_site: fetch_site.map(str::as_bytes),
        ..request
    }
}

/// The cause without what all of them end with, and the hint.
fn explained(
    json: &str,
    request: &Request<'_>,
) -> (String, Option<Near>, String) {
    let policy = Policy::from_json(json.as_bytes()).expect("it loads");
    let verdict = policy.evaluate(request).verdict;
    assert_eq!(verdict, Verdict::Blocked, "{request:?}");
    let explanation = policy.explanation(request);
    let end = " The request does not reach the application.";
    let cause = explanation.cause.strip_suffix(end).expect("it ends so");
    let hint = explanation.hint.unwrap_or_default();
    (cause.to_owned(), explanation.near, hint)
}

#[test]
fn the_cause_says_which_requests_are_blocked_and_what_is_wrong() {
    let shop = "https://evil.example";
    let cross = Some("cross-site");
    for (json, request, cause) in [
        (
            POLICY,
            from(POST, shop, cross),
            "the policy blocks the method \"POST\", and no pattern matches \
             the origin \"https://evil.example\".",
        ),
        (
            POLICY,
            Request { method: Some(b"patch"), ..from(POST, shop, cross) },
            "the policy blocks the method \"patch\", and no pattern matches \
             the origin \"https://evil.example\".",
        ),
        (
            POLICY,
            Request { method: None, ..from(POST, shop, cross) },
            "the policy blocks requests without a method, and no pattern \
             matches the origin \"https://evil.example\".",
        ),
        (
            POLICY,
            from(HANDSHAKE, shop, None),
            "the policy blocks WebSocket handshakes, and no pattern matches \
             the origin \"https://evil.example\".",
        ),
        (
            POLICY,
            from(POST, "", cross),
            "the policy blocks the method \"POST\", and \"\" is not a single, \
             well-formed origin.",
        ),
        (
            POLICY,
            Request { fetch_site: Some(b"same-site"), ..POST },
            "the policy blocks the method \"POST\", and Sec-Fetch-Site is \
             \"same-site\" without an Origin.",
        ),
        (
            ANY,
            from(POST, shop, cross),
            "the policy blocks the method \"POST\", and only the pattern \
             \"*\" matches the origin \"https://evil.example\": it lets pages \
             read, but not send this.",
        ),
        (
            NULL,
            from(POST, "null", cross),
            "the policy blocks the method \"POST\", and only the pattern \
             \"null\" matches the origin \"null\": it lets pages read, but \
             not send this.",
        ),
    ] {
        assert_eq!(explained(json, &request).0, cause, "{request:?}");
    }
}

#[test]
fn the_hint_says_what_to_do() {
    let https = |request| Request { scheme: Some(b"https"), ..request };
    for (request, near, hint) in [
        // A listed origin with a slip of the pen.
        (
            from(POST, "http://app.example.com", Some("cross-site")),
            Some(Near::Origin("https://app.example.com".into())),
            "The closest allowed origin is \"https://app.example.com\": https \
             instead of http.",
        ),
        (
            from(POST, "https://app.example.com/", Some("cross-site")),
            Some(Near::Meant {
                origin: "https://app.example.com".into(),
                fault: "has a trailing slash, which browsers omit",
                allowed: true,
                near: None,
            }),
            "\"https://app.example.com\" would be allowed, but this origin \
             has a trailing slash, which browsers omit.",
        ),
        // A sibling.
        (
            from(POST, "https://www.shop.example", Some("same-site")),
            Some(Near::SameSite),
            "The page is of the same site, but of another origin, whose pages \
             block does not trust. List the origin if it is yours.",
        ),
        // The site behind a proxy.
        (
            Request {
                host: Some(b"10.0.0.5:8080"),
                ..from(HANDSHAKE, "https://shop.example", None)
            },
            Some(Near::OtherHost { host: "10.0.0.5:8080".into() }),
            "Host is \"10.0.0.5:8080\". If the page is the site's own and a \
             proxy changes Host, list the origin, or make the proxy keep Host.",
        ),
        // Or a handshake that another site's server redirected.
        (
            from(HANDSHAKE, "https://evil.example", Some("same-origin")),
            Some(Near::OtherHost { host: "shop.example".into() }),
            "Host is \"shop.example\". If the page is the site's own and a \
             proxy changes Host, list the origin, or make the proxy keep Host.",
        ),
        // The site on http.
        (
            https(from(POST, "http://shop.example", Some("cross-site"))),
            Some(Near::InsecurePage { origin: "https://shop.example".into() }),
            "It would be the site's own origin on https: use \
             \"https://shop.example\" for the page.",
        ),
        (
            https(from(HANDSHAKE, "http://shop.example", None)),
            Some(Near::InsecurePage { origin: "https://shop.example".into() }),
            "It would be the site's own origin on https: use \
             \"https://shop.example\" for the page.",
        ),
        (
            from(POST, "null", Some("cross-site")),
            Some(Near::Opaque),
            "Browsers send \"null\" for a sandboxed iframe, for a local file, \
             and after a redirect to another origin.",
        ),
        (
            from(POST, "null", None),
            Some(Near::OpaqueForm),
            "Browsers send \"null\" for a sandboxed iframe, for a local file, \
             after a redirect to another origin, and on http for a form of a \
             page with Referrer-Policy: no-referrer. If it is your own page, \
             use Referrer-Policy: same-origin.",
        ),
        // A stranger, an app, and a request without Origin.
        (from(POST, "https://evil.example", Some("cross-site")), None, ""),
        (from(POST, "app://my-app", None), None, ""),
        (Request { fetch_site: Some(b"cross-site"), ..POST }, None, ""),
    ] {
        let (_, found, said) = explained(POLICY, &request);
        assert_eq!(found, near, "{request:?}");
        assert_eq!(said, hint, "{request:?}");
    }
}

#[test]
fn under_a_star_the_listed_origins_are_near() {
    let rules = r#"{
        "rules": [
            {
                "allow_origins": ["https://app.example.com"],
                "allow_credentials": true
            },
            { "allow_origins": ["*"] }
        ],
        "block": ["unsafe_methods"]
    }"#;
    let request = from(POST, "http://app.example.com", Some("cross-site"));
    let (cause, near, _) = explained(rules, &request);
    assert!(cause.contains("only the pattern \"*\" matches"), "{cause}");
    assert_eq!(near, Some(Near::Origin("https://app.example.com".into())));
}

#[test]
fn one_line_for_a_log_says_the_status_and_the_headers() {
    let policy = Policy::from_json(POLICY.as_bytes()).expect("it loads");
    let request = from(POST, "https://evil.example", Some("cross-site"));
    assert_eq!(
        policy.explain(&request),
        "blocked: the policy blocks the method \"POST\", and no pattern \
         matches the origin \"https://evil.example\". The request does not \
         reach the application. Answer 403 at once. Headers: vary: origin; \
         cache-control: no-store"
    );
}
