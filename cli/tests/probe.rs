//! `cors probe` against real servers on the loopback interface.

mod server;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

use serde_json::Value;
use server::{Request, Server, answer, listen};

const APP: &str = "http://app.example.com";

/// A server that does it right for [`APP`], but for what `change` does to the
/// headers of its answer and to the status.
fn good_server(
    change: impl Fn(&Request, &mut u16, &mut Vec<(String, String)>)
    + Send
    + Sync
    + 'static,
) -> Server {
    Server::start(move |request| {
        let mut headers = vec![("Vary".to_owned(), "Origin".to_owned())];
        let mut add = |name: &str, value: &str| {
            headers.push((name.to_owned(), value.to_owned()));
        };
        let preflight = request.method == "OPTIONS";
        if request.header("origin") == Some(APP) {
            add("Access-Control-Allow-Origin", APP);
            add("Access-Control-Allow-Credentials", "true");
            if preflight {
                add("Access-Control-Allow-Methods", "PUT");
                add("Access-Control-Allow-Headers", "content-type,x-a");
            } else {
                add("Content-Type", "application/json");
                add("Access-Control-Expose-Headers", "x-total");
                add("X-Total", "3");
                add("X-Secret", "4");
            }
        }
        let mut status = if preflight { 204 } else { 200 };
        change(request, &mut status, &mut headers);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        answer(status, &headers)
    })
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: Option<&str>) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    if let Some(value) = value {
        headers.push((name.to_owned(), value.to_owned()));
    }
}

#[test]
fn a_good_server_is_allowed_without_a_word() {
    let server = good_server(|_, _, _| {});
    let report = probe(&server, 0, &["--credentials"]);
    assert_eq!(codes(&report), [""; 0]);
    assert_eq!(report["verdict"], "allowed");
    assert_eq!(report["console"], Value::Null);
    assert_eq!(
        report["notes"][0],
        "The script can read these headers: content-length, content-type, \
         x-total."
    );
    assert_eq!(
        report["notes"][1],
        "It cannot read these, which Access-Control-Expose-Headers does not \
         name: x-secret."
    );
    // The request, and the stranger's.
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("origin"), Some(APP));
    assert_eq!(requests[0].method, "GET");
    assert_eq!(
        requests[1].header("origin"),
        Some("https://cors-probe.invalid")
    );
}

#[test]
fn what_a_browser_sends_is_sent() {
    let server = good_server(|_, _, _| {});
    let arguments = [
        "--method",
        "put",
        "--header",
        "X-A: b",
        "--header",
        "Content-Type: application/json",
        "--header",
        "Cookie: not=sent",
    ];
    let report = probe(&server, 0, &arguments);
    assert_eq!(codes(&report), [""; 0]);
    let requests = server.requests();
    let methods: Vec<&str> =
        requests.iter().map(|r| r.method.as_str()).collect();
    assert_eq!(methods, ["OPTIONS", "PUT", "OPTIONS"]);
    let [preflight, actual, _] = requests.as_slice() else { unreachable!() };
    assert_eq!(preflight.header("access-control-request-method"), Some("PUT"));
    assert_eq!(
        preflight.header("access-control-request-headers"),
        Some("content-type,x-a")
    );
    assert_eq!(preflight.header("x-a"), None);
    assert_eq!(actual.header("x-a"), Some("b"));
    assert_eq!(actual.header("content-type"), Some("application/json"));
    assert_eq!(actual.header("cookie"), None);
}

