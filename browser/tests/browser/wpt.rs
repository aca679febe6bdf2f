//! The browser against what the web platform tests say.
//!
//! `vectors/wpt.json` has the facts, `vectors/wpt.LICENSE.md` their licence.

use browser::{
    AuthorizationStar, Browser, Failure, Header, Response, ScriptRequest,
    cors_check, exposed, needs_preflight, preflight_headers,
};
use serde_json::Value;

use super::{ORIGIN, header};

/// Facts that the standard says otherwise about today, with what it says.
const OUTDATED: [(&str, &str); 2] = [
    (
        "CORS filter on Content-Length",
        "Content-Length became a CORS-safelisted response-header name, so \
         scripts can read it",
    ),
    (
        "CORS succeeds with credentials:True; method get (allowed ''); header \
         None (allowed '*')",
        "get is normalized to GET and has no headers, so there is no \
         preflight: the fact's phase is wrong, its verdict is right",
    ),
];

#[test]
fn every_fact_is_of_a_known_kind() {
    let facts = facts();
    let counts = [
        ("browser_check", 170),
        ("needs_preflight", 24),
        ("exposed_headers", 21),
        ("acrh_from_browser", 1),
    ];
    for (kind, count) in counts {
        assert_eq!(of_kind(&facts, kind).len(), count, "{kind}");
    }
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(facts.len(), all);
}

#[test]
fn outdated_facts_are_there_once_and_still_outdated() {
    let facts = facts();
    for (name, reason) in OUTDATED {
        let named: Vec<&Value> =
            facts.iter().filter(|fact| name_of(fact) == name).collect();
        assert_eq!(named.len(), 1, "{name}");
        assert!(
            disagreement(named[0]).is_some(),
            "{name}: no longer outdated ({reason})"
        );
    }
}

#[test]
fn the_facts_that_call_themselves_outdated_are_listed() {
    for fact in facts() {
        let note = fact["note"].as_str().unwrap_or("");
        if note.contains("old version") || note.contains("outdated") {
            assert!(outdated(&fact), "{}: {note}", name_of(&fact));
        }
    }
}

#[test]
fn the_verdict_of_an_outdated_phase_holds() {
    let facts = facts();
    let (name, _) = OUTDATED[1];
    let fact = facts.iter().find(|fact| name_of(fact) == name).unwrap();
    let (passed, phase) = fetched(fact, AuthorizationStar::Strict);
    assert_eq!((passed, phase), (true, "actual"));
}

#[test]
fn browser_check_facts() {
    agrees_on("browser_check");
}

#[test]
fn needs_preflight_facts() {
    agrees_on("needs_preflight");
}

#[test]
fn exposed_headers_facts() {
    agrees_on("exposed_headers");
}

#[test]
fn acrh_from_browser_facts() {
    agrees_on("acrh_from_browser");
}

