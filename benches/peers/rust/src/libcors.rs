// SPDX-License-Identifier: MIT OR Apache-2.0
//! libcors through its Rust API: the decision, and the decision put into the
//! same headers that tower-http puts its own into.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Answer, Command, Request, answer};

pub fn load(path: &str) -> cors::Policy {
    cors::Policy::from_json(&std::fs::read(path).unwrap()).unwrap()
}

pub fn rows(
    command: &Command,
    (policy, load_ms): &(cors::Policy, f64),
    requests: &[Request],
) {
    let requests: Vec<cors::Request> = requests
        .iter()
        .map(|request| cors::Request {
            method: Some(request.method.as_bytes()),
            origin: request.origin.as_ref().map(String::as_bytes),
            request_method: request
                .request_method
                .as_ref()
                .map(String::as_bytes),
            request_headers: request
                .request_headers
                .as_ref()
                .map(String::as_bytes),
        })
        .collect();
    command.row(
        "libcors (Rust)",
        *load_ms,
        requests.len(),
        |i| policy.evaluate(&requests[i]),
        None::<fn(usize) -> cors::Decision<'static>>,
        |_, decision| {
            let headers = decision.headers();
            answer(decision.status, headers.map(|h| (h.name, h.value)))
        },
    );
    command.row(
        "libcors (Rust, HeaderMap)",
        *load_ms,
        requests.len(),
        |i| {
            let decision = policy.evaluate(&requests[i]);
            let mut response = http::Response::new(());
            if decision.status != 0 {
                *response.status_mut() =
                    http::StatusCode::from_u16(decision.status).unwrap();
            }
            for header in decision.headers() {
                response.headers_mut().append(
                    HeaderName::from_static(header.name),
                    HeaderValue::from_bytes(header.value).unwrap(),
                );
            }
            response
        },
        Some(|_| http::Response::new(())),
        |_, response| read_response(response.status(), response.headers()),
    );
}

pub fn read_response(status: http::StatusCode, headers: &HeaderMap) -> Answer {
    let headers = headers.iter();
    answer(status.as_u16(), headers.map(|(n, v)| (n.as_str(), v.as_bytes())))
}