/// <https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch>:
/// without a body, POST and PUT have a length of 0. Nothing is ever sent in
/// chunks: not every server takes them.
#[test]
fn a_request_without_a_body_says_so_as_browsers_do() {
    for (method, expected) in [
        ("GET", None),
        ("HEAD", None),
        ("POST", Some("0")),
        ("post", Some("0")),
        ("PUT", Some("0")),
        ("put", Some("0")),
        ("DELETE", None),
        ("OPTIONS", None),
        ("QUERY", None),
        ("patch", None),
        ("PROPFIND", None),
        // Browsers send none; the client that sends this one cannot do
        // without, and it means the same.
        ("PATCH", Some("0")),
    ] {
        let server = good_server(|request, _, headers| {
            if request.method == "OPTIONS" {
                set(headers, METHODS, Some("*"));
            }
        });
        probe(&server, 0, &["--method", method]);
        let requests = server.requests();
        let actual = requests
            .iter()
            .find(|r| r.header("access-control-request-method").is_none())
            .expect("it was sent");
        assert!(actual.method.eq_ignore_ascii_case(method));
        for request in &requests {
            assert_eq!(request.header("transfer-encoding"), None, "{method}");
            let preflight =
                request.header("access-control-request-method").is_some();
            assert_eq!(
                request.header("content-length"),
                expected.filter(|_| !preflight),
                "{method}: {request:?}"
            );
        }
    }
}

/// Servers close connections that are idle whenever they like, and a browser
/// then asks again on another one.
#[test]
fn a_connection_that_the_server_closes_between_requests_is_no_fault() {
    let (listener, address) = listen();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let headers = [
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Allow-Methods", "PUT"),
                ("Keep-Alive", "timeout=5"),
            ];
            let _ = stream.write_all(&answer(200, &headers));
            // Long enough for the next request to be sent on it, if it is.
            thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let url = format!("http://{address}/");
    let output = cors(&url, APP, &["--method", "PUT"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn no_request_follows_a_preflight_that_fails_or_stands_alone() {
    let server = good_server(|_, _, _| {});
    probe(&server, 1, &["--method", "DELETE"]);
    probe(&server, 0, &["--method", "PUT", "--preflight-only"]);
    let simple = probe(&server, 0, &["--preflight-only"]);
    assert_eq!(
        simple["notes"][0],
        "A browser sends no preflight for this request."
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 4, "{requests:?}");
    assert!(requests.iter().all(|request| request.method == "OPTIONS"));
}

/// What is changed, by status and headers; the arguments; the codes expected.
type Fault<'f> = (
    Option<u16>,
    &'f [(&'f str, Option<&'f str>)],
    &'f [&'f str],
    &'f [&'f str],
);

const ORIGIN: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";
const METHODS: &str = "access-control-allow-methods";
const HEADERS: &str = "access-control-allow-headers";

