//! `cors probe` against real servers on the loopback interface.

mod server;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::{fs, thread};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use server::{Request, Server, answer, blocked, listen};

const CORS: &str = env!("CARGO_BIN_EXE_cors");
const APP: &str = "http://app.example.com";

/// A server that does it right for [`APP`], but for what `change` does to the
/// headers of its response and to the status.
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
                add("Timing-Allow-Origin", "*");
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
    assert_eq!(report["outcome"], "allowed");
    assert_eq!(report["console"], Value::Null);
    assert_eq!(
        report["notes"][0],
        "The script can read these headers: content-length, content-type, \
         x-total."
    );
    assert_eq!(
        report["notes"][1],
        "It cannot read these, which Access-Control-Expose-Headers does not \
         list: x-secret."
    );
    // The request, and that of the unrelated origin.
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
    assert!(report.to_string().contains("any site can act as its visitors"));
}

/// Private Network Access used a header; Local Network Access, its successor,
/// uses none.
#[test]
fn what_local_networks_need_is_reported() {
    let server = good_server(|request, _, headers| {
        let origin = request.header("origin").unwrap_or_default();
        set(headers, ORIGIN, Some(origin));
        set(headers, "access-control-allow-private-network", Some("true"));
    });
    let report = probe(&server, 0, &["--method", "PUT"]);
    let superseded = "private-network-superseded";
    assert_eq!(
        codes(&report),
        [superseded, "any-origin-reflected", superseded]
    );

    let notes = |origin: &str| {
        let report = probe_from(&server, origin, 0, &[]);
        report["notes"].to_string()
    };
    let asked = "Chrome 142 and later ask the user before a page from \
                 elsewhere accesses the user's own machine";
    assert!(notes("https://app.example.com").contains(asked));
    assert!(notes("https://192.168.1.5").contains(asked));
    let insecure = "Chrome 142 and later do not let an http page";
    assert!(notes(APP).contains(insecure));
    for origin in [
        "http://localhost:5173",
        "https://app.localhost",
        "http://127.0.0.2",
        "null",
        "chrome-extension://abc",
    ] {
        assert!(!notes(origin).contains("Chrome 142"), "{origin}");
    }
}

#[test]
fn nothing_is_sent_to_a_port_that_browsers_block() {
    for port in [1, 6000, 10080] {
        let url = format!("http://127.0.0.1:{port}/");
        let output =
            cors(&url, APP, &["--format=json"]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            report["summary"],
            format!(
                "browsers never connect to port {port}, so nothing is sent"
            )
        );
        assert_eq!(
            report["console"],
            format!("GET {url} net::ERR_UNSAFE_PORT")
        );
        assert_eq!(report["exchanges"], serde_json::json!([]));
    }
}

/// As Chromium, Firefox and Safari word it, in the URL's place, as an option
/// and from standard input.
#[test]
fn a_message_of_the_console_says_what_to_probe() {
    let server = good_server(|_, _, headers| {
        set(headers, HEADERS, Some("x-other"));
    });
    let url = server.url("/items");
    let chromium = format!(
        "Access to fetch at '{url}' from origin '{APP}' has been blocked by \
         CORS policy: Request header field x-a is not allowed by \
         Access-Control-Allow-Headers in preflight response."
    );
    let firefox = format!(
        "Cross-Origin Request Blocked: The Same Origin Policy disallows \
         reading the remote resource at {url}. (Reason: header \u{2018}x-a\
         \u{2019} is not allowed according to header \u{2018}\
         Access-Control-Allow-Headers\u{2019} from CORS preflight response)."
    );
    let safari = format!(
        "[Error] Request header field X-A is not allowed by \
         Access-Control-Allow-Headers.\n[Error] Fetch API cannot load {url} \
         due to access control checks."
    );
    let origin = format!("--origin={APP}");
    for (browser, arguments, input) in [
        ("Chromium", vec![chromium.as_str()], ""),
        ("Chromium", vec!["--message", &chromium], ""),
        ("Chromium", vec!["--message", "-"], chromium.as_str()),
        ("Firefox", vec![firefox.as_str(), &origin], ""),
        ("Firefox", vec!["--message", &firefox, &origin], ""),
        ("WebKit", vec!["--message", "-", &origin], safari.as_str()),
        ("WebKit", vec![&url, "--message", &safari, &origin], ""),
    ] {
        let mut child = without_proxies(Command::new(CORS))
            .arg("probe")
            .args(&arguments)
            .arg("--format=json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // Not every case reads it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["message"]["browser"], browser);
        assert_eq!(report["message"]["url"], url);
        assert_eq!(report["message"]["code"], "header-not-allowed");
        assert_eq!(codes(&report)[0], "header-not-allowed", "{report:#}");
        let sent = &report["exchanges"][0]["sent"]["headers"];
        assert_eq!(sent[0][1], APP);
        assert_eq!(sent[2][1], "x-a");
    }
    // The server has been mended since.
    let server = good_server(|_, _, _| {});
    let message = chromium.replace(&url, &server.url("/items"));
    let output = without_proxies(Command::new(CORS))
        .args(["probe", &message])
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains(
            "note: The message has another reason: the header x-a is not in \
             Access-Control-Allow-Headers."
        ),
        "{text}"
    );
}

