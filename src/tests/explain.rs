//! Explanations: what is found near a refused request, and what is said.

use proptest::prelude::*;

use crate::origin::syntax::ORIGIN_MAX;
use crate::policy::correction::correct;
use crate::{Explanation, Near, Policy, Request};

const POLICY: &str = r#"{
    "allow_origins": [
        "https://app.example.com", "https://*.one.example",
        "https://**.any.example", "http://localhost:3000",
        "https://www.site.example", "https://bare.example",
        "https://dev.example:8443", "http://[::1]:5173",
        "https://xn--bcher-kva.example", "http://10.0.0.0/8"
    ],
    "allow_methods": ["PATCH", "purge"],
    "allow_headers": ["X-Api-Key", "Idempotency-Key"]
}"#;

fn policy(json: &str) -> Policy {
    Policy::from_json(json.as_bytes()).expect("it loads")
}

fn explanation(policy: &Policy, origin: &str) -> Explanation {
    policy.explanation(&actual(origin))
}

fn origin_hint_of(origin: &str) -> String {
    explanation(&policy(POLICY), origin).hint.unwrap_or_default()
}

fn actual(origin: &str) -> Request<'_> {
    Request {
        method: Some(b"GET"),
        origin: Some(origin.as_bytes()),
        ..Request::default()
    }
}

fn preflight_hint_of(json: &str, method: &str, headers: &str) -> String {
    let request = Request {
        method: Some(b"OPTIONS"),
        origin: Some(b"https://app.example.com"),
        request_method: Some(method.as_bytes()),
        request_headers: Some(headers.as_bytes()),
        ..Request::default()
    };
    policy(json).explanation(&request).hint.unwrap_or_default()
}

#[test]
fn the_nearest_origin_is_named_with_what_differs() {
    for (origin, near, difference) in [
        (
            "http://app.example.com",
            "https://app.example.com",
            "https instead of http",
        ),
        (
            "https://app.example.com.",
            "https://app.example.com",
            "without the trailing dot",
        ),
        (
            "https://app.example.com:8443",
            "https://app.example.com",
            "no port instead of port 8443",
        ),
        (
            "http://localhost:3001",
            "http://localhost:3000",
            "port 3000 instead of port 3001",
        ),
        (
            "http://localhost:2999",
            "http://localhost:3000",
            "port 3000 instead of port 2999",
        ),
        (
            "http://localhost",
            "http://localhost:3000",
            "port 3000 instead of no port",
        ),
        (
            "https://localhost:3000",
            "http://localhost:3000",
            "http instead of https",
        ),
        (
            "https://localhost",
            "http://localhost:3000",
            "http instead of https, port 3000 instead of no port",
        ),
        ("https://site.example", "https://www.site.example", "with \"www.\""),
        (
            "https://www.bare.example",
            "https://bare.example",
            "without \"www.\"",
        ),
        (
            "https://dev.example",
            "https://dev.example:8443",
            "port 8443 instead of no port",
        ),
        ("https://[::1]:5173", "http://[::1]:5173", "http instead of https"),
        (
            "https://a.app.example.com",
            "https://app.example.com",
            "an exact origin does not cover its subdomains",
        ),
    ] {
        assert_eq!(
            origin_hint_of(origin),
            format!("The closest allowed origin is \"{near}\": {difference}.")
        );
    }
}

#[test]
fn the_depth_of_wildcards_is_explained() {
    assert_eq!(
        origin_hint_of("https://a.b.one.example"),
        "The pattern \"https://*.one.example\" matches \
         \"https://b.one.example\", but each * stays within one label, \
         and a.b.one.example has more."
    );
    for (origin, pattern) in [
        ("https://one.example", "https://*.one.example"),
        ("https://any.example", "https://**.any.example"),
    ] {
        let host = &origin["https://".len()..];
        assert_eq!(
            origin_hint_of(origin),
            format!(
                "The pattern \"{pattern}\" matches subdomains of {host} but \
                 not {host} itself; list {host} too."
            )
        );
    }
}

