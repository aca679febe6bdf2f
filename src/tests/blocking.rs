//! What holds for requests that a policy with `block` may keep from the
//! application.
//!
//! `PROPTEST_CASES=2500000 cargo test --release blocking` makes ten million
//! decisions for each property.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};

use super::decide::{Outcome, decide, text};
use super::intents::{Intent, load, near_miss, patterns};
use super::naive;
use super::vectors::OwnedRequest;
use crate::Verdict;

/// Authorities of the server, as a browser writes them. Patterns match some.
/// Those with port 80 or 443 are of pages whose scheme has another default.
const SITES: &[&str] = &[
    "a.com",
    "a.com",
    "b.a.com:8080",
    "site.example",
    "site.example:8443",
    "site.example.",
    "127.0.0.1",
    "[::1]:3000",
    "a.com:80",
    "site.example:443",
];

/// Values of `Upgrade` that list WebSockets, and some that do not.
const OPENINGS: &[&str] = &[
    "websocket",
    "WebSocket",
    "h2c, websocket",
    "websocket,h2c",
    ",\twebsocket ,",
    "websocket\r\n\x0c",
];
const OTHER_UPGRADES: &[&str] = &[
    "websocket/13",
    "websockets",
    "h2c websocket",
    "websocket;a",
    "h2c",
    "",
    ",",
];

/// A request, before there is a policy.
#[derive(Clone, Debug)]
struct Seed {
    site: &'static str,
    host: Host,
    origin: Origin,
    method: Option<&'static str>,
    fetch_site: Option<&'static str>,
    upgrade: Option<&'static str>,
    scheme: Option<&'static str>,
    preflight: (Option<&'static str>, Option<&'static str>),
}

