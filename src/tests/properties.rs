//! What holds for every policy and every request.
//!
//! `PROPTEST_CASES=1000000 cargo test --release properties` looks further than
//! the default does.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;

use super::intents::{
    Intent, files, globs, load, methods, near_miss, origins, patterns, ranges,
    wild_bytes, witnesses,
};
use super::naive;
use crate::{Decision, Policy, Reason, Request, Verdict};
use browser::{
    AuthorizationStar, Browser, Failure, Fault, Response, ScriptRequest,
    SentRequest, forbidden_method, forbidden_request_header, needs_preflight,
    normalize_method, unsafe_request_header_names,
};

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
        file in files(),
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
        let policy = load(&file.json());
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
        let patterns = file.patterns();
        let found = naive::find_rule(&patterns, &request.origin);
        let intent = found.map(|(rule, _)| &file.rules[rule]);
        let expected = intent.is_some_and(|intent| {
            (intent.credentials || !request.credentials)
                && !forbidden_method(&method)
                && (!needs_preflight(&request)
                    || (intent.allows_method(&method)
                        && names.iter().all(|name| intent.allows_header(name))))
        });
        prop_assert_eq!(outcome.is_ok(), expected, "{:?}", outcome);

        if let (Ok(readable), Some(intent)) = (&outcome, intent) {
            for name in ["x-a", "x-b", "x-c"] {
                let read = readable.iter().any(|one| one == name);
                prop_assert_eq!(read, intent.exposes(name), "{}", name);
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
            let listed = |one: &str| {
                intent.is_some_and(|intent| {
                    intent.credentials
                        && intent.methods.iter().any(|name| name == one)
                })
            };
            let unusual = listed("*")
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

    /// Many ranges, in each other and next to each other, against the naive
    /// matcher, at their edges.
    #[test]
    fn the_matchers_agree_on_many_ranges(
        patterns in vec(ranges(), 1..60),
        seeds in vec((any::<prop::sample::Index>(), vec(any::<u8>(), 8)), 40),
    ) {
        let policy = Intent::of_origins(&patterns).load();
        for (index, mut seed) in seeds {
            // The text of the address stays as it is.
            seed[4] = 15;
            let origin = near_miss(index.get::<String>(&patterns), &seed);
            prop_assert_eq!(
                get(&policy, &origin).pattern,
                naive::find(&patterns, &origin).map(str::as_bytes),
                "{}",
                origin
            );
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
        file in files(),
        method in option::of(wild_bytes()),
        origin in option::of(wild_bytes()),
        request_method in option::of(wild_bytes()),
        request_headers in option::of(wild_bytes()),
    ) {
        let policy = load(&file.json());
        let decision = policy.evaluate(&Request {
            method: method.as_deref(),
            origin: origin.as_deref(),
            request_method: request_method.as_deref(),
            request_headers: request_headers.as_deref(), ..Request::default() });
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
                    let age = value.parse().ok();
                    let mut rules = file.rules.iter();
                    prop_assert!(rules.any(|rule| rule.max_age == age));
                }
                "access-control-allow-credentials" => {
                    prop_assert_eq!(value, "true");
                }
                "timing-allow-origin" => {
                    let mut names = value.split(", ");
                    prop_assert!(
                        names.all(|one| file.timing.iter().any(|t| t == one))
                    );
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
    fn the_fillings_of_a_pattern_match(pattern in patterns()) {
        let policy =
            Intent::of_origins(std::slice::from_ref(&pattern)).load();
        for origin in witnesses(&pattern) {
            let found = get(&policy, &origin).pattern;
            prop_assert_eq!(found, Some(pattern.as_bytes()), "{}", origin);
        }
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
        ..Request::default()
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

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}
