//! A browser lets a script read exactly what the policy allows; one that has
//! fetched before, and remembers its preflights, too.

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use browser::{
    AuthorizationStar, Browser, Failure, Fault, Response, ScriptRequest,
    SentRequest,
};
use cors::{Policy, Reason, Request, Verdict};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

#[path = "../../src/tests/naive.rs"]
mod naive;
mod pieces;

/// A rule's intent, in the target's own words.
#[derive(Debug)]
struct Intent {
    origins: Vec<String>,
    credentials: bool,
    methods: Vec<&'static str>,
    headers: Vec<&'static str>,
    expose: Vec<&'static str>,
    max_age: Option<u32>,
}

#[derive(Debug)]
struct Input {
    rules: Vec<Intent>,
    preflight_status: u16,
    /// Unsafe methods.
    blocks: bool,
    star: AuthorizationStar,
    /// All to one URL, one after the other.
    requests: Vec<ScriptRequest>,
}

const RULES_MAX: usize = 3;
const REQUESTS_MAX: usize = 4;

const POLICY_METHODS: [&str; 8] =
    ["PUT", "PATCH", "DELETE", "patch", "FOO", "OPTIONS", "GET", "QUERY"];
const POLICY_HEADERS: [&str; 8] = [
    "*",
    "Authorization",
    "X-A",
    "x-b",
    "Content-Type",
    "Range",
    "X-HTTP-Method-Override",
    "accept",
];
/// What the application sends.
const RESPONSE_HEADERS: [&str; 4] = ["x-a", "x-b", "x-c", "authorization"];

const METHODS: [&str; 16] = [
    "GET", "get", "HEAD", "POST", "PUT", "put", "PATCH", "patch", "DELETE",
    "OPTIONS", "FOO", "foo", "*", "QUERY", "TRACE", "connect",
];
const HEADERS: [&str; 18] = [
    "X-A",
    "x-a",
    "X-B",
    "X-C",
    "Authorization",
    "Content-Type",
    "Range",
    "Accept",
    "Accept-Language",
    "*",
    "Cookie",
    "Sec-A",
    "Proxy-",
    "X-HTTP-Method-Override",
    "Origin",
    "Host",
    "Content-Language",
    "a",
];
const VALUES: [&str; 12] = [
    "",
    "1",
    "text/plain",
    "text/plain;charset=utf-8",
    "application/json",
    "bytes=0-",
    "bytes=-1",
    "bytes=0-1,2-3",
    "\"",
    "TRACE, GET",
    "a\"b",
    " text/html ",
];

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut rules = Vec::new();
        while rules.is_empty() || (rules.len() < RULES_MAX && u.ratio(1, 2)?) {
            let rule = Intent::arbitrary(u)?;
            let is_last = rule.origins == ["*"];
            rules.push(rule);
            if is_last {
                break;
            }
        }
        let preflight_status = *u.choose(&[200, 204])?;
        let blocks = u.ratio(1, 4)?;
        let star = match u.arbitrary()? {
            true => AuthorizationStar::Lax,
            false => AuthorizationStar::Strict,
        };
        let mut requests = Vec::new();
        while requests.is_empty()
            || (!u.is_empty() && requests.len() < REQUESTS_MAX)
        {
            requests.push(request(u, &rules, requests.last())?);
        }
        Ok(Self { rules, preflight_status, blocks, star, requests })
    }
}

impl Intent {
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut origins = pieces::patterns(u, 6)?;
        origins.retain(|origin| pieces::is_pattern(origin));
        if origins.is_empty() || origins.iter().any(|origin| origin == "*") {
            origins = vec!["*".into()];
        }
        let expose = match u.ratio(1, 4)? {
            true => vec!["*"],
            false => subset(u, &["X-A", "x-b", "Authorization"])?,
        };
        // Neither goes with credentials.
        let special =
            origins.iter().any(|origin| origin == "*" || origin == "null");
        let credentials = u.arbitrary()? && !special && !expose.contains(&"*");
        let methods = match u.ratio(1, 4)? {
            true => vec!["*"],
            false => subset(u, &POLICY_METHODS)?,
        };
        Ok(Self {
            origins,
            credentials,
            methods,
            headers: subset(u, &POLICY_HEADERS)?,
            expose,
            max_age: match u.arbitrary()? {
                true => Some(u.int_in_range(0..=86_400)?),
                false => None,
            },
        })
    }

    fn json(&self) -> String {
        let insecure: Vec<&String> = self
            .origins
            .iter()
            .filter(|origin| origin.starts_with("http:"))
            .collect();
        let max_age = match self.max_age {
            Some(age) => format!(r#""max_age":{age},"#),
            None => String::new(),
        };
        format!(
            r#"{{"allow_origins":{},"allow_credentials":{},
                 "allow_methods":{},"allow_headers":{},"expose_headers":{},
                 {max_age}"dangerously_allow":{{"null_origin":true,
                   "insecure_origins":{},"public_suffix_wildcards":{},
                   "scheme_wildcards":{}}}}}"#,
            json!(&self.origins),
            self.credentials,
            json!(&self.methods),
            json!(&self.headers),
            json!(&self.expose),
            json!(&insecure),
            json!(&self.origins),
            json!(&self.origins),
        )
    }

    fn allows_method(&self, method: &str) -> bool {
        browser::safelisted_method(method)
            || self.methods.contains(&method) && method != "*"
            || self.methods.contains(&"*")
                && method != "*"
                && !browser::forbidden_method(method)
    }

    /// `name` is in lower case.
    fn allows_header(&self, name: &str) -> bool {
        let listed =
            self.headers.iter().any(|one| one.eq_ignore_ascii_case(name));
        name != "*"
            && (listed
                || self.headers.contains(&"*") && name != "authorization")
    }

    fn exposes(&self, name: &str) -> bool {
        self.expose
            .iter()
            .any(|one| *one == "*" || one.eq_ignore_ascii_case(name))
    }
}