#[test]
fn a_wildcard_in_the_port_covers_no_subdomains() {
    let policy = policy(r#"{ "allow_origins": ["https://a.example:*"] }"#);
    let Explanation { near, hint, .. } =
        explanation(&policy, "https://b.a.example:3000");
    let origin = "https://a.example:3000";
    assert_eq!(near, Some(Near::Origin(origin.into())));
    assert_eq!(
        hint,
        Some(format!(
            "The closest allowed origin is \"{origin}\": an exact origin \
             does not cover its subdomains."
        ))
    );
}

#[test]
fn what_is_no_origin_is_read_as_people_write_one() {
    for (sent, meant) in [
        ("https://app.example.com/", "https://app.example.com"),
        ("https://App.Example.com", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("app.example.com", "https://app.example.com"),
        ("https://app.example.com/page?q", "https://app.example.com"),
        ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example"),
    ] {
        let (_, fault) = correct(sent).expect("a fault");
        assert_eq!(
            origin_hint_of(sent),
            format!("\"{meant}\" would be allowed, but this origin {fault}.")
        );
    }
    let (_, fault) = correct("http://app.example.com/").expect("a fault");
    assert_eq!(
        origin_hint_of("http://app.example.com/"),
        format!(
            "It {fault}. No pattern matches \"http://app.example.com\" \
             either. The closest allowed origin is \
             \"https://app.example.com\": https instead of http."
        )
    );
}

#[test]
fn strangers_get_no_hint() {
    for origin in [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com.evil.example",
        "https://evilone.example",
        "chrome-extension://abc",
        "https://a.example, https://b.example",
        "",
        "@",
    ] {
        assert_eq!(origin_hint_of(origin), "", "{origin}");
    }
    assert!(origin_hint_of("null").contains("sandboxed iframe"));
    let long = format!("https://app.example.com/{}", "a".repeat(1 << 16));
    assert_eq!(origin_hint_of(&long), "");
}

#[test]
fn methods_and_headers_have_hints_of_their_own() {
    let star = r#"{ "allow_origins": ["*"], "allow_methods": ["*"],
                    "allow_headers": ["*"] }"#;
    for (json, method, headers, expected) in [
        (POLICY, "patch", "", "\"PATCH\" would be allowed, but methods"),
        (POLICY, "PURGE", "", "\"purge\" would be allowed, but methods"),
        (POLICY, "PUT", "", ""),
        (star, "TRACE", "", "Scripts cannot use it"),
        (POLICY, "PATCH", "x_api_key", "\"x-api-key\" would be allowed."),
        (POLICY, "PATCH", "api-key", "\"x-api-key\" would be allowed."),
        (POLICY, "GET", "x-idempotency-key", "\"idempotency-key\" would"),
        (POLICY, "GET", "x-other", ""),
        (POLICY, "GET", "content-type", "Content-Type must be in"),
        (POLICY, "GET", "cookie", "Scripts cannot use it"),
        (star, "GET", "sec-fetch-mode", "Scripts cannot use it"),
    ] {
        let hint = preflight_hint_of(json, method, headers);
        assert!(
            hint.starts_with(expected)
                && hint.is_empty() == expected.is_empty(),
            "{method} {headers}: {hint}"
        );
    }
}

fn preflight<'a>(origin: &'a str, method: &'a str) -> Request<'a> {
    Request {
        method: Some(b"OPTIONS"),
        origin: Some(origin.as_bytes()),
        request_method: Some(method.as_bytes()),
        request_headers: None,
        ..Request::default()
    }
}

const RULES: &str = r#"{ "rules": [
    { "allow_origins": ["https://*.example.com", "https://twice.example"] },
    { "allow_origins": [
          "https://app.example.com", "https://twice.example",
          "https://**.example.com", "http://10.0.0.0/8", "https://c.example"
      ],
      "allow_methods": ["PUT"], "allow_headers": ["X-A"] },
    { "allow_origins": ["https://**.example.com", "https://app.example.com"],
      "allow_methods": ["PATCH"] },
    { "allow_origins": ["*"], "allow_methods": ["PURGE"] }
] }"#;