/// A cache that does not look at `Vary`, before a server that does not send
/// it.
fn caching_server() -> Server {
    let cached: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    Server::start(move |request| {
        let origin = request.header("origin").unwrap_or_default();
        let mut cached = cached.lock().unwrap();
        if let Some(cached) = &*cached {
            return cached.clone();
        }
        let headers = [("Access-Control-Allow-Origin", origin)];
        let aged = [headers[0], ("Age", "7")];
        *cached = Some(answer(200, &aged));
        answer(200, &headers)
    })
}

#[test]
fn responses_of_a_cache_for_another_origin_are_recognized() {
    let server = caching_server();
    let report = probe(&server, 0, &[]);
    assert_eq!(codes(&report), ["vary-missing", "cached-for-another-origin"]);

    let server = caching_server();
    probe_from(&server, "http://first.example.com", 0, &[]);
    let report = probe(&server, 1, &[]);
    assert_eq!(codes(&report)[0], "allow-origin-other");
    assert!(report.to_string().contains("for another origin (age: 7)"));
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
    assert_eq!(report["outcome"], "unknown");
    let note = report["notes"][1].as_str().expect("a note");
    assert!(note.starts_with("The response is a redirect to \"/elsewhere\""));
    assert!(server.requests().iter().all(|r| r.target == "/items"));
}

#[test]
fn failures_without_a_response_are_distinguished() {
    // The port is taken, so that no other test can listen there meanwhile.
    let (_listener, address) = listen();
    let taken = TcpStream::connect(address).unwrap();
    let closed = format!("http://{}/", taken.local_addr().unwrap());
    assert_failure(
        &closed,
        &[],
        "connection refused: no server listens there",
    );
    assert_failure(
        "http://no-such-name.invalid/",
        &[],
        "the name no-such-name.invalid cannot be resolved",
    );

    let (silent, address) = listen();
    let url = format!("http://{address}/");
    assert_failure(&url, &["--timeout", "1"], "no response within 1 seconds");
    drop(silent);

    let url = raw_server(b"");
    assert_failure(&url, &[], "closes the connection without a response");
    let url = raw_server(b"SSH-2.0-x\r\n");
    assert_failure(&url, &[], "the response is not HTTP");
}

/// A certificate, its key, and who signed it.
struct Signed {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

/// What `change` does not say is that of a usual certificate.
fn certificate(
    names: &[&str],
    issuer: Option<&rcgen::Issuer<'_, rcgen::KeyPair>>,
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> Signed {
    let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    change(&mut params);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    Signed { certificate: certificate.unwrap(), key }
}

fn authority(name: &str) -> impl FnOnce(&mut rcgen::CertificateParams) {
    move |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
    }
}

/// The URL of a TLS server of the name `localhost`.
fn tls_server(signed: &Signed, clients: Option<&Signed>) -> String {
    let key = PrivateKeyDer::try_from(signed.key.serialize_der()).unwrap();
    tls_server_with(signed.certificate.der().clone(), key, clients)
}

fn tls_server_with(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    clients: Option<&Signed>,
) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.certificate.der().clone()).unwrap();
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                );
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(vec![certificate], key).unwrap();
    let (listener, address) = listen();
    thread::spawn(move || serve_tls(&listener, &Arc::new(config)));
    format!("https://localhost:{}/", address.port())
}