fn load(rules: &[Intent], preflight_status: u16, blocks: bool) -> Policy {
    let block = if blocks { r#""unsafe_methods""# } else { "" };
    let rules: Vec<String> = rules.iter().map(Intent::json).collect();
    let json = format!(
        r#"{{"rules":[{}],"block":[{block}],
             "preflight_status":{preflight_status}}}"#,
        rules.join(",")
    );
    Policy::from_json(json.as_bytes())
        .unwrap_or_else(|error| panic!("{json}\n{error}"))
}

fn subset(
    u: &mut Unstructured<'_>,
    of: &[&'static str],
) -> Result<Vec<&'static str>> {
    let bits: u8 = u.arbitrary()?;
    let all = of.iter().enumerate();
    Ok(all.filter(|(i, _)| bits >> i & 1 == 1).map(|(_, one)| *one).collect())
}

fn request(
    u: &mut Unstructured<'_>,
    rules: &[Intent],
    previous: Option<&ScriptRequest>,
) -> Result<ScriptRequest> {
    let origin = match previous {
        // What a browser remembers is for one origin.
        Some(previous) if u.ratio(7, 8)? => previous.origin.clone(),
        _ => origin(u, rules)?,
    };
    let method = match u.ratio(1, 8)? {
        true => token(u)?,
        false => u.choose(&METHODS)?.to_string(),
    };
    let mut headers = Vec::new();
    for _ in 0..u.int_in_range(0..=3)? {
        let name = match u.ratio(1, 8)? {
            true => token(u)?,
            false => u.choose(&HEADERS)?.to_string(),
        };
        headers.push((name, u.choose(&VALUES)?.as_bytes().to_vec()));
    }
    Ok(ScriptRequest {
        origin,
        method,
        headers,
        credentials: u.arbitrary()?,
        use_cors_preflight: u.arbitrary()?,
    })
}

/// One that a browser can send: well-formed.
fn origin(u: &mut Unstructured<'_>, rules: &[Intent]) -> Result<String> {
    let rule = u.choose(rules)?;
    let pattern = u.choose(&rule.origins)?;
    let near = String::from_utf8(pieces::near(u, pattern)?);
    Ok(match near {
        Ok(near) if naive::is_origin(&near) => near,
        _ => "https://a.com".into(),
    })
}

/// A short one, so that no list of them gets longer than the engine takes.
fn token(u: &mut Unstructured<'_>) -> Result<String> {
    const BYTES: &[u8] = b"aAbBxX-_.!#$%&'*+^`|~019zZtTeEsScC";
    let mut token = String::new();
    for _ in 0..u.int_in_range(1..=16)? {
        token.push(char::from(*u.choose(BYTES)?));
    }
    Ok(token)
}

fuzz_target!(|input: Input| {
    let Input { rules, preflight_status, blocks, star, requests } = &input;
    let policy = load(rules, *preflight_status, *blocks);
    let patterns: Vec<Vec<String>> =
        rules.iter().map(|rule| rule.origins.clone()).collect();
    let mut browser = Browser::new(*star);
    for request in requests {
        let mut server = Server { policy: &policy, preflights: Vec::new() };
        let outcome = browser.fetch(request, |sent| server.answer(sent));
        // Only this rule decides, if there is one.
        let Some((rule, pattern)) =
            naive::find_rule(&patterns, &request.origin)
        else {
            assert!(outcome.is_err(), "{request:?}");
            continue;
        };
        // Every page can have these origins.
        let is_blocked = *blocks
            && ["*", "null"].contains(&pattern)
            && !["GET", "HEAD", "OPTIONS"]
                .contains(&&*browser::normalize_method(&request.method));
        check(&rules[rule], is_blocked, *star, request, &server, &outcome);
    }
});