#[test]
fn the_rule_that_decides_is_named() {
    let policy = policy(RULES);
    let mut request = preflight("https://app.example.com", "DELETE");
    let cause = |request: &Request<'_>| policy.explanation(request).cause;
    let method = "the method \"DELETE\" is not in allow_methods of rule 1.";
    assert_eq!(cause(&request), method);
    request.request_method = Some(b"GET");
    request.request_headers = Some(b"x-b");
    let header = "the header \"x-b\" is not in allow_headers of rule 1.";
    assert_eq!(cause(&request), header);
    for (origin, pattern, rule) in [
        ("https://app.example.com", "https://*.example.com", 1),
        ("https://a.b.example.com", "https://**.example.com", 2),
        ("https://other.example", "*", 4),
    ] {
        let matches = format!(
            "the origin \"{origin}\" matches the pattern \"{pattern}\" of \
             rule {rule}."
        );
        assert_eq!(cause(&actual(origin)), matches);
    }
}

#[test]
fn a_later_rule_that_would_allow_the_request_is_named() {
    let policy = policy(RULES);
    for (origin, method, near) in [
        // An exact origin after a wildcard, and the same one twice.
        ("https://app.example.com", "PUT", (2, "https://app.example.com")),
        ("https://twice.example", "PUT", (2, "https://twice.example")),
        // Wildcards, and "*".
        ("https://a.example.com", "PUT", (2, "https://**.example.com")),
        ("https://a.example.com", "PATCH", (3, "https://**.example.com")),
        ("https://app.example.com", "PATCH", (3, "https://**.example.com")),
        ("https://app.example.com", "PURGE", (4, "*")),
    ] {
        let Explanation { near: found, hint, .. } =
            policy.explanation(&preflight(origin, method));
        let (rule, pattern) = near;
        let expected = Near::LaterRule { rule, pattern: pattern.into() };
        assert_eq!(found, Some(expected), "{origin} {method}");
        let text = format!(
            "Rule {rule} would allow it with the pattern \"{pattern}\", but \
             the first rule that matches decides."
        );
        assert_eq!(hint, Some(text));
    }
    for (origin, method) in [
        // No later rule matches, or none allows the method.
        ("https://c.example", "PATCH"),
        ("https://app.example.com", "DELETE"),
    ] {
        let near = policy.explanation(&preflight(origin, method)).near;
        assert_eq!(near, None, "{origin} {method}");
    }
    // Nor all the headers.
    let request = Request {
        request_headers: Some(b"x-a, x-b"),
        ..preflight("https://app.example.com", "PUT")
    };
    assert_eq!(policy.explanation(&request).near, None);
    let request = Request { request_headers: Some(b"x-a"), ..request };
    assert!(policy.explanation(&request).near.is_some());
}

#[test]
fn what_another_rule_lists_is_near_what_the_last_one_decides() {
    let policy = policy(RULES);
    for (origin, method, hint) in [
        (
            "http://c.example",
            "PUT",
            "The closest allowed origin is \"https://c.example\": https \
             instead of http.",
        ),
        (
            "http://10.1.2.3:8080",
            "PUT",
            "10.1.2.3 is in the range \"http://10.0.0.0/8\", but port 8080 \
             is not allowed.",
        ),
        // That rule does not allow the method.
        ("http://c.example", "PATCH", ""),
        ("https://other.example", "PUT", ""),
    ] {
        let explanation = policy.explanation(&preflight(origin, method));
        assert_eq!(explanation.hint.unwrap_or_default(), hint, "{origin}");
    }
}

