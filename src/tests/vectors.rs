//! The shared vectors, through the Rust API. `bindings/c/vectors.c` reads the
//! same files.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::decide::{Outcome, decide};
use super::places::Places;
use crate::{Policy, Request, Rule, Severity, is_forbidden_request_header};

#[test]
fn rust_decides_as_the_vectors_say() {
    let mut failures = Vec::new();
    for_each_case(|policy, name, request, expected| {
        let loaded = load(policy);
        let request = request.as_rust();
        let actual = Outcome::of(&loaded.evaluate(&request));
        if actual != expected {
            failures.push(format!(
                "{name}\n  expected {expected:?}\n  actual   {actual:?}"
            ));
        }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// So a vector is wrong, or the oracle, or both say the same.
#[test]
fn the_oracle_decides_as_the_vectors_say() {
    let mut failures = Vec::new();
    for_each_case(|policy, name, request, expected| {
        let actual = decide(policy, &request.as_rust());
        if actual != expected {
            failures.push(format!(
                "{name}\n  expected {expected:?}\n  actual   {actual:?}"
            ));
        }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn there_are_enough_cases_and_each_has_a_name_of_its_own() {
    let (mut names, mut count) = (HashSet::new(), 0);
    for_each_case(|_, name, _, _| {
        count += 1;
        assert!(names.insert(name.to_owned()), "two cases are called {name}");
    });
    assert!(count >= 300, "{count}");
    let policies = array(&read("policies.json")["cases"]).len();
    let text =
        include_str!("../../DESIGN.md").replace(char::is_whitespace, " ");
    let [count, policies] = [count, policies]
        .map(|count| format!("{},{:03}", count / 1000, count % 1000));
    let said = format!("{count} decisions and {policies} policies");
    assert!(text.contains(&said), "DESIGN.md does not say: {said}");
}

#[test]
fn policies_are_refused_and_warned_of_as_the_vectors_say() {
    // As text: a parsed object would forget the order of its keys.
    let text = read_text("policies.json");
    let file: HashMap<&str, &RawValue> = parse(&text);
    let mut failures = Vec::new();
    for case in parse::<Vec<&RawValue>>(file["cases"].get()) {
        let texts: HashMap<&str, &RawValue> = parse(case.get());
        let case: Value = parse(case.get());
        let name = string(&case["name"]);
        let json = match case.get("policy_text") {
            Some(json) => string(json),
            None => texts["policy"].get().to_owned(),
        };
        let loaded = Policy::from_json(json.as_bytes());
        let diagnostics = match &loaded {
            Ok(policy) => policy.warnings(),
            Err(error) => error.diagnostics(),
        };
        let actual: Vec<[&str; 3]> = diagnostics
            .iter()
            .map(|d| [severity(d.severity), d.code.name(), &d.pointer])
            .collect();
        let expected: Vec<[&str; 3]> = array(&case["diagnostics"])
            .iter()
            .map(|d| {
                ["severity", "code", "pointer"]
                    .map(|key| d[key].as_str().unwrap_or_default())
            })
            .collect();
        let refused = expected.iter().any(|d| d[0] == "error");
        if actual != expected || loaded.is_err() != refused {
            failures.push(format!(
                "{name}\n  expected {expected:?}\n  actual   {actual:?}"
            ));
            continue;
        }
        if let Ok(policy) = &loaded {
            let file: Value = parse(json.trim_start_matches('\u{feff}'));
            let rules = file.get("rules").map(array);
            let rules =
                rules.map_or(std::slice::from_ref(&file), Vec::as_slice);
            let expected: Vec<_> = rules.iter().map(of_file).collect();
            let actual: Vec<_> = policy.rules().map(of_rule).collect();
            assert_eq!(actual, expected, "{name}");
            let status = policy.preflight_status();
            let expected = file.get("preflight_status");
            assert_eq!(expected.unwrap_or(&204.into()), &status, "{name}");
            let timing: BTreeSet<_> = policy.timing_allow_origins().collect();
            let expected = file.get("timing_allow_origins").map(array);
            let expected = expected.into_iter().flatten();
            let expected =
                expected.map(|one| one.as_str().unwrap_or_default());
            assert_eq!(timing, expected.collect(), "{name}");
        }
        let is_json = !actual.iter().any(|d| d[1] == "json-syntax");
        let places = is_json.then(|| Places::of(&json));
        for (diagnostic, expected) in
            diagnostics.iter().zip(array(&case["diagnostics"]))
        {
            let code = expected["code"].as_str().unwrap_or_default();
            let place = (diagnostic.line, diagnostic.column);
            if let Some(places) = &places
                && place != places.find(code, &diagnostic.pointer)
            {
                failures.push(format!("{name}\n  {code} at {place:?}"));
            }
            let help = diagnostic.help.as_deref().unwrap_or_default();
            let wanted = expected["help"].as_str().unwrap_or_default();
            if !help.contains(wanted) {
                failures.push(format!("{name}\n  help is {help:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Trusting an origin with a session's cookies and trusting its forms are the
/// same question, so it has the same answer, whatever else a policy says.
#[test]
fn block_is_as_strict_about_origins_as_credentials_are() {
    let told = |policy: &Value| -> Vec<(&str, &str, String)> {
        let loaded = Policy::from_json(policy.to_string().as_bytes());
        let diagnostics = match &loaded {
            Ok(policy) => policy.warnings(),
            Err(error) => error.diagnostics(),
        };
        diagnostics
            .iter()
            .map(|d| (severity(d.severity), d.code.name(), d.pointer.clone()))
            .filter(|(_, code, _)| ABOUT_TRUST.contains(code))
            .collect()
    };
    let mut seen = BTreeSet::new();
    for case in array(&read("policies.json")["cases"]) {
        let policy = &case["policy"];
        let many = array(&case["diagnostics"]).len() > 50;
        if !policy.is_object() || many {
            continue;
        }
        let (mut shared, mut blocks) = (policy.clone(), policy.clone());
        let set = |policy: &mut Value, credentials: bool| {
            let rules = match policy.get_mut("rules") {
                Some(rules) => rules.as_array_mut().into_iter().flatten(),
                None => {
                    return policy["allow_credentials"] = credentials.into();
                }
            };
            for rule in rules.filter(|rule| rule.is_object()) {
                rule["allow_credentials"] = credentials.into();
            }
        };
        set(&mut shared, true);
        shared["block"] = Value::Array(vec![]);
        set(&mut blocks, false);
        for kind in ["unsafe_methods", "websockets"] {
            blocks["block"] = vec![kind].into();
            let (shared, blocks) = (told(&shared), told(&blocks));
            assert_eq!(blocks, shared, "{policy}");
            seen.extend(blocks.iter().map(|&(_, code, _)| code.to_owned()));
        }
    }
    assert_eq!(seen, ABOUT_TRUST.map(str::to_owned).into());
}

/// The members of `dangerously_allow`, but for `null_origin`, permit these.
const ABOUT_TRUST: [&str; 5] = [
    "origin-any-host",
    "origin-insecure",
    "origin-loopback",
    "origin-public-range",
    "origin-public-suffix",
];

/// What a rule's accessors return: the lists of origins, methods and header
/// names, sorted, then the rest.
fn of_rule(rule: Rule<'_>) -> (Vec<Vec<String>>, [Value; 2]) {
    let sorted = |list: Vec<&str>| {
        let mut list: Vec<String> = list.iter().map(|&s| s.into()).collect();
        list.sort();
        list
    };
    let lists = vec![
        sorted(rule.allow_origins().collect()),
        sorted(rule.allow_methods().collect()),
        sorted(rule.allow_headers().collect()),
        sorted(rule.expose_headers().collect()),
    ];
    let rest = [rule.allow_credentials().into(), rule.max_age().into()];
    (lists, rest)
}

/// The same, read from a file that loads, or from one of its rules.
fn of_file(file: &Value) -> (Vec<Vec<String>>, [Value; 2]) {
    let list = |key: &str| -> Vec<String> {
        let list = file.get(key).map(array).into_iter().flatten();
        list.map(string).collect()
    };
    let unique = |names: Vec<String>| -> Vec<String> {
        let names: BTreeSet<_> = names.into_iter().collect();
        names.into_iter().collect()
    };
    let lower = |key: &str| {
        unique(list(key).iter().map(|n| n.to_ascii_lowercase()).collect())
    };
    // Browsers never ask for these, so the policy drops them.
    let mut headers = lower("allow_headers");
    headers.retain(|name| !is_forbidden_request_header(name.as_bytes()));
    let mut origins = list("allow_origins");
    // A repeated pattern stays; null is one bit.
    let nulls = origins.iter().filter(|origin| *origin == "null").count();
    origins.retain(|origin| origin != "null");
    origins.extend((nulls > 0).then(|| "null".into()));
    origins.sort();
    let mut methods = list("allow_methods");
    if methods != ["*"] {
        methods.extend(["GET", "HEAD", "POST"].map(String::from));
    }
    let lists =
        vec![origins, unique(methods), headers, lower("expose_headers")];
    let or =
        |key: &str, default: Value| file.get(key).cloned().unwrap_or(default);
    let rest =
        [or("allow_credentials", false.into()), or("max_age", Value::Null)];
    (lists, rest)
}

/// Calls `each` with the policy, name, request and expected outcome of every
/// case in every file of decisions.
fn for_each_case(mut each: impl FnMut(&Value, &str, &OwnedRequest, Outcome)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut files: Vec<String> = fs::read_dir(folder)
        .expect("the vectors are there")
        .map(|file| file.expect("it can be listed").file_name())
        .map(|name| name.into_string().expect("names are ASCII"))
        .filter(|name| name.ends_with(".json"))
        .filter(|name| name != "wpt.json" && name != "policies.json")
        .collect();
    files.sort();
    for file in &files {
        for group in array(&read(file)["groups"]) {
            for case in array(&group["cases"]) {
                let expect = &case["expect"];
                let expected = Outcome {
                    verdict: string(&expect["verdict"]),
                    reason: string(&expect["reason"]),
                    status: expect["status"].as_u64().expect("a status"),
                    headers: array(&expect["headers"])
                        .iter()
                        .map(|pair| (string(&pair[0]), string(&pair[1])))
                        .collect(),
                    culprit: optional(&expect["culprit"]),
                    pattern: optional(&expect["pattern"]),
                };
                let request = OwnedRequest::of(&case["request"]);
                let name = format!("{file}: {}", string(&case["name"]));
                each(&group["policy"], &name, &request, expected);
            }
        }
    }
}

/// A request that owns its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnedRequest {
    pub(super) method: Option<Vec<u8>>,
    pub(super) origin: Option<Vec<u8>>,
    pub(super) request_method: Option<Vec<u8>>,
    pub(super) request_headers: Option<Vec<u8>>,
    pub(super) host: Option<Vec<u8>>,
    pub(super) fetch_site: Option<Vec<u8>>,
    pub(super) upgrade: Option<Vec<u8>>,
    pub(super) scheme: Option<Vec<u8>>,
}

impl OwnedRequest {
    fn of(request: &Value) -> Self {
        let members = request.as_object().expect("a request is an object");
        let mut owned = Self::default();
        for (key, value) in members {
            let member = match key.as_str() {
                "method" => &mut owned.method,
                "origin" => &mut owned.origin,
                "request_method" => &mut owned.request_method,
                "request_headers" => &mut owned.request_headers,
                "host" => &mut owned.host,
                "fetch_site" => &mut owned.fetch_site,
                "upgrade" => &mut owned.upgrade,
                "scheme" => &mut owned.scheme,
                _ => panic!("a request has no {key}: {request}"),
            };
            *member = Some(string(value).into_bytes());
        }
        owned
    }

    pub(super) fn as_rust(&self) -> Request<'_> {
        Request {
            method: self.method.as_deref(),
            origin: self.origin.as_deref(),
            request_method: self.request_method.as_deref(),
            request_headers: self.request_headers.as_deref(),
            host: self.host.as_deref(),
            fetch_site: self.fetch_site.as_deref(),
            upgrade: self.upgrade.as_deref(),
            scheme: self.scheme.as_deref(),
        }
    }
}

fn load(policy: &Value) -> Policy {
    Policy::from_json(policy.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{policy}: {error}"))
}

fn read(name: &str) -> Value {
    parse(&read_text(name))
}

fn read_text(name: &str) -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    fs::read_to_string(path).expect("the vectors are there")
}

fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> T {
    serde_json::from_str(text).expect("the vectors are JSON of this form")
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("not an array: {value}"))
}

fn string(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
