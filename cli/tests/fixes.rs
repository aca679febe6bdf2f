//! What `cors explain` says to change in a policy helps: the changed policy
//! loads without a new warning, and the script can read the response.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

const APP: &str = "https://app.example.com";
const OTHER: &str = "https://other.example";

#[test]
fn what_explain_says_to_change_allows_the_request() {
    let mut kinds = BTreeMap::<&str, usize>::new();
    for (i, policy) in policies().iter().enumerate() {
        let warnings = check(i, policy).expect("it loads");
        for arguments in requests() {
            let explained = explain(i, policy, &arguments);
            let Some((kind, changed)) = changed(policy, &explained) else {
                continue;
            };
            let what = format!("{policy} {arguments:?} {changed}");
            assert_eq!(explained["outcome"], "blocked", "{what}");
            let explained = explain(i, &changed, &arguments);
            assert_eq!(explained["outcome"], "allowed", "{what}");
            assert!(check(i, &changed).expect(&what) <= warnings, "{what}");
            *kinds.entry(kind).or_default() += 1;
        }
    }
    let all = ["add", "add to a rule", "insert", "insert at the end", "move"];
    assert_eq!(kinds.into_keys().collect::<Vec<_>>(), all);
}

/// A whole file, rules with a public last one, exceptions in the wrong order.
fn policies() -> Vec<Value> {
    let app = json!({
        "allow_origins": [APP],
        "allow_credentials": true,
        "allow_methods": ["PUT"],
        "allow_headers": ["Content-Type"],
    });
    let wildcard = json!({ "allow_origins": ["https://*.example.com"] });
    let any = json!({ "allow_origins": ["*"], "expose_headers": ["ETag"] });
    let put = json!({
        "allow_origins": ["https://**.example.com"],
        "allow_methods": ["PUT"],
        "allow_headers": ["*"],
    });
    let files = [
        app.clone(),
        any.clone(),
        json!({ "rules": [app] }),
        json!({ "rules": [any] }),
        json!({ "rules": [app, any] }),
        json!({ "rules": [wildcard, app] }),
        json!({ "rules": [wildcard, any] }),
        json!({ "rules": [app, put, wildcard] }),
        json!({ "rules": [wildcard, put, any], "preflight_status": 200 }),
    ];
    files.into()
}

fn requests() -> Vec<Vec<&'static str>> {
    let mut requests = Vec::new();
    for origin in [APP, OTHER, "https://a.example.com", "null"] {
        for more in [
            &[][..],
            &["--method", "PUT"],
            &["--method", "PUT", "--header", "Content-Type: text/x"],
            &["--method", "PURGE", "--credentials"],
            &["--credentials"],
        ] {
            requests.push([&["--origin", origin][..], more].concat());
        }
    }
    requests
}

/// The kind of change, and the changed policy.
fn changed(
    policy: &Value,
    explained: &Value,
) -> Option<(&'static str, Value)> {
    let mut policy = policy.clone();
    let place = |number: &Value| number.as_u64().expect("a number") as usize;
    if let Some(missing) = explained["missing"].as_object() {
        let number = &explained["missing_in_rule"];
        let (kind, object) = match number.is_null() {
            true => ("add", &mut policy),
            false => {
                let rule = &mut policy["rules"][place(number) - 1];
                ("add to a rule", rule)
            }
        };
        for (key, value) in missing {
            match value.as_array() {
                Some(names) => {
                    let mut all =
                        object[key].as_array().cloned().unwrap_or_default();
                    all.extend(names.iter().cloned());
                    object[key] = all.into();
                }
                None => object[key] = value.clone(),
            }
        }
        return Some((kind, policy));
    }
    let new_rule = &explained["new_rule"];
    let move_rule = &explained["move_rule"];
    let rules = policy["rules"].as_array_mut();
    if new_rule.is_object() {
        let rules = rules.expect("it has rules");
        let before = &new_rule["before"];
        let (kind, at) = match before.is_null() {
            true => ("insert at the end", rules.len()),
            false => ("insert", place(before) - 1),
        };
        rules.insert(at, new_rule["rule"].clone());
        return Some((kind, policy));
    }
    if move_rule.is_object() {
        let rules = rules.expect("it has rules");
        let rule = rules.remove(place(&move_rule["rule"]) - 1);
        rules.insert(place(&move_rule["before"]) - 1, rule);
        return Some(("move", policy));
    }
    None
}

fn explain(number: usize, policy: &Value, arguments: &[&str]) -> Value {
    let file = write(number, policy);
    let output = Command::new(env!("CARGO_BIN_EXE_cors"))
        .args(["explain", &file, "--format=json"])
        .args(arguments)
        .output()
        .expect("it runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The number of warnings, if the policy loads.
fn check(number: usize, policy: &Value) -> Option<usize> {
    let output = Command::new(env!("CARGO_BIN_EXE_cors"))
        .args(["check", &write(number, policy), "--format=json"])
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let file = &report["files"][0];
    let warnings = file["diagnostics"].as_array().expect("an array").len();
    (file["loads"] == true).then_some(warnings)
}

fn write(number: usize, policy: &Value) -> String {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/fixes");
    std::fs::create_dir_all(folder).expect("it can be made");
    let file = format!("{folder}/{number}.json");
    std::fs::write(&file, policy.to_string()).expect("it can be written");
    file
}
