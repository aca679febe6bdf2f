//! The findings and the browser agree.

use super::*;
use crate::fetch::fetch;

const APP: &str = "https://app.example.com";

fn header(name: &str, value: &str) -> Header {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn requests() -> Vec<ScriptRequest> {
    let mut requests = Vec::new();
    for method in ["GET", "put", "patch", "X"] {
        for headers in [
            vec![],
            vec![header("X-A", "b")],
            vec![header("Authorization", "b"), header("X-A", "b")],
        ] {
            for credentials in [false, true] {
                requests.push(ScriptRequest {
                    origin: APP.to_owned(),
                    method: method.to_owned(),
                    headers: headers.clone(),
                    credentials,
                    use_cors_preflight: false,
                });
            }
        }
    }
    requests
}

fn responses() -> Vec<Response> {
    let lists = |name: &str, values: &[&str]| -> Vec<Vec<Header>> {
        let one = |value: &&str| {
            let lines = value.split('\n').filter(|line| *line != "-");
            lines.map(|line| header(name, line)).collect()
        };
        values.iter().map(one).collect()
    };
    let origins = lists(
        "Access-Control-Allow-Origin",
        &[
            "-",
            "*",
            APP,
            " https://app.example.com\t",
            "https://app.example.com\nhttps://app.example.com",
            "*\n*",
            "*, https://app.example.com",
            "",
            "null",
            "https://app.example.com/",
        ],
    );
    let credentials =
        lists("Access-Control-Allow-Credentials", &["-", "true", "True"]);
    let methods = lists(
        "Access-Control-Allow-Methods",
        &["-", "*", "PUT,X", "PATCH\nput", "PUT;X", ""],
    );
    let headers = lists(
        "Access-Control-Allow-Headers",
        &[
            "-",
            "*",
            "x-a",
            "*,authorization",
            "X-A , ,\nAuthorization",
            "\"x-a\"",
        ],
    );
    let mut responses = Vec::new();
    for status in [204, 301, 401] {
        for origin in &origins {
            for credentials in &credentials {
                for methods in &methods {
                    for headers in &headers {
                        let all = [origin, credentials, methods, headers];
                        let headers = all.into_iter().flatten().cloned();
                        let headers = headers.collect();
                        responses.push(Response { status, headers });
                    }
                }
            }
        }
    }
    responses
}

/// The browser stops at the first fault; the findings are about all of them.
#[test]
fn there_is_an_error_if_and_only_if_the_browser_blocks() {
    let responses = responses();
    for request in requests() {
        for response in &responses {
            let fetched =
                fetch(&request, |_| Ok(response.clone())).expect("a response");
            let blocked = fetched.result.is_err();
            let findings = fetched.exchanges.iter().flat_map(|e| &e.findings);
            let mut errors =
                findings.filter(|finding| finding.severity == Severity::Error);
            assert_eq!(
                errors.next().is_some(),
                blocked,
                "{request:?} {response:?} {:?}",
                fetched.result
            );
        }
    }
}
