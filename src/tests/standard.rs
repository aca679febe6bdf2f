//! The Fetch standard's lists, as data, against the engine's and the
//! browser's.
//!
//! They are those of 2 July 2026:
//! <https://fetch.spec.whatwg.org/commit-snapshots/586cd2a44c2a865b37c166dc0740f3fb8bb220d6/>.
//! To bring them up to date, read the sections that the comments link to.

use std::collections::BTreeSet;

use crate::names::{forbidden, methods, token};

/// <https://fetch.spec.whatwg.org/#cors-safelisted-method>
const SAFELISTED_METHODS: &[&str] = &["GET", "HEAD", "POST"];

/// <https://fetch.spec.whatwg.org/#forbidden-method>, in any case.
const FORBIDDEN_METHODS: &[&str] = &["CONNECT", "TRACE", "TRACK"];

/// <https://fetch.spec.whatwg.org/#concept-method-normalize>, in any case.
const NORMALIZED_METHODS: &[&str] =
    &["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/// <https://fetch.spec.whatwg.org/#forbidden-request-header>, whatever the
/// value.
const FORBIDDEN_REQUEST_HEADERS: &[&str] = &[
    "Accept-Charset",
    "Accept-Encoding",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Connection",
    "Content-Length",
    "Cookie",
    "Cookie2",
    "Date",
    "DNT",
    "Expect",
    "Host",
    "Keep-Alive",
    "Origin",
    "Referer",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
];

/// The same; how such a name begins.
const FORBIDDEN_REQUEST_HEADER_PREFIXES: &[&str] = &["proxy-", "sec-"];

/// The same; forbidden where a forbidden method is among the values.
const OVERRIDE_HEADERS: &[&str] =
    &["X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"];

/// <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>, each with
/// a value that is safelisted.
const SAFELISTED_REQUEST_HEADERS: &[(&str, &str)] = &[
    ("Accept", "text/html"),
    ("Accept-Language", "de"),
    ("Content-Language", "de"),
    ("Content-Type", "text/plain"),
    ("Range", "bytes=0-"),
];

/// <https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name>
const NON_WILDCARD_REQUEST_HEADERS: &[&str] = &["Authorization"];

/// <https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name>
const SAFELISTED_RESPONSE_HEADERS: &[&str] = &[
    "Cache-Control",
    "Content-Language",
    "Content-Length",
    "Content-Type",
    "Expires",
    "Last-Modified",
    "Pragma",
];

/// <https://fetch.spec.whatwg.org/#forbidden-response-header-name>
const FORBIDDEN_RESPONSE_HEADERS: &[&str] = &["Set-Cookie", "Set-Cookie2"];

/// <https://fetch.spec.whatwg.org/#bad-port>
const BAD_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69,
    77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119,
    123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526,
    530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995,
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665,
    6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Every name that might stand in one of the lists by mistake: those that the
/// engine's and the browser's sources quote, those above, and neighbours of
/// each.
fn candidates() -> BTreeSet<String> {
    let sources = [
        include_str!("../names/forbidden.rs"),
        include_str!("../names/methods.rs"),
        include_str!("../names/request_headers.rs"),
        include_str!("../../browser/src/headers.rs"),
        include_str!("../../browser/src/methods.rs"),
        include_str!("../../browser/src/response.rs"),
    ];
    let lists = [
        SAFELISTED_METHODS,
        FORBIDDEN_METHODS,
        NORMALIZED_METHODS,
        FORBIDDEN_REQUEST_HEADERS,
        FORBIDDEN_REQUEST_HEADER_PREFIXES,
        OVERRIDE_HEADERS,
        NON_WILDCARD_REQUEST_HEADERS,
        SAFELISTED_RESPONSE_HEADERS,
        FORBIDDEN_RESPONSE_HEADERS,
    ];
    let others = [
        "PATCH",
        "QUERY",
        "Access-Control-Request-Private-Network",
        "Access-Control-Request-Local-Network",
        "Access-Control-Allow-Origin",
        "Security",
        "Proxy",
        "User-Agent",
        "Save-Data",
        "DPR",
        "Viewport-Width",
        "Width",
        "Downlink",
    ];
    let quoted = sources.iter().flat_map(|source| source.split('"'));
    let safelisted = SAFELISTED_REQUEST_HEADERS.iter().map(|(name, _)| *name);
    let all = quoted
        .chain(lists.into_iter().flatten().copied())
        .chain(others)
        .chain(safelisted)
        .filter(|name| token::is_token(name.as_bytes()));
    all.flat_map(|name| {
        [
            name.to_owned(),
            name.to_ascii_lowercase(),
            name.to_ascii_uppercase(),
            format!("{name}x"),
            format!("x{name}"),
            name[1..].to_owned(),
            name[..name.len() - 1].to_owned(),
        ]
    })
    .filter(|name| !name.is_empty())
    .collect()
}

fn one_of(list: &[&str], name: &str) -> bool {
    list.iter().any(|other| other.eq_ignore_ascii_case(name))
}

#[test]
fn methods_are_those_of_the_standard() {
    let candidates = candidates();
    assert!(candidates.contains("PUT") && candidates.contains("trace"));
    for name in &candidates {
        let bytes = name.as_bytes();
        let safelisted = SAFELISTED_METHODS.contains(&name.as_str());
        assert_eq!(methods::is_safelisted(bytes), safelisted, "{name}");
        assert_eq!(browser::safelisted_method(name), safelisted, "{name}");

        let forbidden = one_of(FORBIDDEN_METHODS, name);
        assert_eq!(forbidden::is_forbidden_method(bytes), forbidden, "{name}");
        assert_eq!(browser::forbidden_method(name), forbidden, "{name}");

        let normalized = one_of(NORMALIZED_METHODS, name);
        assert_eq!(
            methods::is_normalized_by_browsers(name),
            normalized,
            "{name}"
        );
        let sent = match normalized {
            true => name.to_ascii_uppercase(),
            false => name.clone(),
        };
        assert_eq!(browser::normalize_method(name), sent, "{name}");
    }
    let always: Vec<&str> =
        methods::SAFELISTED.to_str().unwrap().split(',').collect();
    assert_eq!(always, SAFELISTED_METHODS);
}

#[test]
fn request_headers_are_those_of_the_standard() {
    let candidates = candidates();
    assert!(candidates.contains("te") && candidates.contains("sec-x"));
    for name in &candidates {
        let lower = name.to_ascii_lowercase();
        let forbidden = one_of(FORBIDDEN_REQUEST_HEADERS, name)
            || FORBIDDEN_REQUEST_HEADER_PREFIXES
                .iter()
                .any(|prefix| lower.starts_with(prefix));
        assert_eq!(
            forbidden::is_forbidden_request_header(lower.as_bytes()),
            forbidden,
            "{name}"
        );
        assert_eq!(
            browser::forbidden_request_header(name, b"PUT"),
            forbidden,
            "{name}"
        );
        assert_eq!(
            browser::forbidden_request_header(name, b"PUT, TRACE"),
            forbidden || one_of(OVERRIDE_HEADERS, name),
            "{name}"
        );
        let safelisted = SAFELISTED_REQUEST_HEADERS
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        let values = SAFELISTED_REQUEST_HEADERS.iter().map(|(_, value)| value);
        assert_eq!(
            values.clone().any(|value| {
                browser::safelisted_request_header(name, value.as_bytes())
            }),
            safelisted.is_some(),
            "{name}"
        );
        assert_eq!(
            browser::non_wildcard(name),
            one_of(NON_WILDCARD_REQUEST_HEADERS, name),
            "{name}"
        );
    }
    for (name, value) in SAFELISTED_REQUEST_HEADERS {
        assert!(
            browser::safelisted_request_header(name, value.as_bytes()),
            "{name}"
        );
    }
}

/// What a policy lets through with `*` is what a browser may ask for, but for
/// the names that `*` does not cover.
#[test]
fn a_star_covers_what_browsers_ask_for_and_nothing_else() {
    let policy = crate::Policy::from_json(
        br#"{ "allow_origins": ["*"], "allow_headers": ["*"],
              "allow_methods": ["*"] }"#,
    )
    .expect("it loads");
    for name in &candidates() {
        let decide = |method: &str, headers: Option<&str>| {
            let request = crate::Request {
                method: Some(b"OPTIONS"),
                origin: Some(b"https://app.example.com"),
                request_method: Some(method.as_bytes()),
                request_headers: headers.map(str::as_bytes),
                ..crate::Request::default()
            };
            policy.evaluate(&request).verdict
                == crate::Verdict::PreflightAllowed
        };
        assert_eq!(
            decide("GET", Some(name)),
            !browser::forbidden_request_header(name, b"")
                && !browser::non_wildcard(name)
                && name != "*",
            "{name}"
        );
        assert_eq!(
            decide(name, None),
            !browser::forbidden_method(name) && name != "*",
            "{name}"
        );
    }
}

#[test]
fn response_headers_are_those_of_the_standard() {
    for name in &candidates() {
        let lower = name.to_ascii_lowercase();
        let forbidden = one_of(FORBIDDEN_RESPONSE_HEADERS, name);
        assert_eq!(
            forbidden::is_forbidden_response_header(lower.as_bytes()),
            forbidden,
            "{name}"
        );
        assert_eq!(
            browser::forbidden_response_header_name(name),
            forbidden,
            "{name}"
        );
        let answer = [(name.clone(), Vec::new())];
        let readable = !browser::exposed(&answer, true).is_empty();
        let safelisted = one_of(SAFELISTED_RESPONSE_HEADERS, name);
        assert_eq!(readable, safelisted, "{name}");
    }
}

#[test]
fn bad_ports_are_those_of_the_standard() {
    for port in 0..=u16::MAX {
        let bad = BAD_PORTS.contains(&port);
        assert_eq!(browser::bad_port(port), bad, "{port}");
        assert_eq!(crate::is_blocked_port(port), bad, "{port}");
    }
}
