//! Every policy of the vectors, through `cors check` and `cors schema`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use cors::{KEYS, RULES_MAX, Values};
use serde_json::{Value, json};

#[test]
fn check_reports_what_the_vectors_say() {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/policies");
    fs::create_dir_all(folder).expect("it can be made");
    let policies = policies();
    let files: Vec<String> =
        (0..policies.len()).map(|i| format!("{folder}/{i}.json")).collect();
    for (file, (_, policy, _)) in files.iter().zip(&policies) {
        fs::write(file, policy).expect("it can be written");
    }

    let text = check(&files, "text");
    let report: Value =
        serde_json::from_str(&check(&files, "json")).expect("JSON");
    let reports = report["files"].as_array().expect("an array");
    assert_eq!(reports.len(), policies.len());
    let mut titles = BTreeMap::<String, usize>::new();
    for ((name, _, expected), report) in policies.iter().zip(reports) {
        let refused = expected.iter().any(|d| d["severity"] == "error");
        assert_eq!(report["loads"], json!(!refused), "{name}");
        assert_eq!(report["summary"] == json!([]), refused, "{name}");
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
        let found = report["diagnostics"].as_array().expect("an array");
        assert_eq!(short(found), short(expected), "{name}");
        for diagnostic in expected {
            let severity = diagnostic["severity"].as_str().unwrap();
            let code = diagnostic["code"].as_str().unwrap();
            *titles.entry(format!("{severity}[{code}]: ")).or_default() += 1;
        }
    }
    for (title, count) in titles {
        assert_eq!(text.matches(&title).count(), count, "{title}");
    }
}

#[test]
fn the_schema_accepts_every_policy_that_loads() {
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
fn the_schema_rejects_every_fault_of_form() {
    // The schema cannot express the others.
    let of_form = [
        "wrong-type",
        "unknown-key",
        "missing-key",
        "misplaced-key",
        "rules-empty",
        "origins-empty",
        "origin-empty",
        "max-age-range",
        "preflight-status",
        "method-malformed",
        "header-malformed",
    ];
    let schema = schema();
    let mut seen = BTreeSet::new();
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
    let many = |count| {
        let rule = json!({ "allow_origins": ["https://a.example"] });
        json!({ "rules": vec![rule; count] })
    };
    assert!(schema.is_valid(&many(RULES_MAX)));
    assert!(!schema.is_valid(&many(RULES_MAX + 1)), "rules-too-many");
}

/// A key that is not shown would be missed nowhere else.
#[test]
fn check_and_diff_show_every_key_that_means_something() {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/keys");
    fs::create_dir_all(folder).expect("it can be made");
    let write = |name: &str, policy: &Value| {
        let file = format!("{folder}/{name}.json");
        fs::write(&file, policy.to_string()).expect("it can be written");
        file
    };
    let run = |arguments: &[&str]| {
        let output = cors().args(arguments).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let rule = json!({ "allow_origins": ["https://a.example"] });
    let other = json!({ "allow_origins": ["https://b.example"] });
    let rules = json!({ "rules": [rule, other] });
    let rule_keys = KEYS.iter().find_map(|key| {
        if let Values::Rules(keys) = key.values { Some(keys) } else { None }
    });
    let mut seen = 0;
    for (base, keys, pointer) in [
        (rule, KEYS, ""),
        (rules, rule_keys.expect("a policy can have rules"), "/rules/0"),
    ] {
        let old = write("old", &base);
        let summary = run(&["check", &old]);
        assert!(run(&["diff", &old, &old]).contains("no differences"));
        for key in keys {
            let value = match key.values {
                // Without a meaning of its own.
                Values::Text | Values::Object(_) | Values::Rules(_) => {
                    continue;
                }
                Values::Boolean => json!(true),
                Values::Seconds(max) => json!(max),
                Values::Status([other, _]) => json!(other),
                Values::Origins | Values::ExactOrigins | Values::Patterns => {
                    json!(["https://c.example"])
                }
                Values::Names => json!(["X-A"]),
                Values::Choices(words) => json!(words),
            };
            let mut policy = base.clone();
            let object = policy.pointer_mut(pointer).expect("an object");
            object[key.name()] = value;
            let new = write("new", &policy);
            let changed = run(&["check", &new]).replace("/new", "/old");
            assert_ne!(changed, summary, "{}", key.name());
            let differences = run(&["diff", &old, &new]);
            assert!(!differences.contains("no differences"), "{}", key.name());
            seen += 1;
        }
    }
    assert!(seen > 12, "{seen}");
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
    let vectors = fs::read(path).expect("the vectors are there");
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

fn check(files: &[String], format: &str) -> String {
    let output = cors()
        .args(["check", "--format", format])
        .args(files)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn cors() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cors"))
}

#[test]
fn check_names_what_block_makes_questionable() {
    let file = format!("{}/doubtful.json", env!("CARGO_TARGET_TMPDIR"));
    let run = |policy: Value| {
        fs::write(&file, policy.to_string()).expect("it is written");
        let output = cors().arg("check").arg(&file).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let listed = |credentials| {
        run(json!({
            "allow_origins": ["https://a.example"],
            "allow_credentials": credentials,
            "allow_methods": ["PUT"],
            "block": ["websockets"],
        }))
    };
    assert!(listed(false).contains(
        "the policy lists origins without allow_credentials, but they can send"
    ));
    assert!(!listed(true).contains("allow_credentials"));
    let rules = |block: &str, origin: &str| {
        run(json!({
            "rules": [
                { "allow_origins": ["https://a.example"], "allow_credentials": true },
                { "allow_origins": [origin], "allow_methods": ["PUT", "OPTIONS"] },
            ],
            "block": [block],
        }))
    };
    let doubt = "rule 2 allows PUT, but only the site itself can send";
    assert!(rules("unsafe_methods", "*").contains(doubt));
    assert!(!rules("websockets", "*").contains(doubt));
    let listed = rules("unsafe_methods", "https://b.example");
    assert!(listed.contains("rule 2 lists origins without allow_credentials"));
}
