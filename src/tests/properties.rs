//! What holds for every policy and every request.
//!
//! `PROPTEST_CASES=1000000 cargo test --release properties` looks further than
//! the default does.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::FileFailurePersistence;
use serde_json::json;

use super::naive;
use crate::{Decision, Policy, Reason, Request, Verdict};
use browser::{
    AuthorizationStar, Browser, Failure, Fault, Response, ScriptRequest,
    SentRequest, forbidden_method, forbidden_request_header, needs_preflight,
    normalize_method, safelisted_method, unsafe_request_header_names,
};

/// A policy's intent, in the tests' own words.
#[derive(Clone, Debug)]
struct Intent {
    origins: Vec<String>,
    credentials: bool,
    methods: Vec<String>,
    headers: Vec<String>,
    expose: Vec<String>,
    max_age: Option<u32>,
    preflight_status: u16,
}

impl Intent {
    fn of_origins(origins: &[String]) -> Self {
        Self {
            origins: origins.to_vec(),
            credentials: false,
            methods: vec![],
            headers: vec![],
            expose: vec![],
            max_age: None,
            preflight_status: 204,
        }
    }

    fn load(&self) -> Policy {
        let insecure: Vec<&String> = self
            .origins
            .iter()
            .filter(|origin| origin.starts_with("http:"))
            .collect();
        let mut policy = json!({
            "allow_origins": self.origins,
            "allow_credentials": self.credentials,
            "allow_methods": self.methods,
            "allow_headers": self.headers,
            "expose_headers": self.expose,
            "preflight_status": self.preflight_status,
            "dangerously_allow": {
                "null_origin": true,
                "insecure_origins": insecure,
                "public_suffix_wildcards": self.origins,
            },
        });
        if let Some(age) = self.max_age {
            policy["max_age"] = age.into();
        }
        let json = policy.to_string();
        Policy::from_json(json.as_bytes())
            .unwrap_or_else(|error| panic!("{json}\n{error}"))
    }

    fn allows_method(&self, method: &str) -> bool {
        let listed = self.methods.iter().any(|one| one == method);
        safelisted_method(method)
            || (method != "*"
                && !forbidden_method(method)
                && (listed || self.any(&self.methods)))
    }

    fn allows_header(&self, name: &str) -> bool {
        let listed =
            self.headers.iter().any(|one| one.eq_ignore_ascii_case(name));
        // A policy may list a forbidden name, which is dropped.
        if name == "*" || forbidden_request_header(name, b"1") {
            return false;
        }
        listed || (self.any(&self.headers) && name != "authorization")
    }