fn pem_file(name: &str, signed: &Signed) -> String {
    let file = format!("{}/{name}.pem", env!("CARGO_TARGET_TMPDIR"));
    fs::write(&file, signed.certificate.pem()).unwrap();
    file
}

fn assert_allowed(url: &str, arguments: &[&str], variable: Option<&str>) {
    let mut command = cors(url, "https://app.example.com", arguments);
    command.envs(variable.map(|file| ("SSL_CERT_FILE", file)));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("allowed: "), "{text} {output:?}");
}

#[test]
fn certificates_are_judged() {
    let own = certificate(&["localhost"], None, |_| {});
    let url = tls_server(&own, None);
    assert_failure(
        &url,
        &[],
        "TLS: the certificate is self-signed, or its issuer is not trusted; \
         use --cacert FILE",
    );
    let file = pem_file("own", &own);
    assert_allowed(&url, &[], Some(&file));
    assert_allowed(&url, &["--cacert", &file], None);
    assert_allowed(&url, &["--insecure"], None);

    let issuer = certificate(&[], None, authority("issuer"));
    let file = pem_file("issuer", &issuer);
    let mut params = rcgen::CertificateParams::default();
    authority("issuer")(&mut params);
    let key = rcgen::KeyPair::from_pem(&issuer.key.serialize_pem()).unwrap();
    let signer = rcgen::Issuer::new(params, key);
    let url =
        tls_server(&certificate(&["localhost"], Some(&signer), |_| {}), None);
    assert_failure(&url, &[], "its issuer is not trusted");
    assert_allowed(&url, &["--cacert", &file], None);
    assert_allowed(&url, &["--insecure"], None);
    // Instead of the system's, not in addition to them.
    let other = pem_file("other", &certificate(&[], None, authority("other")));
    assert_failure(&url, &["--cacert", &other], "its issuer is not trusted");
    let again = certificate(&[], None, authority("issuer"));
    let again = pem_file("again", &again);
    assert_failure(
        &url,
        &["--cacert", &again],
        "TLS: the certificate's signature does not match the trusted issuer",
    );

    for (signed, words) in [
        (
            certificate(&["localhost"], Some(&signer), |params| {
                params.not_after = rcgen::date_time_ymd(2020, 1, 1);
            }),
            "TLS: the certificate has expired; renew it",
        ),
        (
            certificate(&["localhost"], Some(&signer), |params| {
                params.not_before = rcgen::date_time_ymd(4000, 1, 1);
            }),
            "TLS: the certificate is not valid yet; check the clock",
        ),
        (
            certificate(
                &["a.example", "b.example", "10.0.0.1"],
                Some(&signer),
                |_| {},
            ),
            "TLS: the certificate is for a.example, b.example, 10.0.0.1, not \
             for localhost; use such a name in the URL",
        ),
        (
            certificate(&[], Some(&signer), |_| {}),
            "TLS: the certificate has no subjectAltName, which browsers require",
        ),
    ] {
        let url = tls_server(&signed, None);
        assert_failure(&url, &["--cacert", &file], words);
        assert_allowed(&url, &["--insecure"], None);
    }

    let url = tls_server(
        &certificate(&["localhost"], Some(&signer), |_| {}),
        Some(&issuer),
    );
    assert_failure(
        &url,
        &["--cacert", &file],
        "TLS: the server requires a client certificate",
    );
}