/// What the server receives as `Host`.
#[derive(Clone, Debug)]
enum Host {
    Site,
    SiteInUpperCase,
    SiteWithPort(&'static str),
    Other(&'static str),
    Absent,
}

/// Whose page sends the request.
#[derive(Clone, Debug)]
enum Origin {
    Absent,
    Site(&'static str),
    /// The site's own, but not as a browser writes it, or nearly the site's.
    NearSite(&'static str, &'static str),
    /// One that a pattern matches, or nearly.
    NearPattern(Index, Index, Vec<u8>),
    Text(&'static str),
}

impl Seed {
    fn request(&self, rules: &[Vec<String>]) -> OwnedRequest {
        let site = self.site;
        let origin = match &self.origin {
            Origin::Absent => None,
            Origin::Site(scheme) => Some(format!("{scheme}://{site}")),
            Origin::NearSite(before, after) => {
                Some(format!("{before}{site}{after}"))
            }
            Origin::NearPattern(rule, pattern, seed) => {
                let pattern = pattern.get(rule.get(rules).as_slice());
                Some(near_miss(pattern, seed))
            }
            Origin::Text(text) => Some((*text).to_owned()),
        };
        let host = match self.host {
            Host::Site => Some(site.to_owned()),
            Host::SiteInUpperCase => Some(site.to_ascii_uppercase()),
            Host::SiteWithPort(port) => Some(format!("{site}{port}")),
            Host::Other(host) => Some(host.to_owned()),
            Host::Absent => None,
        };
        let bytes =
            |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        OwnedRequest {
            method: bytes(self.method),
            origin: origin.map(String::into_bytes),
            request_method: bytes(self.preflight.0),
            request_headers: bytes(self.preflight.1),
            host: host.map(String::into_bytes),
            fetch_site: bytes(self.fetch_site),
            upgrade: bytes(self.upgrade),
            scheme: bytes(self.scheme),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // A finding becomes a vector, which every host reads.
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    /// Whole decisions are those of the naive statement.
    #[test]
    fn blocking_is_that_of_the_contract(
        (rules, file) in files(),
        seeds in vec(seeds(), 4),
    ) {
        let policy = load(&file);
        for seed in seeds {
            let request = seed.request(&rules);
            let expected = decide(&file, &request.as_rust());
            let actual = Outcome::of(&policy.evaluate(&request.as_rust()));
            prop_assert_eq!(actual, expected, "{} {:?}", file, request);
        }
    }

    /// What passes is of a kind that is not blocked, or it is trusted, the
    /// site's own, or sent by no page.
    #[test]
    fn what_passes_has_one_of_four_reasons(
        (rules, file) in files(),
        seeds in vec(seeds(), 4),
    ) {
        let policy = load(&file);
        for seed in seeds {
            let request = seed.request(&rules);
            let decision = policy.evaluate(&request.as_rust());
            let is_preflight = seed.method == Some("OPTIONS")
                && seed.preflight.0.is_some()
                && request.origin.is_some();
            let is_blocked_kind = !is_preflight
                && seed.kind().is_some_and(|kind| {
                    file["block"].to_string().contains(kind)
                });
            if decision.verdict == Verdict::Blocked {
                prop_assert!(is_blocked_kind, "{} {:?}", file, request);
            }
            if decision.verdict == Verdict::Blocked || !is_blocked_kind {
                continue;
            }
            let origin = request.origin.as_deref().map(text);
            let is_trusted = origin.as_ref().is_some_and(|origin| {
                let found = naive::find_rule(&rules, origin);
                found.is_some_and(|(_, one)| !["*", "null"].contains(&one))
            });
            let is_own = match &origin {
                Some(origin) => seed.is_own(origin, request.host.as_deref()),
                None => seed.says_same_origin(),
            };
            let no_page = seed.fetch_site == Some("none");
            let no_browser = origin.is_none() && seed.fetch_site.is_none();
            prop_assert!(
                is_trusted || is_own || no_page || no_browser,
                "{} {:?}",
                file,
                request
            );
        }
    }
}

impl Seed {
    /// The kind that `block` has a name for, if it is no preflight.
    fn kind(&self) -> Option<&'static str> {
        let is_opening =
            self.upgrade.is_some_and(|upgrade| OPENINGS.contains(&upgrade));
        match self.method {
            Some("GET" | "OPTIONS") if is_opening => Some("websockets"),
            Some("GET" | "HEAD" | "OPTIONS") => None,
            None | Some(_) => Some("unsafe_methods"),
        }
    }

    fn says_same_origin(&self) -> bool {
        self.fetch_site == Some("same-origin")
            && self.kind() != Some("websockets")
    }

    /// Whether a page of `origin` has the host, by the scheme that it needs.
    fn is_own(&self, origin: &str, host: Option<&[u8]>) -> bool {
        let host = host.map(text).unwrap_or_default().to_ascii_lowercase();
        let without = |port: &str| {
            let host = host.strip_suffix(port).unwrap_or(&host);
            host.to_owned()
        };
        let over_http =
            matches!(self.scheme, None | Some("http" | "HTTP" | ""))
                && matches!(self.fetch_site, None | Some("same-origin"));
        let is_page = origin == format!("https://{}", without(":443"))
            || over_http && origin == format!("http://{}", without(":80"));
        self.says_same_origin() || is_page && naive::is_origin(origin)
    }
}

/// Rules, and the file that has them and `block`.
fn files() -> impl Strategy<Value = (Vec<Vec<String>>, Value)> {
    let own = select(&[
        "https://a.com",
        "https://a.com",
        "https://b.a.com:8080",
        "https://site.example",
        "https://*.example",
        "http://site.example",
        "null",
    ]);
    let pattern = prop_oneof![
        3 => patterns(),
        2 => own.prop_map(str::to_owned),
    ];
    let rules = (vec(vec(pattern, 1..3), 0..3), any::<bool>()).prop_map(
        |(mut rules, everyone)| {
            if everyone || rules.is_empty() {
                rules.push(vec!["*".to_owned()]);
            }
            rules
        },
    );
    let block = prop_oneof![
        4 => Just(vec!["unsafe_methods", "websockets"]),
        2 => subsequence(vec!["unsafe_methods", "websockets"], 0..3),
    ];
    let timing =
        select(vec![vec![], vec![], vec!["*"], vec!["https://a.com"]]);
    (rules, block, timing, any::<bool>()).prop_map(
        |(rules, block, timing, credentials)| {
            let intents = rules.iter().map(|origins| {
                let special = |one: &String| one == "*" || one == "null";
                let intent = Intent {
                    credentials: credentials && !origins.iter().any(special),
                    methods: vec!["PUT".into()],
                    headers: vec!["X-A".into()],
                    expose: vec!["X-B".into()],
                    ..Intent::of_origins(origins)
                };
                intent.json()
            });
            let mut file = json!({ "rules": intents.collect::<Vec<_>>() });
            if !block.is_empty() {
                file["block"] = json!(block);
            }
            if !timing.is_empty() {
                file["timing_allow_origins"] = json!(timing);
            }
            (rules, file)
        },
    )
}

fn seeds() -> impl Strategy<Value = Seed> {
    let host = prop_oneof![
        8 => Just(Host::Site),
        2 => Just(Host::SiteInUpperCase),
        2 => select(&[":443", ":80", ":8080", ":"])
            .prop_map(Host::SiteWithPort),
        2 => select(&["a.com", "evil.example", "10.0.0.5:3000", "a", ""])
            .prop_map(Host::Other),
        1 => Just(Host::Absent),
    ];
    let near = (any::<Index>(), any::<Index>(), vec(any::<u8>(), 8));
    let origin = prop_oneof![
        3 => Just(Origin::Absent),
        5 => select(&["https", "https", "http", "wss", "app"])
            .prop_map(Origin::Site),
        2 => near_sites(),
        4 => near.prop_map(|(rule, pattern, seed)| {
            Origin::NearPattern(rule, pattern, seed)
        }),
        4 => select(&[
            "https://evil.example",
            "https://evil.example",
            "http://evil.example",
            "https://evil.a.com",
            "null",
            "null",
            "NULL",
            "",
            "file://",
            "a.com",
            "https://a.com, https://a.com",
        ])
        .prop_map(Origin::Text),
    ];
    let method = prop_oneof![
        4 => Just(Some("POST")),
        4 => Just(Some("GET")),
        2 => Just(Some("OPTIONS")),
        2 => option::of(select(&[
            "HEAD", "PUT", "DELETE", "CONNECT", "get", "Get", "options",
            "head", "FOO", "",
        ])),
    ];
    let fetch_site = prop_oneof![
        4 => Just(None),
        6 => option::of(select(&[
            "none",
            "same-origin",
            "same-origin",
            "same-site",
            "cross-site",
            "cross-site",
        ])),
        2 => option::of(select(&[
            "",
            "same-origin, same-origin",
            "none, none",
            "none,same-origin",
            "Same-Origin",
            "NONE",
            "same-origin;a",
            "other",
        ])),
    ];
    let upgrade = prop_oneof![
        3 => Just(None),
        3 => Just(Some("websocket")),
        2 => select(OPENINGS).prop_map(Some),
        2 => select(OTHER_UPGRADES).prop_map(Some),
    ];
    let scheme = prop_oneof![
        2 => Just(None),
        3 => option::of(select(&["https", "http", "HTTPS", "HTTP", ""])),
    ];
    let preflight = prop_oneof![
        3 => Just((None, None)),
        1 => (
            option::of(select(&["PUT", "POST", "DELETE", ""])),
            option::of(select(&["x-a", "x-b", ""])),
        ),
    ];
    let where_to = (select(SITES), host, scheme);
    (where_to, origin, method, fetch_site, upgrade, preflight).prop_map(
        |(where_to, origin, method, fetch_site, upgrade, preflight)| {
            let (site, host, scheme) = where_to;
            Seed {
                site,
                host,
                origin,
                method,
                fetch_site,
                upgrade,
                scheme,
                preflight,
            }
        },
    )
}

fn near_sites() -> impl Strategy<Value = Origin> {
    select(&[
        ("https://", ":443"),
        ("http://", ":80"),
        ("https://", ":8443"),
        ("https://", "/"),
        ("https://", "."),
        ("https://", ".evil.example"),
        ("https://", ", https://evil.example"),
        ("HTTPS://", ""),
        ("https://A", ""),
        ("https://evil.", ""),
        ("https://user@", ""),
        ("", ""),
        ("https://x", ""),
    ])
    .prop_map(|(before, after)| Origin::NearSite(before, after))
}