    fn any(&self, list: &[String]) -> bool {
        list.iter().any(|one| one == "*")
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // A finding becomes a vector, which every host reads.
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    /// A browser that may be strict or lax, with and without credentials and
    /// upload listeners, lets a script read exactly what the policy allows.
    #[test]
    fn the_browser_lets_in_what_the_policy_allows(
        intent in intents(),
        origin in origins(),
        method in methods(),
        headers in vec((header_names(), header_values()), 0..4),
        credentials: bool,
        use_cors_preflight: bool,
        lax: bool,
    ) {
        let request = ScriptRequest {
            origin,
            method,
            headers,
            credentials,
            use_cors_preflight,
        };
        let policy = intent.load();
        let star = match lax {
            true => AuthorizationStar::Lax,
            false => AuthorizationStar::Strict,
        };
        let mut refusals = Vec::new();
        let outcome = Browser::new(star).fetch(&request, |sent| {
            answer(&policy, sent, &mut refusals)
        });

        let method = normalize_method(&request.method);
        let names: Vec<String> = unsafe_request_header_names(
            &request
                .headers
                .iter()
                .filter(|(name, value)| !forbidden_request_header(name, value))
                .cloned()
                .collect::<Vec<_>>(),
        );
        let origin_allowed =
            naive::find(&intent.origins, &request.origin).is_some();
        let expected = origin_allowed
            && (intent.credentials || !request.credentials)
            && !forbidden_method(&method)
            && (!needs_preflight(&request)
                || (intent.allows_method(&method)
                    && names.iter().all(|name| intent.allows_header(name))));
        prop_assert_eq!(outcome.is_ok(), expected, "{:?}", outcome);

        if let Ok(readable) = &outcome {
            for name in ["x-a", "x-b", "x-c"] {
                let exposed = intent.any(&intent.expose)
                    || intent
                        .expose
                        .iter()
                        .any(|one| one.eq_ignore_ascii_case(name));
                let read = readable.iter().any(|one| one == name);
                prop_assert_eq!(read, exposed, "{}", name);
            }
        }
        // The console names what the server refused. But the browser looks
        // for Authorization before the others, and where the policy has "*"
        // there may be no list at all, so that it stops at its first name.
        if let (Err(Failure::Preflight(Fault::Header(name))), [(reason, culprit)]) =
            (&outcome, refusals.as_slice())
        {
            prop_assert_eq!(reason, &Reason::HeaderNotAllowed);
            let culprit = culprit.as_deref().unwrap_or_default();
            prop_assert!(
                culprit == name
                    || name == "authorization"
                    || matches!(culprit, "*" | "authorization")
            );
        }
        if let (Err(Failure::Preflight(Fault::Method)), [(reason, _)]) =
            (&outcome, refusals.as_slice())
        {
            let unusual = intent.credentials
                && intent.any(&intent.methods)
                && *reason == Reason::HeaderNotAllowed;
            prop_assert!(unusual || *reason == Reason::MethodNotAllowed);
        }
    }

    /// The fast matcher and the naive one agree on every origin.
    #[test]
    fn the_matchers_agree(
        patterns in vec(patterns(), 1..24),
        seeds in vec((any::<prop::sample::Index>(), vec(any::<u8>(), 8)), 16),
        strays in vec(origins(), 4),
    ) {
        let policy = Intent::of_origins(&patterns).load();
        let near = seeds.iter().map(|(index, seed)| {
            near_miss(index.get::<String>(&patterns), seed)
        });
        for origin in near.chain(strays) {
            let decision = get(&policy, &origin);
            let expected = naive::find(&patterns, &origin);
            let reason = match expected {
                Some(_) => Reason::None,
                None if naive::is_origin(&origin) => Reason::OriginNotAllowed,
                None => Reason::OriginMalformed,
            };
            prop_assert_eq!(
                decision.pattern,
                expected.map(str::as_bytes),
                "{}",
                origin
            );
            prop_assert_eq!(decision.reason, reason, "{}", origin);
        }
    }

    /// Many globs of one domain, made of pieces that they share, against the
    /// naive matcher: the index takes part from eight on.
    #[test]
    fn the_matchers_agree_on_many_globs(
        patterns in vec(globs(), 1..200),
        labels in vec("(a\\.|ab\\.)?[ab-]{1,12}", 1..40),
    ) {
        let policy = Intent::of_origins(&patterns).load();
        for label in labels {
            let origin = format!("https://{label}.example.com");
            prop_assert_eq!(
                get(&policy, &origin).pattern,
                naive::find(&patterns, &origin).map(str::as_bytes),
                "{}",
                origin
            );
        }
    }

    /// The same for globs with one head, one tail and one first middle: the
    /// index tells them apart by the second middle.
    #[test]
    fn the_matchers_agree_on_globs_that_begin_alike(
        (middle, more) in ("[ab]{1,2}", vec("[ab-]{1,3}", 8..60)),
        labels in vec("a[ab-]{1,9}b", 1..40),
    ) {
        let patterns: Vec<String> = more
            .iter()
            .map(|more| format!("https://a*{middle}*{more}*b.example.com"))
            .collect();
        let policy = Intent::of_origins(&patterns).load();
        for label in labels {
            let origin = format!("https://{label}.example.com");
            prop_assert_eq!(
                get(&policy, &origin).pattern,
                naive::find(&patterns, &origin).map(str::as_bytes),
                "{}",
                origin
            );
        }
    }

    /// Any bytes whatever: no header value holds anything but policy bytes,
    /// or a request value that is well-formed.
    #[test]
    fn no_header_value_holds_strange_bytes(
        intent in intents(),
        method in option::of(wild_bytes()),
        origin in option::of(wild_bytes()),
        request_method in option::of(wild_bytes()),
        request_headers in option::of(wild_bytes()),
    ) {
        let policy = intent.load();
        let decision = policy.evaluate(&Request {
            method: method.as_deref(),
            origin: origin.as_deref(),
            request_method: request_method.as_deref(),
            request_headers: request_headers.as_deref(),
        });
        for header in decision.headers() {
            let value = std::str::from_utf8(header.value);
            let value = value.expect("header values are ASCII");
            let is_visible =
                |c: char| c == ' ' || c == '\t' || c.is_ascii_graphic();
            prop_assert!(value.chars().all(is_visible));
            match header.name {
                "access-control-allow-origin" => {
                    prop_assert!(value == "*" || naive::is_origin(value));
                }
                "access-control-allow-methods"
                | "access-control-allow-headers"
                | "access-control-expose-headers" => {
                    for name in value.split(',') {
                        let name = name.trim_matches([' ', '\t']);
                        prop_assert!(name.chars().all(is_token_character));
                        let is_list =
                            header.name == "access-control-allow-headers";
                        prop_assert!(
                            !is_list || !forbidden_request_header(name, b"1")
                        );
                    }
                }
                "access-control-max-age" => {
                    prop_assert_eq!(
                        value.parse().ok(),
                        intent.max_age
                    );
                }
                "access-control-allow-credentials" => {
                    prop_assert_eq!(value, "true");
                }
                name => prop_assert_eq!(name, "vary"),
            }
        }
        if let Some(culprit) = decision.culprit {
            prop_assert!(!culprit.is_empty());
            prop_assert!(
                culprit.iter().all(|b| is_token_character(char::from(*b)))
            );
        }
    }

    /// A pattern that loads matches some origin, so none is there in vain.
    #[test]
    fn the_shortest_filling_of_a_pattern_matches(pattern in patterns()) {
        let origin = pattern
            .replace(":*", "")
            .replace("**", "x")
            .replace('*', "x");
        let policy =
            Intent::of_origins(std::slice::from_ref(&pattern)).load();
        let found = get(&policy, &origin).pattern;
        prop_assert_eq!(found, Some(pattern.as_bytes()), "{}", origin);
    }
}

fn get<'a>(policy: &'a Policy, origin: &'a str) -> Decision<'a> {
    policy.evaluate(&Request {
        method: Some(b"GET"),
        origin: Some(origin.as_bytes()),
        ..Request::default()
    })
}

/// What a host makes of a decision; the application sends three headers.
fn answer(
    policy: &Policy,
    sent: &SentRequest,
    refusals: &mut Vec<(Reason, Option<String>)>,
) -> Response {
    let decision = policy.evaluate(&Request {
        method: Some(sent.method.as_bytes()),
        origin: Some(sent.origin.as_bytes()),
        request_method: sent.request_method.as_deref().map(str::as_bytes),
        request_headers: sent.request_headers.as_deref().map(str::as_bytes),
    });
    if decision.verdict == Verdict::PreflightRefused {
        let culprit = decision.culprit.map(|culprit| {
            String::from_utf8_lossy(culprit).to_ascii_lowercase()
        });
        refusals.push((decision.reason, culprit));
    }
    let mut headers: Vec<(String, Vec<u8>)> = decision
        .headers()
        .map(|header| (header.name.to_owned(), header.value.to_vec()))
        .collect();
    headers
        .extend(["x-a", "x-b", "x-c"].map(|name| (name.into(), b"1".into())));
    let status = match decision.status {
        0 => 200,
        status => status,
    };
    Response { status, headers }
}

fn intents() -> impl Strategy<Value = Intent> {
    let origins = prop_oneof![
        4 => vec(patterns(), 1..5),
        1 => Just(vec!["*".to_owned()]),
    ];
    let methods = prop_oneof![
        3 => subsequence(
            &["PUT", "PATCH", "DELETE", "patch", "FOO", "OPTIONS", "GET"],
            0..5,
        ),
        1 => Just(vec!["*"]),
    ];
    let headers = subsequence(
        &[
            "*",
            "Authorization",
            "X-A",
            "x-b",
            "Content-Type",
            "Range",
            "Cookie",
            "sec-a",
        ],
        0..7,
    );
    let expose = prop_oneof![
        3 => subsequence(&["X-A", "x-b"], 0..3),
        1 => Just(vec!["*"]),
    ];
    let rest = (any::<bool>(), option::of(0..=86_400u32), select(&[200, 204]));
    (origins, methods, headers, expose, rest).prop_map(
        |(origins, methods, headers, expose, rest)| {
            let (credentials, max_age, preflight_status) = rest;
            let owned = |list: Vec<&str>| -> Vec<String> {
                list.into_iter().map(str::to_owned).collect()
            };
            let special = ["*", "null"]
                .iter()
                .any(|special| origins.iter().any(|origin| origin == special));
            Intent {
                // Neither goes with credentials.
                credentials: credentials && !special && !expose.contains(&"*"),
                origins,
                methods: owned(methods),
                headers: owned(headers),
                expose: owned(expose),
                max_age,
                preflight_status,
            }
        },
    )
}

/// Well-formed patterns over a small alphabet, so that they meet.
fn patterns() -> impl Strategy<Value = String> {
    let scheme = select(&["http", "https"]);
    let label = || select(&["a", "b", "ab", "a-b", "1", "xn--a", "localhost"]);
    let suffix = (vec(label(), 0..2), select(&["com", "localhost", "a"]))
        .prop_map(|(labels, last)| [labels, vec![last]].concat().join("."));
    let wild = select(&[
        "*", "a*", "*a", "a*b", "*-*", "a-*-b", "*b*", "*a*b*", "ab*", "a*b*a",
    ]);
    let left = (vec(label(), 0..2), wild)
        .prop_map(|(labels, wild)| [labels, vec![wild]].concat().join("."));
    let host = prop_oneof![
        3 => suffix.clone().boxed(),
        2 => (left, suffix.clone())
            .prop_map(|(left, suffix)| format!("{left}.{suffix}"))
            .boxed(),
        2 => suffix.prop_map(|suffix| format!("**.{suffix}")).boxed(),
        1 => select(&["127.0.0.1", "10.0.0.1", "[::1]", "[1:0:0:2::3]"])
            .prop_map(str::to_owned)
            .boxed(),
    ];
    let port = prop_oneof![
        2 => Just(""),
        1 => Just(":*"),
        1 => select(&[":1", ":8080", ":65535"]),
    ];
    prop_oneof![
        20 => (scheme, host, port)
            .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}")),
        1 => select(&[
            "null",
            "capacitor://localhost",
            "chrome-extension://aBc",
            "ws://a.com",
            "app://",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Globs of one domain over two letters, so that they share heads, tails and
/// middles, and meet in every order.
fn globs() -> impl Strategy<Value = String> {
    let piece = || "[ab]{0,2}";
    let middle = || "[ab-]{1,2}";
    let label = prop_oneof![
        (piece(), piece()).prop_map(|(head, tail)| format!("{head}*{tail}")),
        (piece(), middle(), piece())
            .prop_map(|(head, one, tail)| format!("{head}*{one}*{tail}")),
        (piece(), middle(), middle(), piece()).prop_map(
            |(head, one, two, tail)| format!("{head}*{one}*{two}*{tail}")
        ),
    ];
    (select(&["", "", "a.", "ab."]), label)
        .prop_map(|(left, label)| format!("https://{left}{label}.example.com"))
}

/// Origins that browsers send: some of them may be in a policy.
fn origins() -> impl Strategy<Value = String> {
    patterns().prop_map(|pattern| {
        pattern.replace(":*", ":3000").replace("**", "b.a").replace('*', "ab")
    })
}

/// An origin that `pattern` matches, or one that is a little off.
fn near_miss(pattern: &str, seed: &[u8]) -> String {
    let fillings = ["x", "a", "b", "ab", "a-b", "a.b", "", "-", "_", "aab"];
    let mut fillings =
        seed.iter().map(|i| fillings[usize::from(*i) % fillings.len()]);
    let mut next = || fillings.next().unwrap_or("a");
    let (host, any_port) = match pattern.strip_suffix(":*") {
        Some(host) => (host, true),
        None => (pattern, false),
    };
    let mut origin = String::new();
    for (i, piece) in host.replace("**", "*").split('*').enumerate() {
        if i > 0 {
            origin += next();
        }
        origin += piece;
    }
    if any_port {
        origin +=
            [":1", "", ":443", ":80", ":08", ":"][usize::from(seed[1]) % 6];
    }
    // Half of them stay as they are.
    let at = usize::from(seed[2]) % (origin.len() + 1);
    let byte = ['.', '-', 'a', 'A', ':', '/', '0', '\u{e9}', '\0', 'x']
        [usize::from(seed[3]) % 10];
    match seed[4] % 14 {
        0 => origin.insert(at, byte),
        1 if at < origin.len() => {
            origin.remove(at);
        }
        2 => origin.truncate(at),
        3 => origin.push(byte),
        4 => origin = origin.replacen("://", "://evil", 1),
        5 => origin = origin.replacen("https", "http", 1),
        6 => origin += ".evil.com",
        7 => origin += ":8081",
        _ => {}
    }
    origin
}

fn methods() -> impl Strategy<Value = String> {
    select(&[
        "GET", "HEAD", "POST", "PUT", "put", "PATCH", "patch", "DELETE",
        "OPTIONS", "FOO", "*", "QUERY", "TRACE", "connect",
    ])
    .prop_map(str::to_owned)
}

fn header_names() -> impl Strategy<Value = String> {
    select(&[
        "X-A",
        "x-a",
        "X-B",
        "X-C",
        "Authorization",
        "Content-Type",
        "Range",
        "Accept",
        "*",
        "Cookie",
        "Sec-A",
        "Access-Control-Request-Private-Network",
    ])
    .prop_map(str::to_owned)
}

fn header_values() -> impl Strategy<Value = Vec<u8>> {
    select(&[
        "1",
        "text/plain",
        "application/json",
        "bytes=0-",
        "bytes=0-1,2-3",
        "\"",
        "{}",
    ])
    .prop_map(|value| value.as_bytes().to_vec())
}

/// Bytes that look right and go wrong.
fn wild_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        origins().prop_map(String::into_bytes),
        select(&[
            "OPTIONS",
            "GET",
            "PUT",
            "*",
            "x-a, authorization",
            "x-a,\tx-b ,,",
            "x-a\r\nset-cookie: a",
            "X-A x-b",
            "null",
            "https://a.com, https://b.com",
            "PUT\0",
            "\u{ff}",
            "",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}