/// Its certificate is one for an authority, which may sign others.
#[test]
fn the_usual_self_signed_certificate_is_named() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let (key, file) =
        (format!("{folder}/usual.key"), format!("{folder}/usual.pem"));
    let make = |more: &[&str]| {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "365"])
            .args(["-subj", "/CN=localhost", "-addext"])
            .args(["subjectAltName=DNS:localhost", "-keyout", &key])
            .args(["-out", &file])
            .args(more)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{made:?}");
        let certificate = CertificateDer::from_pem_file(&file).unwrap();
        let key = PrivateKeyDer::from_pem_file(&key).unwrap();
        tls_server_with(certificate, key, None)
    };
    let url = make(&[]);
    assert_failure(
        &url,
        &[],
        "TLS: the certificate is self-signed and for an authority, not a \
         server; use --insecure, or create one with openssl's -addext \
         basicConstraints=critical,CA:FALSE and use --cacert FILE",
    );
    assert_allowed(&url, &["--insecure"], None);
    // What the message says.
    let url = make(&["-addext", "basicConstraints=critical,CA:FALSE"]);
    assert_failure(&url, &[], "TLS: the certificate is self-signed, or its");
    assert_allowed(&url, &["--cacert", &file], None);
}

#[test]
fn other_faults_of_tls_are_distinguished() {
    let https = |bytes| raw_server(bytes).replace("http:", "https:");
    assert_failure(
        &https(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        &[],
        "TLS: the server does not use TLS on this port; use http:// in the",
    );
    // Alerts of a server with TLS 1.0 only, and of one without such a name.
    assert_failure(
        &https(b"\x15\x03\x01\0\x02\x02\x46"),
        &[],
        "TLS: the server supports neither TLS 1.2 nor 1.3",
    );
    assert_failure(
        &https(b"\x15\x03\x03\0\x02\x02\x70"),
        &[],
        "TLS: the server has no certificate for 127.0.0.1; add one",
    );
    // And TLS when plain HTTP was requested.
    assert_failure(
        &raw_server(b"\x15\x03\x01\0\x02\x02\x46"),
        &[],
        "use https:// if the server uses TLS",
    );

    let none = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let url = "https://localhost/";
    assert_failure(
        url,
        &["--cacert", none],
        "/Cargo.toml contains no certificate; use a PEM file",
    );
    assert_failure(
        url,
        &["--cacert", "no-such.pem"],
        concat!("cannot read ", env!("CARGO_MANIFEST_DIR"), "/no-such.pem: "),
    );
}

/// A server with a policy, whose application opens every WebSocket and
/// responds with `status` to everything else. `host` is the Host that a proxy
/// makes of the client's.
fn blocking_server(status: u16, host: Option<&'static str>) -> Server {
    let policy = cors::Policy::from_json(
        br#"{"allow_origins": ["http://app.example.com"],
             "block": ["unsafe_methods", "websockets"],
             "dangerously_allow": {
                 "insecure_origins": ["http://app.example.com"]
             }}"#,
    )
    .expect("it loads");
    Server::start(move |request| {
        let header = |name| request.header(name).map(str::as_bytes);
        let decision = policy.evaluate(&cors::Request {
            method: Some(request.method.as_bytes()),
            origin: header("origin"),
            request_method: header("access-control-request-method"),
            request_headers: header("access-control-request-headers"),
            host: host.map(str::as_bytes).or(header("host")),
            fetch_site: header("sec-fetch-site"),
            upgrade: header("upgrade"),
            scheme: None,
        });
        if decision.verdict == cors::Verdict::Blocked {
            return blocked();
        }
        application(request, status)
    })
}

fn application(request: &Request, status: u16) -> Vec<u8> {
    match request.header("upgrade") {
        Some("websocket") => {
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
              Connection: Upgrade\r\n\r\n"
                .to_vec()
        }
        _ => answer(status, &[]),
    }
}

/// Sender and result of each request.
fn treatments(report: &Value) -> Vec<String> {
    let exchanges = report["exchanges"].as_array().expect("an array").iter();
    let words = |exchange: &Value| {
        let word = |name| exchange[name].as_str().expect("a word").to_owned();
        format!("{} {}", word("sender"), word("result"))
    };
    exchanges.map(words).collect()
}

const FORM: [&str; 2] = ["--form", "--post"];
const EVIL: &str = "http://evil.example";

