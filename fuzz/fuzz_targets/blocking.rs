//! Requests that a policy with `block` may keep from the application, held
//! against the naive decision, header by header.

#![no_main]

use std::borrow::Cow;

use arbitrary::{Arbitrary, Result, Unstructured};
use cors::{Decision, Policy, Reason, Request, Verdict};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

#[path = "../../src/tests/decide.rs"]
mod decide;
#[path = "../../src/tests/naive.rs"]
mod naive;
mod pieces;

use decide::Outcome;

const RULES_MAX: usize = 3;
const REQUESTS_MAX: usize = 4;

#[derive(Debug)]
struct Input<'a> {
    policy: Value,
    requests: Vec<Sent<'a>>,
}

type Member<'a> = Option<Cow<'a, [u8]>>;

#[derive(Debug)]
struct Sent<'a> {
    method: Member<'a>,
    origin: Member<'a>,
    request_method: Member<'a>,
    request_headers: Member<'a>,
    host: Member<'a>,
    fetch_site: Member<'a>,
    upgrade: Member<'a>,
    scheme: Member<'a>,
}

const METHODS: &[&str] =
    &["GET", "POST", "OPTIONS", "HEAD", "PUT", "get", "CONNECT", ""];
const ORIGINS: &[&str] =
    &["null", "https://evil.example", "", "NULL", "https://"];
const HOSTS: &[&str] = &["a.com", "evil.example", ""];
const SITES: &[&str] = &[
    "same-origin",
    "cross-site",
    "same-site",
    "none",
    "",
    "same-origin, same-origin",
    "Same-Origin",
];
const UPGRADES: &[&str] =
    &["websocket", "WebSocket", "h2c, websocket", "h2c", "websocket/13", ","];
const NAMES: &[&str] = &["PUT", "x-a", "x-a, x-b", "*"];

impl<'a> Arbitrary<'a> for Input<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut rules: Vec<Vec<String>> = Vec::new();
        while rules.is_empty() || (rules.len() < RULES_MAX && u.ratio(1, 2)?) {
            let mut origins = pieces::patterns(u, 4)?;
            origins.retain(|origin| pieces::is_pattern(origin));
            if origins.is_empty() || origins.iter().any(|one| one == "*") {
                rules.push(vec!["*".into()]);
                break;
            }
            rules.push(origins);
        }
        let policy = policy(u, &rules)?;
        let mut requests = Vec::new();
        while requests.is_empty()
            || (!u.is_empty() && requests.len() < REQUESTS_MAX)
        {
            requests.push(Sent::arbitrary(u, &rules)?);
        }
        Ok(Self { policy, requests })
    }
}

fn policy(u: &mut Unstructured<'_>, rules: &[Vec<String>]) -> Result<Value> {
    let rules: Vec<Value> = rules
        .iter()
        .map(|origins| {
            let special = |one: &String| one == "*" || one == "null";
            let insecure =
                origins.iter().filter(|one| one.starts_with("http:"));
            Ok(json!({
                "allow_origins": origins,
                "allow_credentials":
                    u.arbitrary()? && !origins.iter().any(special),
                "allow_methods": ["PUT"],
                "allow_headers": ["X-A"],
                "expose_headers": ["X-B"],
                "dangerously_allow": {
                    "null_origin": true,
                    "insecure_origins": insecure.collect::<Vec<_>>(),
                    "public_suffix_wildcards": origins,
                    "scheme_wildcards": origins,
                },
            }))
        })
        .collect::<Result<_>>()?;
    let mut policy = json!({ "rules": rules });
    let block: [&[&str]; 4] = [
        &["unsafe_methods", "websockets"],
        &["unsafe_methods"],
        &["websockets"],
        &[],
    ];
    policy["block"] = json!(u.choose(&block)?);
    if u.arbitrary()? {
        policy["timing_allow_origins"] = json!(["*"]);
    }
    Ok(policy)
}

impl<'a> Sent<'a> {
    fn arbitrary(
        u: &mut Unstructured<'a>,
        rules: &[Vec<String>],
    ) -> Result<Self> {
        let origin = match u.int_in_range(0..=7)? {
            0..=4 => {
                let rule = u.choose(rules)?;
                let pattern = u.choose(rule)?;
                Some(pieces::near(u, pattern)?.into())
            }
            _ => member(u, ORIGINS)?,
        };
        // Most requests go to the origin's own host, or nearly.
        let host = match (&origin, u.int_in_range(0..=7)?) {
            (Some(origin), 0..=5) => {
                let mut host = authority(origin).to_vec();
                match u.int_in_range(0..=7)? {
                    0 => host.extend(b":443"),
                    1 => host.extend(b":80"),
                    2 => host.make_ascii_uppercase(),
                    _ => {}
                }
                Some(host.into())
            }
            _ => member(u, HOSTS)?,
        };
        Ok(Self {
            method: member(u, METHODS)?,
            origin,
            request_method: match u.arbitrary()? {
                true => member(u, NAMES)?,
                false => None,
            },
            request_headers: member(u, NAMES)?,
            host,
            fetch_site: member(u, SITES)?,
            upgrade: member(u, UPGRADES)?,
            scheme: member(u, &["https", "http", "HTTPS"])?,
        })
    }
}

fn member<'a>(
    u: &mut Unstructured<'a>,
    known: &[&'static str],
) -> Result<Member<'a>> {
    Ok(match u.int_in_range(0..=7)? {
        0..=1 => None,
        2 => Some(u.arbitrary::<&[u8]>()?.into()),
        _ => Some(u.choose(known)?.as_bytes().into()),
    })
}

fn authority(origin: &[u8]) -> &[u8] {
    let scheme = origin.windows(3).position(|three| three == b"://");
    scheme.map_or(origin, |at| &origin[at + 3..])
}

fuzz_target!(|input: Input<'_>| {
    let json = input.policy.to_string();
    let policy = Policy::from_json(json.as_bytes())
        .unwrap_or_else(|error| panic!("{json}\n{error}"));
    for sent in &input.requests {
        let request = Request {
            method: sent.method.as_deref(),
            origin: sent.origin.as_deref(),
            request_method: sent.request_method.as_deref(),
            request_headers: sent.request_headers.as_deref(),
            host: sent.host.as_deref(),
            fetch_site: sent.fetch_site.as_deref(),
            upgrade: sent.upgrade.as_deref(),
            scheme: sent.scheme.as_deref(),
        };
        let expected = decide::decide(&input.policy, &request);
        let actual = Outcome::of(&policy.evaluate(&request));
        assert_eq!(actual, expected, "{json}\n{sent:?}");
    }
});