#[test]
fn each_fault_has_its_name() {
    let put: &[&str] = &["--method", "PUT"];
    let put_credentials: &[&str] = &["--method", "PUT", "--credentials"];
    let credentials: &[&str] = &["--credentials"];
    let header: &[&str] = &["--header", "x-a: b"];
    let authorization: &[&str] = &["--header", "authorization: b"];
    let faults: &[Fault<'_>] = &[
        (None, &[(ORIGIN, None)], &[], &["allow-origin-missing"]),
        (
            None,
            &[(ORIGIN, Some("http://app.example.com, *"))],
            &[],
            &["allow-origin-doubled"],
        ),
        (
            None,
            &[(ORIGIN, Some("http://app.example.com/"))],
            &[],
            &["allow-origin-other"],
        ),
        (None, &[(ORIGIN, Some("true"))], &[], &["allow-origin-other"]),
        (
            None,
            &[(ORIGIN, Some("*"))],
            credentials,
            &["allow-origin-any-credentials", "allow-credentials-useless"],
        ),
        (
            None,
            &[(CREDENTIALS, Some("True"))],
            credentials,
            &["allow-credentials-missing"],
        ),
        (
            None,
            &[(CREDENTIALS, None)],
            put_credentials,
            &["allow-credentials-missing"],
        ),
        (
            Some(401),
            &[(ORIGIN, None)],
            put,
            &["allow-origin-missing", "preflight-authentication"],
        ),
        (Some(401), &[], put, &["preflight-authentication"]),
        (Some(404), &[], put, &["preflight-status"]),
        (
            Some(403),
            &[(ORIGIN, None)],
            put,
            &["allow-origin-missing", "preflight-status"],
        ),
        (
            Some(301),
            &[("location", Some("/items/"))],
            put,
            &["preflight-redirect"],
        ),
        (None, &[(METHODS, None)], put, &["method-not-allowed"]),
        (None, &[(METHODS, Some("put"))], put, &["method-not-allowed"]),
        (
            None,
            &[(METHODS, Some("*"))],
            put_credentials,
            &["method-not-allowed"],
        ),
        (None, &[(METHODS, Some("PUT;POST"))], put, &["list-malformed"]),
        (None, &[(METHODS, Some("*"))], put, &[]),
        (None, &[(HEADERS, Some("x-b"))], header, &["header-not-allowed"]),
        (None, &[(HEADERS, Some("\"x-a\""))], header, &["list-malformed"]),
        (None, &[(HEADERS, Some("*"))], header, &[]),
        (
            None,
            &[(HEADERS, Some("*"))],
            &["--header", "x-a: b", "--credentials"],
            &["header-not-allowed"],
        ),
        (
            None,
            &[(HEADERS, Some("*"))],
            authorization,
            &["authorization-under-wildcard"],
        ),
        // A status of the application's is no fault of CORS.
        (Some(500), &[], &[], &[]),
    ];
    for &(new_status, changes, arguments, expected) in faults {
        let changes: Vec<(String, Option<String>)> = changes
            .iter()
            .map(|(n, v)| (n.to_string(), v.map(str::to_owned)))
            .collect();
        let server = good_server(move |_, status, headers| {
            *status = new_status.unwrap_or(*status);
            for (name, value) in &changes {
                set(headers, name, value.as_deref());
            }
        });
        let warnings =
            ["allow-credentials-useless", "authorization-under-wildcard"];
        let blocked = expected.iter().any(|code| !warnings.contains(code));
        let report = probe(&server, i32::from(blocked), arguments);
        let mut found = codes(&report);
        found.retain(|code| code != "any-origin-reflected");
        assert_eq!(found, expected, "{arguments:?} {report:#}");
        assert_eq!(report["console"].is_string(), blocked);
    }
}

#[test]
fn warnings_are_given_where_a_browser_is_content() {
    let server = good_server(|_, _, headers| set(headers, "vary", None));
    assert_eq!(codes(&probe(&server, 0, &[])), ["vary-missing"]);

    let reflecting = Server::start(|request| {
        let origin = request.header("origin").unwrap_or_default();
        answer(
            200,
            &[
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Credentials", "true"),
                ("Vary", "Origin"),
            ],
        )
    });
    let report = probe(&reflecting, 0, &[]);
    assert_eq!(codes(&report), ["any-origin-reflected"]);
    assert!(report.to_string().contains("any site can act for its visitors"));
}

/// A cache that does not look at `Vary`, before a server that does not send
/// it.
fn caching_server() -> Server {
    let kept: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    Server::start(move |request| {
        let origin = request.header("origin").unwrap_or_default();
        let mut kept = kept.lock().unwrap();
        if let Some(kept) = &*kept {
            return kept.clone();
        }
        let headers = [("Access-Control-Allow-Origin", origin)];
        let aged = [headers[0], ("Age", "7")];
        *kept = Some(answer(200, &aged));
        answer(200, &headers)
    })
}

#[test]
fn answers_of_a_cache_for_another_origin_are_known() {
    let server = caching_server();
    let report = probe(&server, 0, &[]);
    assert_eq!(codes(&report), ["vary-missing", "cached-for-another-origin"]);

    let server = caching_server();
    probe_from(&server, "http://first.example.com", 0, &[]);
    let report = probe(&server, 1, &[]);
    assert_eq!(codes(&report)[0], "allow-origin-other");
    assert!(report.to_string().contains("it comes from a cache (age: 7)"));
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    let server = good_server(|request, status, headers| {
        if request.target == "/items" {
            *status = 302;
            set(headers, "location", Some("/elsewhere"));
        }
    });
    let report = probe(&server, 2, &[]);
    assert_eq!(report["verdict"], "unknown");
    let note = report["notes"][1].as_str().expect("a note");
    assert!(note.starts_with("The answer is a redirect to \"/elsewhere\""));
    assert!(server.requests().iter().all(|r| r.target == "/items"));
}