#[test]
fn forms_of_other_sites_are_blocked_and_the_sites_own_pass() {
    let server = blocking_server(200, None);
    let report = probe_from(&server, EVIL, 1, &FORM);
    assert_eq!(
        treatments(&report),
        ["page blocked", "unrelated blocked", "sandbox blocked", "own passed"]
    );
    assert_eq!(report["outcome"], "blocked");
    assert_eq!(
        report["summary"],
        "the form's POST from http://evil.example does not reach the \
         application"
    );
    assert_eq!(codes(&report), [""; 0]);
    let own = server.url("").trim_end_matches('/').to_owned();
    let requests = server.requests();
    let origins: Vec<_> =
        requests.iter().map(|r| r.header("origin")).collect();
    assert_eq!(
        origins,
        [EVIL, "http://cors-probe.invalid", "null", &own].map(Some)
    );
    for request in requests {
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("content-length"), Some("0"));
        assert_eq!(
            request.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        let is_own = request.header("origin") == Some(&own);
        let site = if is_own { "same-origin" } else { "cross-site" };
        assert_eq!(request.header("sec-fetch-site"), Some(site));
        assert_eq!(request.header("cookie"), None);
    }

    // A listed origin, and pages that are among those that are tried anyway.
    let report = probe(&server, 0, &FORM);
    assert_eq!(
        treatments(&report),
        ["page passed", "unrelated blocked", "sandbox blocked", "own passed"]
    );
    for (origin, status, first) in [
        (&*own, 0, "own passed"),
        ("null", 1, "sandbox blocked"),
        ("http://cors-probe.invalid", 1, "unrelated blocked"),
    ] {
        let report = probe_from(&server, origin, status, &FORM);
        let treatments = treatments(&report);
        assert_eq!((treatments.len(), &*treatments[0]), (3, first));
    }
}

/// An error of the application, as without a session, is no block; a redirect
/// neither.
#[test]
fn forms_that_are_not_blocked_get_what_the_sites_own_get() {
    for status in [200, 302, 401, 404, 405, 500] {
        let server = Server::start(move |r| application(r, status));
        let report = probe_from(&server, EVIL, 0, &FORM);
        assert_eq!(
            treatments(&report),
            [
                "page passed",
                "unrelated passed",
                "sandbox passed",
                "own passed"
            ]
        );
        assert_eq!(codes(&report), ["cross-site-not-blocked"; 2]);
        let notes = report["notes"].as_array().unwrap().len();
        assert_eq!(notes, usize::from(status >= 400), "{report:#}");
    }
}

/// An application that looks at Origin by itself, and one that wants a token.
#[test]
fn a_status_of_the_application_is_not_taken_for_a_block() {
    for status in [400, 403, 404] {
        let server = Server::start(move |request| {
            let origin = request.header("origin").unwrap_or_default();
            let is_own = origin.starts_with("http://127.0.0.1");
            application(request, if is_own { 200 } else { status })
        });
        let report = probe_from(&server, EVIL, 1, &FORM);
        assert_eq!(
            treatments(&report),
            [
                "page rejected",
                "unrelated rejected",
                "sandbox rejected",
                "own passed"
            ]
        );
        assert!(report["summary"].to_string().contains("the server rejects"));
    }

    let server = Server::start(|request| application(request, 403));
    let report = probe_from(&server, EVIL, 2, &FORM);
    assert_eq!(
        treatments(&report),
        [
            "page unknown",
            "unrelated unknown",
            "sandbox unknown",
            "own unknown"
        ]
    );
    assert_eq!(report["outcome"], "unknown");
    assert_eq!(codes(&report), [""; 0]);
}