#[test]
fn near_misses_of_ranges_and_whole_schemes_are_explained() {
    let policy = policy(
        r#"{ "allow_origins": [
            "http://192.168.0.0/16", "https://10.0.0.0/8:8443",
            "http://[fd00::]/8:*", "app://*", "moz-extension://*",
            "capacitor://localhost"
        ] }"#,
    );
    for (origin, hint) in [
        (
            "http://192.168.1.5:3000",
            "192.168.1.5 is in the range \"http://192.168.0.0/16\", but port \
             3000 is not allowed.",
        ),
        (
            "https://192.168.1.5",
            "192.168.1.5 is in the range \"http://192.168.0.0/16\", but https \
             is not allowed.",
        ),
        (
            "https://192.168.1.5:3000",
            "192.168.1.5 is in the range \"http://192.168.0.0/16\", but https \
             is not allowed, and port 3000 is not allowed.",
        ),
        (
            "https://10.1.2.3",
            "10.1.2.3 is in the range \"https://10.0.0.0/8:8443\", but it \
             needs a port.",
        ),
        (
            "https://[fd12::1]:1234",
            "[fd12::1] is in the range \"http://[fd00::]/8:*\", but https is \
             not allowed.",
        ),
        // Just outside.
        ("http://192.169.0.0", ""),
        ("http://192.167.255.255", ""),
        ("http://[fe00::1]", ""),
        (
            "app://host:3000",
            "The pattern \"app://*\" matches any host, but only without a \
             port.",
        ),
        (
            "capacitor://localhost:3000",
            "The closest allowed origin is \"capacitor://localhost\": no port \
             instead of port 3000.",
        ),
        (
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "The pattern \"moz-extension://*\" matches extensions in Firefox, \
             but this is one in Chromium.",
        ),
        (
            "safari-web-extension://A-B",
            "The pattern \"moz-extension://*\" matches extensions in Firefox, \
             but this is one in Safari.",
        ),
        ("vscode-webview://abc", ""),
        ("capacitor://other", ""),
    ] {
        let found = explanation(&policy, origin).hint.unwrap_or_default();
        assert_eq!(found, hint, "{origin}");
    }
}

