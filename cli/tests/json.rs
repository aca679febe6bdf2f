//! README.md documents every member of the JSON, and no other.

mod server;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use server::Server;

const README: &str = include_str!("../README.md");

const CHROMIUM: &str = "Access to fetch at 'https://api.example.com/items' \
                        from origin 'https://app.example.com' has been \
                        blocked by CORS policy: Request header field x-a is \
                        not allowed by Access-Control-Allow-Headers in \
                        preflight response.";

const APP: &str = "https://app.example.com";
const NEW: &str = "https://new.example.com";

/// A policy with its rules in the wrong order.
const ORDER: &str = "../tests/cases/order.json";

#[test]
fn check() {
    assert_documented(
        "`check`",
        &[&["check", "cors.json", "rules.json", "wrong.json", "nothing.json"]],
    );
}

#[test]
fn explain_and_probe() {
    let api = Server::start(|_| {
        server::answer(200, &[("Access-Control-Allow-Origin", "null")])
    });
    assert_documented(
        "`explain` and `probe`",
        &[
            &["explain", "cors.json", "--message", CHROMIUM],
            &["explain", "rules.json", "--origin", NEW, "--credentials"],
            &["explain", "rules.json", "--origin", NEW, "--method", "PUT"],
            &["explain", ORDER, "--origin", APP, "--method", "PUT"],
            &["probe", &api.url("/"), "--origin", APP],
            &["probe", &api.url("/"), "--origin", APP, "--form", "--post"],
        ],
    );
}

#[test]
fn diff() {
    assert_documented(
        "`diff`",
        &[
            &["diff", "cors.json", "next.json"],
            &["diff", "rules.json", "next-rules.json"],
            &["diff", ORDER, "rules.json"],
        ],
    );
}

fn assert_documented(heading: &str, runs: &[&[&str]]) {
    let mut found = BTreeSet::new();
    for arguments in runs {
        let output = Command::new(env!("CARGO_BIN_EXE_cors"))
            .args(*arguments)
            .arg("--format=json")
            .current_dir(
                Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"),
            )
            .env("no_proxy", "127.0.0.1")
            .output()
            .expect("it runs");
        let value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
                panic!("{arguments:?}: {error}: {output:?}")
            });
        members(&value, String::new(), &mut found);
    }
    assert_eq!(found, documented(heading), "{heading}");
}

/// Of a value, the paths of all that is not an object. A pair is one member,
/// as is an object whose members are a policy's or a rule's.
fn members(value: &Value, path: String, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object)
            if !["missing", "new_rule.rule"].contains(&path.as_str()) =>
        {
            for (name, value) in object {
                let dot = if path.is_empty() { "" } else { "." };
                members(value, format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(elements) if !path.ends_with("headers[]") => {
            for element in elements {
                members(element, format!("{path}[]"), found);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            found.insert(path);
        }
    }
}

/// What is in the first cells of the section's table.
fn documented(heading: &str) -> BTreeSet<String> {
    let (_, section) = README
        .split_once(&format!("\n### {heading}\n"))
        .expect("the section is there");
    let section = section.split("\n#").next().expect("its text");
    let cells = section.lines().filter_map(|line| {
        line.strip_prefix("| `").and_then(|row| row.split(" | ").next())
    });
    let names = cells.flat_map(|cell| cell.split(", "));
    names.map(|name| name.trim_matches('`').to_owned()).collect()
}