#[test]
fn what_is_no_answer_is_told_apart() {
    // The port is taken, so that no other test can listen there meanwhile.
    let (_listener, address) = listen();
    let taken = TcpStream::connect(address).unwrap();
    let closed = format!("http://{}/", taken.local_addr().unwrap());
    assert_failure(&closed, &[], "nothing listens there");
    assert_failure(
        "http://no-such-name.invalid/",
        &[],
        "the name no-such-name.invalid cannot be resolved",
    );

    let (silent, address) = listen();
    let url = format!("http://{address}/");
    assert_failure(&url, &["--timeout", "1"], "no answer within 1 seconds");
    drop(silent);

    let url = raw_server(b"");
    assert_failure(&url, &[], "closes the connection without an answer");
    let url = raw_server(b"SSH-2.0-x\r\n");
    assert_failure(&url, &[], "the answer is not HTTP");
    let url = raw_server(b"SSH-2.0-x\r\n").replace("http:", "https:");
    assert_failure(&url, &[], "TLS: ");
}

#[test]
fn certificates_are_judged() {
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::generate_simple_self_signed(names).unwrap();
    let key = certificate.signing_key.serialize_der();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.cert.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(key).unwrap(),
        )
        .unwrap();
    let (listener, address) = listen();
    thread::spawn(move || serve_tls(&listener, &Arc::new(config)));
    let url = format!("https://localhost:{}/", address.port());

    assert_failure(&url, &[], "TLS: invalid peer certificate");

    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/certificate.pem");
    fs::write(file, certificate.cert.pem()).unwrap();
    let output = cors(&url, "https://app.example.com", &[])
        .env("SSL_CERT_FILE", file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("allowed: "), "{text} {output:?}");
}

fn serve_tls(listener: &TcpListener, config: &Arc<rustls::ServerConfig>) {
    for mut stream in listener.incoming().flatten() {
        let mut tls =
            rustls::ServerConnection::new(Arc::clone(config)).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut stream);
        // Enough for a request without a body; one that is no TLS fails.
        let mut bytes = [0; 4096];
        if std::io::Read::read(&mut stream, &mut bytes).is_ok() {
            let headers = [
                ("Access-Control-Allow-Origin", "*"),
                ("Connection", "close"),
            ];
            let _ = stream.write_all(&answer(200, &headers));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
}

/// A server that says `bytes` and closes.
fn raw_server(bytes: &'static [u8]) -> String {
    let (listener, address) = listen();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // What was sent is read first: closing earlier would reset.
            let mut request = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let _ = stream.write_all(bytes);
        }
    });
    format!("http://{address}/")
}

fn assert_failure(url: &str, arguments: &[&str], words: &str) {
    let output = cors(url, APP, arguments).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(words), "{url}: {text}");
    assert!(output.stdout.is_empty());
}

/// The names of all findings.
fn codes(report: &Value) -> Vec<String> {
    let exchanges = report["exchanges"].as_array().expect("an array");
    let findings = exchanges
        .iter()
        .flat_map(|exchange| exchange["findings"].as_array().expect("one"));
    findings
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect()
}

fn probe(server: &Server, status: i32, arguments: &[&str]) -> Value {
    probe_from(server, APP, status, arguments)
}

fn probe_from(
    server: &Server,
    origin: &str,
    status: i32,
    arguments: &[&str],
) -> Value {
    let url = server.url("/items");
    let output: Output = cors(&url, origin, arguments)
        .args(["--format", "json"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn cors(url: &str, origin: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cors"));
    command.args(["probe", url, "--origin", origin]).args(arguments);
    for variable in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(variable);
        command.env_remove(variable.to_uppercase());
    }
    command
}