/// Asserts that the model says what all facts of a kind say, the outdated
/// ones aside; all failures are shown at once.
fn agrees_on(kind: &str) {
    let facts = facts();
    let facts = of_kind(&facts, kind);
    assert!(!facts.is_empty(), "no facts of kind {kind}");
    let failures: Vec<String> = facts
        .into_iter()
        .filter(|fact| !outdated(fact))
        .filter_map(|fact| {
            let difference = disagreement(fact)?;
            Some(format!(
                "{}\n  {}: {difference}",
                source(fact),
                name_of(fact)
            ))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What the model says and the fact does not.
fn disagreement(fact: &Value) -> Option<String> {
    let expected = &fact["expect"];
    match fact["kind"].as_str() {
        Some("browser_check") => {
            let verdict = expected["verdict"].as_str().expect("a verdict");
            let phase = expected["phase"].as_str().expect("a phase");
            let expected = (verdict == "pass", phase);
            // No fact is about Authorization, so both browsers agree.
            [AuthorizationStar::Strict, AuthorizationStar::Lax]
                .into_iter()
                .map(|star| fetched(fact, star))
                .find(|found| *found != expected)
                .map(|found| format!("{found:?} instead of {expected:?}"))
        }
        Some("needs_preflight") => {
            let expected = expected["needs_preflight"].as_bool();
            let found = needs_preflight(&request_of(fact));
            (Some(found) != expected).then(|| found.to_string())
        }
        Some("exposed_headers") => {
            let visible = expected["visible"].as_object().expect("names");
            let mut headers = headers_of(&fact["response"]);
            headers.extend(headers_of(&fact["other_response_headers"]));
            let request = request_of(fact);
            assert_eq!(
                cors_check(&request, &headers),
                Ok(()),
                "{}",
                name_of(fact)
            );
            let readable = exposed(&headers, request.credentials);
            visible
                .iter()
                .find(|(name, visible)| {
                    visible.as_bool() != Some(readable.contains(name))
                })
                .map(|(name, _)| format!("{name}, in {readable:?}"))
        }
        Some("acrh_from_browser") => {
            let list = expected["acrh"].as_str().expect("a list");
            let found = preflight_headers(&request_of(fact));
            let expected = Some(("GET".to_owned(), Some(list.to_owned())));
            (found != expected).then(|| format!("{found:?}"))
        }
        kind => panic!("unknown kind {kind:?}"),
    }
}

/// Fetches from a server that gives the fact's answer each time. Returns
/// whether the script can read it, and the phase that decided: a preflight
/// where there is one, even if what follows it passes too.
fn fetched(fact: &Value, star: AuthorizationStar) -> (bool, &'static str) {
    let status = fact["response"]["status"].as_u64().unwrap_or(200);
    let answer = Response {
        status: u16::try_from(status).expect("a status"),
        headers: headers_of(&fact["response"]),
    };
    let mut phase = "actual";
    let result = Browser::new(star).fetch(&request_of(fact), |sent| {
        if sent.request_method.is_some() {
            phase = "preflight";
        }
        answer.clone()
    });
    // A preflight that passes is not followed by a failure here.
    if phase == "preflight" {
        assert!(
            !matches!(result, Err(Failure::Response(_))),
            "{}",
            name_of(fact)
        );
    }
    (result.is_ok(), phase)
}

fn facts() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/wpt.json");
    let text = std::fs::read(path).expect("vectors/wpt.json can be read");
    let mut document: Value =
        serde_json::from_slice(&text).expect("vectors/wpt.json is JSON");
    match document["cases"].take() {
        Value::Array(facts) => facts,
        other => panic!("cases is {other}"),
    }
}

fn of_kind<'a>(facts: &'a [Value], kind: &str) -> Vec<&'a Value> {
    facts.iter().filter(|fact| fact["kind"] == kind).collect()
}

fn outdated(fact: &Value) -> bool {
    OUTDATED.iter().any(|(name, _)| *name == name_of(fact))
}

fn name_of(fact: &Value) -> &str {
    fact["name"].as_str().expect("a name")
}

fn source(fact: &Value) -> &str {
    fact["source"].as_str().expect("a source")
}

fn request_of(fact: &Value) -> ScriptRequest {
    let request = &fact["request"];
    let text = |key: &str| request[key].as_str();
    ScriptRequest {
        origin: text("origin").unwrap_or(ORIGIN).to_owned(),
        method: text("method").unwrap_or("GET").to_owned(),
        headers: headers_of(&request["headers"]),
        credentials: text("credentials") == Some("include"),
        use_cors_preflight: false,
    }
}

/// Headers as the facts write them: an object whose values are strings or
/// lists of lines, or a list of names alone, where the test gives each the
/// value `allowedOrRefused`.
fn headers_of(value: &Value) -> Vec<Header> {
    let mut headers = Vec::new();
    match value {
        Value::Null => {}
        Value::Array(names) => {
            for name in names {
                let name = name.as_str().expect("a name");
                headers.push(header(name, "allowedOrRefused"));
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(line) => headers.push(header(name, line)),
                    Value::Array(lines) => {
                        for line in lines {
                            let line = line.as_str().expect("a line");
                            headers.push(header(name, line));
                        }
                    }
                    Value::Number(_) if name == "status" => {}
                    other => panic!("{name} is {other}"),
                }
            }
        }
        other => panic!("headers are {other}"),
    }
    headers
}
