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
        "https://xn--bcher-kva.example"
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
                request_headers: Some(&bytes),
            };
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
        host in "(app|www|a|x\\.y)\\.(example\\.com|(one|any|site|bare)\\.example)|localhost|dev\\.example|\\[::1\\]",
        end in "(:(80|443|2999|3000|3001|5173|8443))?[./]?",
    ) {
        let policy = policy(POLICY);
        let mut near = explanation(&policy, &format!("{scheme}://{host}{end}")).near;
        while let Some(found) = near.take() {
            let origin = match found {
                Near::Origin(origin) | Near::FewerLabels { origin, .. } => origin,
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