fn check(
    intent: &Intent,
    is_blocked: bool,
    star: AuthorizationStar,
    request: &ScriptRequest,
    server: &Server<'_>,
    outcome: &std::result::Result<Vec<String>, Failure>,
) {
    let method = browser::normalize_method(&request.method);
    let headers: Vec<browser::Header> = request
        .headers
        .iter()
        .filter(|(name, value)| {
            !browser::forbidden_request_header(name, value)
        })
        .map(|(name, value)| (name.clone(), value.trim_ascii().to_vec()))
        .collect();
    let names = browser::unsafe_request_header_names(&headers);
    let needs_preflight = browser::needs_preflight(request);
    let expected = !is_blocked
        && (intent.credentials || !request.credentials)
        && !browser::forbidden_method(&method)
        && (!needs_preflight
            || (intent.allows_method(&method)
                && names.iter().all(|name| intent.allows_header(name))));
    // A "*" that an earlier preflight left in the browser's memory covers
    // what it does not cover when the browser asks: no server can help it.
    let covered_by_memory = outcome.is_ok()
        && needs_preflight
        && server.preflights.is_empty()
        && (method == "*"
            || names.iter().any(|name| {
                name == "*"
                    || (name == "authorization"
                        && star == AuthorizationStar::Lax)
            }));
    if covered_by_memory {
        return;
    }
    assert_eq!(outcome.is_ok(), expected, "{outcome:?}, {request:?}");

    if let Ok(readable) = outcome {
        for name in RESPONSE_HEADERS {
            let read = readable.iter().any(|one| one == name);
            assert_eq!(read, intent.exposes(name), "{name}");
        }
    }
    // The console names what the server refused.
    match (outcome, server.preflights.as_slice()) {
        (
            Err(Failure::Preflight(Fault::Header(name))),
            [(reason, culprit)],
        ) => {
            assert_eq!(*reason, Reason::HeaderNotAllowed, "{request:?}");
            // No list can be sent that refuses these two under "*", and
            // without one the browser names whichever it looks at first.
            let unlisted = intent.headers.contains(&"*")
                && matches!(culprit.as_deref(), Some("*" | "authorization"));
            // The standard has it look at this one before all others.
            let looked_at_first =
                star == AuthorizationStar::Strict && name == "authorization";
            if looked_at_first && !unlisted {
                assert!(!intent.allows_header(name), "{request:?}");
            } else if !unlisted {
                assert_eq!(culprit.as_ref(), Some(name), "{request:?}");
            }
        }
        (Err(Failure::Preflight(Fault::Method)), [(reason, culprit)]) => {
            // A header is named only where the method is the policy's "*".
            if *reason == Reason::MethodNotAllowed {
                assert_eq!(
                    culprit.as_deref(),
                    Some(&*method.to_ascii_lowercase()),
                );
            } else {
                assert_eq!(*reason, Reason::HeaderNotAllowed, "{request:?}");
                assert!(intent.credentials, "{request:?}");
                assert!(intent.methods.contains(&"*"), "{request:?}");
            }
        }
        (
            Err(Failure::Preflight(
                Fault::MethodsMalformed | Fault::HeadersMalformed,
            )),
            _,
        ) => {
            panic!("the browser cannot read the answer: {request:?}")
        }
        _ => {}
    }
}

/// What a host makes of the decisions.
struct Server<'p> {
    policy: &'p Policy,
    /// The reason for each preflight's answer, the culprit in lower case.
    preflights: Vec<(Reason, Option<String>)>,
}

impl Server<'_> {
    fn answer(&mut self, sent: &SentRequest) -> Response {
        let decision = self.policy.evaluate(&Request {
            method: Some(sent.method.as_bytes()),
            origin: Some(sent.origin.as_bytes()),
            request_method: sent.request_method.as_deref().map(str::as_bytes),
            request_headers: sent
                .request_headers
                .as_deref()
                .map(str::as_bytes),
            ..Request::default()
        });
        if matches!(
            decision.verdict,
            Verdict::PreflightAllowed | Verdict::PreflightRefused
        ) {
            let culprit = decision.culprit.map(|culprit| {
                String::from_utf8_lossy(culprit).to_ascii_lowercase()
            });
            self.preflights.push((decision.reason, culprit));
        }
        let mut headers: Vec<browser::Header> = decision
            .headers()
            .map(|header| (header.name.to_owned(), header.value.to_vec()))
            .collect();
        headers.extend(RESPONSE_HEADERS.map(|name| (name.into(), vec![])));
        let status = match decision.status {
            0 => 200,
            status => status,
        };
        Response { status, headers }
    }
}