/// The policies are the worst that are known, the requests as long as they may
/// be. The real ratio is far below.
#[test]
fn an_explanation_takes_no_longer_than_a_thousand_decisions() {
    use std::time::Instant;

    let headers: Vec<_> = (0..500).map(|i| format!("x-{i:05}")).collect();
    let listed = format!("\"{}\"", headers.join("\",\""));
    let rules: Vec<_> = (0..128)
        .map(|i| {
            // The last header makes all the difference.
            let names = listed.replace("\"x-00499\"", "\"x-other\"");
            format!(
                r#"{{ "allow_origins": ["https://a-*-{i}-*.example.com",
                      "http://10.{}.{}.0/24:*", "https://app.example.com:{i}",
                      "https://**.sub{i}.example.com"],
                     "allow_methods": ["M{i}", "{}"],
                     "allow_headers": [{names}] }}"#,
                i / 256,
                i % 256,
                if i > 0 { "PUT" } else { "DELETE" }
            )
            .replace(":0\"", ":1024\"")
            .replace(":443\"", ":1443\"")
        })
        .collect();
    let rules = policy(&format!(r#"{{ "rules": [{}] }}"#, rules.join(",")));
    let headers = headers.join(",");
    let ask = |origin, method| Request {
        method: Some(b"OPTIONS"),
        origin: Some(origin),
        request_method: Some(method),
        request_headers: Some(headers.as_bytes()),
        ..Request::default()
    };
    let requests = [
        ask(b"https://a-x-0-y.example.com", b"M0"),
        ask(b"https://a-x-0-y.example.com", b"PATCH"),
        Request {
            request_headers: None,
            ..ask(b"https://a-x-0-y.example.com", b"PUT")
        },
        ask(b"http://10.0.0.1:3000", b"M0"),
        ask(b"https://10.3.0.1", b"M0"),
        ask(b"http://app.example.com:9999", b"M0"),
        ask(b"chrome-extension://abc", b"M0"),
        ask(b"https://x.y.z.u.v.w.example.com:443/", b"M0"),
    ];
    for request in requests {
        let run = |count: u32, run: &dyn Fn()| {
            let one = || {
                let start = Instant::now();
                (0..count).for_each(|_| run());
                start.elapsed()
            };
            // Of several, the one that other programs disturbed least.
            (0..5).map(|_| one()).min().expect("five")
        };
        let decide = || {
            std::hint::black_box(rules.evaluate(&request));
        };
        let explain = || {
            std::hint::black_box(rules.explanation(&request));
        };
        let (decisions, explanation) = (run(1000, &decide), run(1, &explain));
        assert!(explanation < decisions, "{explanation:?} {decisions:?}");
    }
}

#[test]
fn long_texts_are_cut_and_their_length_told() {
    let longest = format!("https://{}", "a".repeat(ORIGIN_MAX - 8));
    let longer = format!("{longest}a");
    let explain = |origin: &str| policy(POLICY).explain(&actual(origin));
    assert!(explain(&longest).contains(&format!("{longest}\" is not")));
    assert!(
        explain(&longer)
            .contains(&format!("{longest}\"... (327 bytes) is not"))
    );
}

#[test]
fn an_explanation_is_short_whatever_the_request_and_the_policy() {
    let names = |prefix: &str| {
        let names = (0..2000).map(|i| format!("\"{prefix}{i}\""));
        names.collect::<Vec<_>>().join(",")
    };
    let json = |origins: &str, headers: &str, credentials: bool| {
        policy(&format!(
            r#"{{ "allow_origins": [{origins}],
                  "allow_methods": [{}], "allow_headers": [{headers}],
                  "expose_headers": [{}],
                  "allow_credentials": {credentials} }}"#,
            names("M"),
            names("x-"),
        ))
    };
    let label = "a".repeat(60);
    let deep = format!("https://**.{label}.{label}.{label}.example");
    let origins = format!("\"{deep}\", \"https://a.example\"");
    let policies = [
        json("\"*\"", &names("x-"), false),
        json(&origins, &names("x-"), false),
        json(&origins, "\"*\"", true),
    ];
    let long = [
        "",
        "GET",
        "M1",
        "https://a.example",
        &deep.replace("**", "b"),
        &"x-1,".repeat(1000),
        &"\0".repeat(1 << 20),
        &"https://a".repeat(1 << 20),
        &"\u{e9}".repeat(300),
    ];
    for policy in &policies {
        for origin in long {
            for method in long {
                for headers in long {
                    let text = policy.explain(&Request {
                        method: Some(b"OPTIONS"),
                        origin: Some(origin.as_bytes()),
                        request_method: Some(method.as_bytes()),
                        request_headers: Some(headers.as_bytes()),
                        ..Request::default()
                    });
                    assert!(text.len() < 4096, "{}", text.len());
                }
            }
            let text = policy.explain(&actual(origin));
            assert!(text.len() < 4096, "{}", text.len());
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_explained_in_printable_ascii(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        origin in "[a-z]{0,5}:?/{0,2}[a-zA-Z0-9.*:@/ \\[\\]\u{e9}-]{0,60}",
        names in "[a-zA-Z_,*-]{0,40}",
    ) {
        let policy = policy(POLICY);
        for origin in [&bytes, origin.as_bytes(), b"http://localhost:3000"] {
            let request = Request {
                method: Some(b"OPTIONS"),
                origin: Some(origin),
                request_method: Some(names.as_bytes()),
                request_headers: Some(&bytes), ..Request::default() };
            let asked = Request {
                request_method: Some(b"GET"),
                request_headers: Some(names.as_bytes()),
                ..request
            };
            let actual = Request { request_method: None, ..request };
            for request in [request, asked, actual] {
                let text = policy.explain(&request);
                prop_assert!(
                    text.bytes().all(|b| (0x20..=0x7e).contains(&b)),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn an_origin_that_is_found_near_is_allowed(
        scheme in "https?",
        host in "(app|www|a|x\\.y)\\.(example\\.com|(one|any|site|bare)\\.example)|localhost|dev\\.example|\\[::1\\]|10\\.1\\.2\\.3",
        end in "(:(80|443|2999|3000|3001|5173|8443))?[./]?",
    ) {
        let policy = policy(POLICY);
        let mut near = explanation(&policy, &format!("{scheme}://{host}{end}")).near;
        while let Some(found) = near.take() {
            let origin = match found {
                Near::Origin(origin)
                | Near::FewerLabels { origin, .. }
                | Near::Range { origin, .. } => origin,
                Near::Meant { origin, allowed: true, .. } => origin,
                Near::Meant { near: next, .. } => {
                    near = next.map(|next| *next);
                    continue;
                }
                _ => break,
            };
            let pattern = policy.evaluate(&actual(&origin)).pattern;
            prop_assert!(pattern.is_some(), "{origin}");
        }
    }
}