#[test]
fn websockets_of_other_sites_are_blocked_and_the_sites_own_open() {
    let server = blocking_server(200, None);
    let url = server.url("/chat");
    let report = probe_from(&server, EVIL, 1, &["--websocket"]);
    assert_eq!(
        treatments(&report),
        ["page blocked", "unrelated blocked", "sandbox blocked", "own passed"]
    );
    assert_eq!(
        report["console"],
        format!(
            "WebSocket connection to '{}' failed: Error during WebSocket \
             handshake: Unexpected response code: 403",
            server.url("/items")
        )
    );
    assert_eq!(report["exchanges"][3]["response"]["status"], 101);
    for request in server.requests() {
        assert_eq!(request.method, "GET");
        assert_eq!(request.header("connection"), Some("Upgrade"));
        assert_eq!(request.header("upgrade"), Some("websocket"));
        assert_eq!(request.header("sec-websocket-version"), Some("13"));
        assert_eq!(request.header("sec-fetch-site"), None);
        assert_eq!(request.header("content-length"), None);
    }
    // By the URL alone, and from a listed origin.
    let url = url.replace("http:", "ws:");
    let output = cors(&url, APP, &[]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    let open = Server::start(|request| application(request, 200));
    let report = probe_from(&open, EVIL, 0, &["--websocket"]);
    assert_eq!(codes(&report), ["cross-site-not-blocked"; 2]);
    assert!(report.to_string().contains("list \\\"websockets\\\" in"));

    // No WebSocket at this URL: nothing is blocked, and nothing is shown.
    let none = Server::start(|_| answer(404, &[]));
    let report = probe_from(&none, EVIL, 0, &["--websocket"]);
    assert_eq!(treatments(&report)[3], "own passed");
    assert!(report["notes"].to_string().contains("responds with 404"));
}

/// As behind a proxy that changes Host.
#[test]
fn an_own_page_that_is_blocked_is_an_error() {
    let server = blocking_server(200, Some("10.0.0.5:8080"));
    let report = probe(&server, 0, &["--websocket"]);
    assert_eq!(
        treatments(&report),
        ["page passed", "unrelated blocked", "sandbox blocked", "own blocked"]
    );
    assert_eq!(codes(&report), ["own-page-blocked"]);
    let own = server.url("");
    let own = own.trim_end_matches('/');
    let report = probe_from(&server, own, 1, &["--websocket"]);
    assert_eq!(codes(&report), ["own-page-blocked"]);
    assert_eq!(report["exchanges"][0]["findings"][0]["severity"], "error");
}

#[test]
fn a_blocked_script_is_told_from_a_403_of_the_application() {
    let post: &[&str] = &["--method", "POST"];
    let report = probe_from(&blocking_server(200, None), EVIL, 1, post);
    let is_blocked = "the server blocks the request, so it does not reach the \
                      application";
    assert_eq!(report["summary"], is_blocked);
    let other = Server::start(|request| application(request, 403));
    let report = probe_from(&other, EVIL, 1, post);
    assert_ne!(report["summary"], is_blocked);
}

/// Nothing is sent without `--post`, nor what no policy blocks.
#[test]
fn forms_and_images_are_not_sent_unasked() {
    let server = blocking_server(200, None);
    let url = server.url("/transfer");
    for (arguments, words) in [
        (&["--form"][..], "add --post if they are harmless"),
        (&["--form", "--method", "POST"], "add --post"),
        (&["--form", "--method", "get", "--post"], "no policy blocks them"),
        (&["--image"], "no policy blocks them"),
        (&["--post"], "--form"),
        (&["--form", "--post", "--preflight-only"], "cannot be used with"),
    ] {
        assert_failure(&url, arguments, words);
    }
    let socket = url.replace("http:", "ws:");
    assert_failure(&socket, &["--preflight-only"], "has no preflight");
    assert_failure(&url, &["--websocket", "--preflight-only"], "cannot be");

    // Mixed content, and a port that browsers block.
    let arguments = ["--websocket", "--format=json"];
    for (url, origin) in [
        ("http://site.example/", "https://a.example"),
        ("http://a:6000/", APP),
    ] {
        let output = cors(url, origin, &arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["exchanges"], serde_json::json!([]));
    }
    assert_eq!(server.requests().len(), 0);
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
    // Whatever this machine trusts, the tests trust an authority of theirs.
    static TRUSTED: LazyLock<String> = LazyLock::new(|| {
        pem_file("trusted", &certificate(&[], None, authority("trusted")))
    });
    let mut command = without_proxies(Command::new(CORS));
    command.args(["probe", url, "--origin", origin]).args(arguments);
    command.env("SSL_CERT_FILE", &*TRUSTED).env_remove("SSL_CERT_DIR");
    command
}

fn without_proxies(mut command: Command) -> Command {
    for variable in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(variable);
        command.env_remove(variable.to_uppercase());
    }
    command
}
