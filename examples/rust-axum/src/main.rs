// SPDX-License-Identifier: MIT OR Apache-2.0

//! A server all of whose responses a CORS policy governs:
//! `rust-axum POLICY [PORT]`

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::{env, path::Path};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::any;
use cors::{BLOCKED_BODY, Header, Policy, Verdict};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = env::args().collect();
    let (path, port) = match &arguments[1..] {
        [path] => (path, "8080"),
        [path, port] => (path, port.as_str()),
        _ => return Err("usage: rust-axum POLICY [PORT]".into()),
    };
    let policy = Policy::from_file(Path::new(path)).unwrap_or_else(|error| {
        eprintln!("{path}: {error}");
        std::process::exit(1)
    });
    for warning in policy.warnings() {
        eprintln!("{path}: {warning}");
    }

    // The last layer is the outermost: it sees the answers of all others, and
    // of the router itself.
    let application = Router::new()
        .route("/items", any(items))
        .route("/health", any("ok\n"))
        .route(
            "/socket",
            any(async |ws: WebSocketUpgrade| ws.on_upgrade(echo)),
        )
        .route("/secret", any(StatusCode::UNAUTHORIZED))
        .route("/fault", any(StatusCode::INTERNAL_SERVER_ERROR))
        .layer(from_fn_with_state(Arc::new(policy), govern));
    let listener =
        tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, application).await?;
    Ok(())
}

/// An application with CORS headers of its own, none of which gets through.
/// The others do, unless the policy has them. It reads the request's body.
async fn items(_: Bytes) -> impl IntoResponse {
    let headers = [
        ("Access-Control-Allow-Origin", "https://evil.example"),
        ("Access-Control-Allow-Private-Network", "true"),
        ("Timing-Allow-Origin", "https://evil.example"),
        ("TIMING-ALLOW-ORIGIN", "*"),
        ("Vary", "Accept-Encoding, Origin"),
    ];
    (AppendHeaders(headers), "[]\n")
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn govern(
    State(policy): State<Arc<Policy>>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let origin = line(request.headers(), header::ORIGIN);
    let request_method =
        line(request.headers(), header::ACCESS_CONTROL_REQUEST_METHOD);
    let request_headers =
        line(request.headers(), header::ACCESS_CONTROL_REQUEST_HEADERS);
    // With HTTP/2, the host is in the target, and CONNECT with `:protocol`
    // opens a WebSocket: a GET with `Upgrade` for a decision.
    let host = line(request.headers(), header::HOST);
    let fetch_site =
        line(request.headers(), HeaderName::from_static("sec-fetch-site"));
    let upgrade = line(request.headers(), header::UPGRADE);
    let asked = cors::Request {
        method: Some(method.as_str().as_bytes()),
        origin: origin.as_deref(),
        request_method: request_method.as_deref(),
        request_headers: request_headers.as_deref(),
        host: host.as_deref(),
        fetch_site: fetch_site.as_deref(),
        upgrade: upgrade.as_deref(),
        // Unknown: TLS may end at a proxy.
        scheme: None,
    };
    // Without a decision, nothing may reach the application.
    let evaluate = AssertUnwindSafe(|| policy.evaluate(&asked));
    let Ok(decision) = catch_unwind(evaluate) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let (verdict, reason) = (decision.verdict.name(), decision.reason.name());
    eprintln!("decided {verdict} {reason}");
    let mut response = match StatusCode::from_u16(decision.status) {
        Ok(status) if decision.verdict == Verdict::Blocked => {
            let plain = [(header::CONTENT_TYPE, "text/plain")];
            (status, plain, BLOCKED_BODY).into_response()
        }
        Ok(status) => status.into_response(), // a preflight: no body
        Err(_) => {
            eprintln!("reached {method} {}", request.uri().path());
            next.run(request).await
        }
    };
    let headers = response.headers_mut();
    let own: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in own {
        headers.remove(name);
    }
    // Of Vary, only what the response does not list yet.
    let varies = line(headers, header::VARY).unwrap_or_default();
    for Header { name, value } in decision.headers() {
        // The application's own passes if the policy has none.
        if name == "timing-allow-origin" {
            headers.remove(name);
        }
        let values: Vec<_> = match name {
            "vary" => cors::vary_missing(&varies, value).collect(),
            _ => vec![value],
        };
        for value in values {
            let value = HeaderValue::from_bytes(value).expect("visible ASCII");
            headers.append(HeaderName::from_static(name), value);
        }
    }
    response
}

/// The lines of a header, joined with commas.
fn line(headers: &HeaderMap, name: HeaderName) -> Option<Vec<u8>> {
    let mut lines = headers.get_all(name).iter();
    let mut joined = lines.next()?.as_bytes().to_vec();
    for line in lines {
        joined.push(b',');
        joined.extend(line.as_bytes());
    }
    Some(joined.trim_ascii().to_vec())
}
