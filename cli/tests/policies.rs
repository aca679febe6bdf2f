//! Every policy of the vectors, through `cors check` and `cors schema`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

#[test]
fn check_reports_what_the_vectors_say() {
    for (name, policy, expected) in policies() {
        for format in ["text", "json"] {
            let (status, text) = check(&policy, format);
            let refused = expected.iter().any(|d| d["severity"] == "error");
            assert_eq!(status, i32::from(refused), "{name}: {text}");
            if format == "text" {
                for diagnostic in &expected {
                    let severity = diagnostic["severity"].as_str().unwrap();
                    let code = diagnostic["code"].as_str().unwrap();
                    let title = format!("{severity}[{code}]: ");
                    assert!(text.contains(&title), "{name}: {text}");
                }
                continue;
            }
            let report: Value = serde_json::from_str(&text).expect("JSON");
            let file = &report["files"][0];
            assert_eq!(file["loads"], json!(!refused), "{name}");
            let keys = ["severity", "code", "pointer"];
            // Reading the vectors has lost the file's order.
            let short = |diagnostics: &[Value]| -> Vec<String> {
                let all = diagnostics.iter();
                let mut all: Vec<String> = all
                    .map(|d| json!(keys.map(|key| d[key].clone())).to_string())
                    .collect();
                all.sort();
                all
            };
            let found = file["diagnostics"].as_array().expect("an array");
            assert_eq!(short(found), short(&expected), "{name}");
        }
    }
}

#[test]
fn the_schema_takes_every_policy_that_loads() {
    let schema = schema();
    let mut count = 0;
    for (name, policy, expected) in policies() {
        if expected.iter().all(|d| d["severity"] != "error") {
            let text = String::from_utf8(policy).expect("UTF-8");
            let text = text.trim_start_matches('\u{feff}');
            let value = serde_json::from_str(text).expect("JSON");
            let errors: Vec<String> = schema
                .iter_errors(&value)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn the_schema_refuses_every_fault_of_form() {
    // What the others are faults of, only the library knows.
    let of_form = [
        "wrong-type",
        "unknown-key",
        "missing-key",
        "origins-empty",
        "origin-empty",
        "max-age-range",
        "preflight-status",
        "method-malformed",
        "header-malformed",
    ];
    let schema = schema();
    let mut seen = std::collections::BTreeSet::new();
    for (name, policy, expected) in policies() {
        let Ok(value) = serde_json::from_slice::<Value>(&policy) else {
            continue;
        };
        for diagnostic in expected {
            let code = diagnostic["code"].as_str().unwrap().to_owned();
            if of_form.contains(&code.as_str()) {
                // To JSON Schema 600.0 is a whole number.
                let fraction = String::from_utf8_lossy(&policy).contains(".0");
                assert!(!schema.is_valid(&value) || fraction, "{name}");
                seen.insert(code);
            }
        }
    }
    assert_eq!(seen.len(), of_form.len(), "{seen:?}");
}

fn schema() -> jsonschema::Validator {
    let output = cors().arg("schema").output().expect("it runs");
    assert!(output.status.success());
    let schema = serde_json::from_slice(&output.stdout).expect("JSON");
    jsonschema::meta::validate(&schema).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Each policy of the vectors: its name, its text, its diagnostics.
fn policies() -> Vec<(String, Vec<u8>, Vec<Value>)> {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/policies.json");
    let vectors = std::fs::read(path).expect("the vectors are there");
    let vectors: Value = serde_json::from_slice(&vectors).expect("JSON");
    let cases = vectors["cases"].as_array().expect("cases").iter();
    cases
        .map(|case| {
            let policy = match case["policy_text"].as_str() {
                Some(text) => text.to_owned(),
                None => case["policy"].to_string(),
            };
            (
                case["name"].as_str().expect("a name").to_owned(),
                policy.into_bytes(),
                case["diagnostics"].as_array().expect("diagnostics").clone(),
            )
        })
        .collect()
}

fn check(policy: &[u8], format: &str) -> (i32, String) {
    let mut child = cors()
        .args(["check", "-", "--format", format])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(policy).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    (
        output.status.code().expect("no signal"),
        String::from_utf8(output.stdout).expect("UTF-8"),
    )
}

fn cors() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cors"))
}
