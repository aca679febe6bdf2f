//! The model of the browser against what the web platform tests say, and
//! against examples of its own.
//!
//! `vectors/wpt.json` holds the facts, `vectors/wpt.LICENSE.md` their licence.

use browser::{
    Answer, AuthorizationStar, Browser, BrowserRequest, Failure, Header,
    Malformed, SentRequest, cors_check, exposed, extract_list_values,
    forbidden_method, forbidden_request_header, needs_preflight,
    normalize_method, preflight_headers, preflight_passes, safelisted_method,
    safelisted_request_header, unsafe_request_header_names,
};
use serde_json::Value;

const ORIGIN: &str = "https://app.example.com";

/// Facts that the standard says otherwise about today, with what it says.
const OUTDATED: [(&str, &str); 2] = [
    (
        "CORS filter on Content-Length",
        "Content-Length became a CORS-safelisted response-header name, so \
         scripts can read it",
    ),
    (
        "CORS succeeds with credentials:True; method get (allowed ''); header \
         None (allowed '*')",
        "get is normalized to GET and has no headers, so there is no \
         preflight: the fact's phase is wrong, its verdict is right",
    ),
];

#[test]
fn every_fact_is_of_a_known_kind() {
    let facts = facts();
    let counts = [
        ("browser_check", 170),
        ("needs_preflight", 24),
        ("exposed_headers", 21),
        ("acrh_from_browser", 1),
    ];
    for (kind, count) in counts {
        assert_eq!(of_kind(&facts, kind).len(), count, "{kind}");
    }
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(facts.len(), all);
}

#[test]
fn outdated_facts_are_there_once_and_still_outdated() {
    let facts = facts();
    for (name, reason) in OUTDATED {
        let named: Vec<&Value> =
            facts.iter().filter(|fact| name_of(fact) == name).collect();
        assert_eq!(named.len(), 1, "{name}");
        assert!(
            disagreement(named[0]).is_some(),
            "{name}: no longer outdated ({reason})"
        );
    }
}

#[test]
fn the_facts_that_call_themselves_outdated_are_listed() {
    for fact in facts() {
        let note = fact["note"].as_str().unwrap_or("");
        if note.contains("old version") || note.contains("outdated") {
            assert!(outdated(&fact), "{}: {note}", name_of(&fact));
        }
    }
}

#[test]
fn the_verdict_of_an_outdated_phase_holds() {
    let facts = facts();
    let (name, _) = OUTDATED[1];
    let fact = facts.iter().find(|fact| name_of(fact) == name).unwrap();
    let (passed, phase) = fetched(fact, AuthorizationStar::Strict);
    assert_eq!((passed, phase), (true, "actual"));
}

#[test]
fn browser_check_facts() {
    agrees_on("browser_check");
}

#[test]
fn needs_preflight_facts() {
    agrees_on("needs_preflight");
}

#[test]
fn exposed_headers_facts() {
    agrees_on("exposed_headers");
}

#[test]
fn acrh_from_browser_facts() {
    agrees_on("acrh_from_browser");
}

#[test]
fn methods_are_normalized_save_for_patch() {
    let table = [
        ("get", "GET"),
        ("Post", "POST"),
        ("hEAD", "HEAD"),
        ("put", "PUT"),
        ("delete", "DELETE"),
        ("options", "OPTIONS"),
        ("patch", "patch"),
        ("PATCH", "PATCH"),
        ("Egg", "Egg"),
        ("*", "*"),
    ];
    for (written, sent) in table {
        assert_eq!(normalize_method(written), sent);
    }
}

#[test]
fn a_lower_case_patch_does_not_match_an_upper_case_one() {
    let mut request = request("patch");
    let answer = |methods: &str| {
        vec![
            header("access-control-allow-origin", ORIGIN),
            header("access-control-allow-methods", methods),
        ]
    };
    let passes = |request: &BrowserRequest, methods: &str| {
        let answer = answer(methods);
        preflight_passes(request, AuthorizationStar::Strict, 204, &answer)
    };
    assert_eq!(passes(&request, "PATCH"), Err(Failure::PreflightMethod));
    assert_eq!(passes(&request, "PUT, patch"), Ok(()));
    request.method = "PATCH".to_owned();
    assert_eq!(passes(&request, "PATCH"), Ok(()));
    assert_eq!(passes(&request, "patch"), Err(Failure::PreflightMethod));
    request.method = "put".to_owned();
    assert_eq!(passes(&request, "PUT"), Ok(()));
    assert_eq!(passes(&request, "put"), Err(Failure::PreflightMethod));
}

#[test]
fn forbidden_methods_in_any_case() {
    for method in ["CONNECT", "trace", "Track"] {
        assert!(forbidden_method(method), "{method}");
    }
    for method in ["OPTIONS", "PATCH", "TRACES", "*", ""] {
        assert!(!forbidden_method(method), "{method}");
    }
}

#[test]
fn safelisted_methods_in_upper_case_alone() {
    for method in ["GET", "HEAD", "POST"] {
        assert!(safelisted_method(method), "{method}");
    }
    for method in ["get", "PUT", "OPTIONS", "*"] {
        assert!(!safelisted_method(method), "{method}");
    }
}

#[test]
fn forbidden_request_headers() {
    let table = [
        ("Cookie", "", true),
        ("hOsT", "", true),
        ("DNT", "1", true),
        ("Set-Cookie", "a=b", true),
        ("Access-Control-Request-Method", "PUT", true),
        ("Sec-", "", true),
        ("sec-anything", "", true),
        ("Proxy-Authorization", "", true),
        ("X-HTTP-Method", "trace", true),
        ("X-HTTP-Method-Override", "PUT, TRACK", true),
        ("X-Method-Override", " CONNECT ", true),
        ("X-HTTP-Method-Override", "PUT", false),
        ("X-HTTP-Method-Override", "\"TRACE\"", false),
        ("X-HTTP-Method-Override", "\"\\\",TRACE,\"", false),
        ("X-HTTP-Method-Override", "\"\\\",\",TRACE", true),
        ("X-HTTP-Method-Override", "\"\\\\\",TRACE", true),
        ("X-HTTP-Method-Override", "\\\",TRACE,\"", false),
        ("X-Method-Override", "", false),
        ("Authorization", "", false),
        ("Security", "", false),
        ("Proxy", "", false),
        ("User-Agent", "", false),
        ("*", "", false),
    ];
    for (name, value, forbidden) in table {
        assert_eq!(
            forbidden_request_header(name, value.as_bytes()),
            forbidden,
            "{name}: {value}"
        );
    }
}

#[test]
fn every_forbidden_request_header_name() {
    let names = "accept-charset accept-encoding connection content-length \
                 access-control-request-headers access-control-request-method \
                 cookie cookie2 date dnt expect host keep-alive origin \
                 referer set-cookie te trailer transfer-encoding upgrade via";
    for name in names.split(' ') {
        assert!(forbidden_request_header(name, b""), "{name}");
        let longer = format!("{name}-");
        assert!(!forbidden_request_header(&longer, b""), "{longer}");
    }
}

#[test]
fn content_types_that_are_sent_unasked() {
    let table = [
        ("text/plain", true),
        ("TEXT/Plain", true),
        ("text/plain;charset=utf-8", true),
        ("text/plain ;anything", true),
        ("\ttext/plain\t", true),
        ("multipart/form-data; boundary=a", true),
        ("application/x-www-form-urlencoded", true),
        ("text/plain;caf\u{E9}", true),
        ("application/json", false),
        ("text/plain, application/json", false),
        ("text/plain; charset=\"utf-8\"", false),
        ("text /plain", false),
        ("text/ plain", false),
        ("text/plain2", false),
        ("text/", false),
        ("/plain", false),
        ("text", false),
        ("", false),
    ];
    for (value, safelisted) in table {
        assert_eq!(
            safelisted_request_header("Content-Type", &bytes(value)),
            safelisted,
            "{value}"
        );
    }
}

#[test]
fn ranges_that_are_sent_unasked() {
    let table = [
        ("bytes=0-", true),
        ("bytes=0-9", true),
        ("bytes=9-9", true),
        ("bytes=007-8", true),
        ("bytes=99999999999999999999999999999999999999999998-", true),
        ("bytes=8-99999999999999999999999999999999999999999998", true),
        ("bytes=99999999999999999999999999999999999999999998-8", false),
        ("bytes=10-9", false),
        ("bytes=-9", false),
        ("bytes=-", false),
        ("bytes=0", false),
        ("bytes=0a-", false),
        ("bytes=0-a", false),
        ("bytes=0-1,3-4", false),
        ("bytes = 0-", false),
        ("bytes=0- ", false),
        ("Bytes=0-", false),
        ("bytes 0-", false),
        ("", false),
    ];
    for (value, safelisted) in table {
        assert_eq!(
            safelisted_request_header("Range", value.as_bytes()),
            safelisted,
            "{value}"
        );
    }
}

#[test]
fn bytes_that_a_safelisted_header_may_hold() {
    for byte in 0..=u8::MAX {
        let value = [b'a', byte, b'a'];
        let separator = b"\"():<>?@[\\]{}".contains(&byte);
        let control = (byte < 0x20 && byte != b'\t') || byte == 0x7F;
        assert_eq!(
            safelisted_request_header("Accept", &value),
            !separator && !control,
            "Accept, byte {byte}"
        );
        let language =
            byte.is_ascii_alphanumeric() || b" *,-.;=".contains(&byte);
        for name in ["Accept-Language", "content-language"] {
            assert_eq!(
                safelisted_request_header(name, &value),
                language,
                "{name}, byte {byte}"
            );
        }
        assert!(!safelisted_request_header("X-Anything", &value));
    }
}

#[test]
fn a_safelisted_value_has_at_most_128_bytes() {
    assert!(safelisted_request_header("Accept", &[b'a'; 128]));
    assert!(!safelisted_request_header("Accept", &[b'a'; 129]));
    let long = format!("bytes=0-{}", "9".repeat(121));
    assert!(!safelisted_request_header("Range", long.as_bytes()));
}

#[test]
fn safelisted_values_have_at_most_1024_bytes_together() {
    let mut headers = vec![header("Accept", &"a".repeat(128)); 8];
    assert!(unsafe_request_header_names(&headers).is_empty());
    headers.push(header("X-One", &"a".repeat(2000)));
    assert_eq!(unsafe_request_header_names(&headers), ["x-one"]);
    headers.push(header("Accept-Language", "e"));
    assert_eq!(
        unsafe_request_header_names(&headers),
        ["accept", "accept-language", "x-one"]
    );
}

#[test]
fn one_unsafe_line_of_a_header_is_enough() {
    let headers = [
        header("Content-Type", "application/json"),
        header("Content-Type", "text/plain"),
    ];
    assert_eq!(unsafe_request_header_names(&headers), ["content-type"]);
}

#[test]
fn preflights_ask_for_sorted_lower_case_names() {
    let mut request = request("put");
    assert_eq!(preflight_headers(&request), Some(("PUT".to_owned(), None)));
    request.headers = vec![
        header("X-B", ""),
        header("x-A", ""),
        header("X_C", ""),
        header("Cookie", "a=b"),
        header("x-b", ""),
        header("Accept", "*/*"),
        header("*", ""),
    ];
    let list = Some("*,x-a,x-b,x_c".to_owned());
    assert_eq!(preflight_headers(&request), Some(("PUT".to_owned(), list)));
}

#[test]
fn plain_requests_go_without_a_preflight() {
    let mut request = request("post");
    request.headers = vec![
        header("Cookie", "a=b"),
        header("Content-Type", "  text/plain\r\n"),
    ];
    assert!(!needs_preflight(&request));
    assert_eq!(preflight_headers(&request), None);
    request.use_cors_preflight = true;
    assert!(needs_preflight(&request));
    assert_eq!(preflight_headers(&request), Some(("POST".to_owned(), None)));
}

#[test]
fn lists_over_several_lines() {
    type Strings<'a> = &'a [&'a str];
    let table: [(Strings<'_>, Result<Option<Strings<'_>>, Malformed>); 9] = [
        (&[], Ok(None)),
        (&[""], Ok(Some(&[]))),
        (&[" ,\t, "], Ok(Some(&[]))),
        (&["a"], Ok(Some(&["a"]))),
        (&[" a ,,\tB\t"], Ok(Some(&["a", "B"]))),
        (&["a,b", "", "c"], Ok(Some(&["a", "b", "c"]))),
        (&["a b"], Err(Malformed)),
        (&["a", "b;c"], Err(Malformed)),
        (&["\"a\""], Err(Malformed)),
    ];
    for (lines, expected) in table {
        let mut headers = vec![header("Other", "other")];
        for line in lines {
            headers.push(header("x-LIST", line));
        }
        let values = extract_list_values("X-List", &headers);
        let expected = expected.map(|values| {
            values.map(|values| {
                values.iter().map(|value| (*value).to_owned()).collect()
            })
        });
        assert_eq!(values, expected, "{lines:?}");
    }
}

#[test]
fn the_cors_check() {
    let origin = "Access-Control-Allow-Origin";
    let credentials = "access-control-allow-credentials";
    type Lines<'a> = &'a [(&'a str, &'a str)];
    // Headers; passes without credentials; passes with them.
    let table: [(Lines<'_>, bool, bool); 11] = [
        (&[], false, false),
        (&[(origin, "*")], true, false),
        (&[(origin, "*"), (credentials, "true")], true, false),
        (&[(origin, ORIGIN)], true, false),
        (&[(origin, ORIGIN), (credentials, "true")], true, true),
        (&[(origin, " \thttps://app.example.com\t ")], true, false),
        (&[(origin, ORIGIN), (credentials, "TRUE")], true, false),
        (
            &[(origin, ORIGIN), (credentials, "true"), (credentials, "true")],
            true,
            false,
        ),
        (&[(origin, ORIGIN), (origin, ORIGIN)], false, false),
        (&[(origin, "null"), (credentials, "true")], false, false),
        (&[(origin, "https://APP.example.com")], false, false),
    ];
    for (lines, without, with) in table {
        let headers: Vec<Header> =
            lines.iter().map(|(name, value)| header(name, value)).collect();
        let mut request = request("GET");
        assert_eq!(cors_check(&request, &headers), without, "{lines:?}");
        request.credentials = true;
        assert_eq!(cors_check(&request, &headers), with, "{lines:?}");
    }
}

#[test]
fn an_opaque_origin_matches_null() {
    let mut request = request("GET");
    request.origin = "null".to_owned();
    request.credentials = true;
    let headers = [
        header("access-control-allow-origin", "null"),
        header("access-control-allow-credentials", "true"),
    ];
    assert!(cors_check(&request, &headers));
}

#[test]
fn the_upload_flag_takes_absent_methods_for_the_requested_one() {
    let mut request = request("PUT");
    let mut answer = vec![header("access-control-allow-origin", "*")];
    let passes = |request: &BrowserRequest, answer: &[Header]| {
        preflight_passes(request, AuthorizationStar::Strict, 200, answer)
    };
    let refused = Err(Failure::PreflightMethod);
    assert_eq!(passes(&request, &answer), refused);
    request.use_cors_preflight = true;
    assert_eq!(passes(&request, &answer), Ok(()));
    answer.push(header("access-control-allow-methods", ""));
    assert_eq!(passes(&request, &answer), refused);
}

#[test]
fn the_star_for_methods_and_headers() {
    use AuthorizationStar::{Lax, Strict};
    let refused = |name: &str| Err(Failure::PreflightHeader(name.to_owned()));
    // Header asked for, credentials, allowed headers; strict; lax.
    let table = [
        ("X-A", false, "*", Ok(()), Ok(())),
        ("X-A", true, "*", refused("x-a"), refused("x-a")),
        ("X-A", true, "*,X-a", Ok(()), Ok(())),
        ("*", true, "*", Ok(()), Ok(())),
        ("*", false, "*", Ok(()), Ok(())),
        ("*", false, "x-a", refused("*"), refused("*")),
        ("Authorization", false, "*", refused("authorization"), Ok(())),
        ("Authorization", false, "*,authorization", Ok(()), Ok(())),
        (
            "Authorization",
            true,
            "*",
            refused("authorization"),
            refused("authorization"),
        ),
        ("Authorization", true, "AUTHORIZATION", Ok(()), Ok(())),
        (
            "Authorization",
            false,
            "x-a",
            refused("authorization"),
            refused("authorization"),
        ),
    ];
    for (name, credentials, allowed, strict, lax) in table {
        let mut request = request("GET");
        request.credentials = credentials;
        request.headers = vec![header(name, "1")];
        let answer = [
            header("access-control-allow-origin", ORIGIN),
            header("access-control-allow-credentials", "true"),
            header("access-control-allow-headers", allowed),
        ];
        for (star, expected) in [(Strict, strict), (Lax, lax)] {
            assert_eq!(
                preflight_passes(&request, star, 204, &answer),
                expected,
                "{name}, {credentials}, {allowed}, {star:?}"
            );
        }
    }
}

#[test]
fn each_failure_of_a_preflight() {
    let origin = header("access-control-allow-origin", ORIGIN);
    let methods = |list| header("access-control-allow-methods", list);
    let names = |list| header("access-control-allow-headers", list);
    let header_refused = Failure::PreflightHeader("x-a".to_owned());
    let table = [
        (204, vec![methods("PUT")], Failure::PreflightOrigin),
        (301, vec![origin.clone()], Failure::PreflightStatus),
        (
            200,
            vec![origin.clone(), methods("PUT,a b"), names("x-a")],
            Failure::PreflightMalformed,
        ),
        (
            200,
            vec![origin.clone(), methods("PUT"), names("x-a,(")],
            Failure::PreflightMalformed,
        ),
        (200, vec![origin.clone()], Failure::PreflightMethod),
        (200, vec![origin.clone(), methods("PUT")], header_refused),
    ];
    let mut request = request("PUT");
    request.headers = vec![header("X-A", "1")];
    for (status, answer, failure) in table {
        let star = AuthorizationStar::Strict;
        let result = preflight_passes(&request, star, status, &answer);
        assert_eq!(result, Err(failure), "{answer:?}");
    }
}

#[test]
fn what_scripts_can_read() {
    let readable = |list: Option<&str>, credentials| {
        let mut headers = vec![
            header("Content-Length", "1"),
            header("X-A", "1"),
            header("x-b", "1"),
            header("X-a", "2"),
            header("Set-Cookie", "a=b"),
        ];
        if let Some(list) = list {
            headers.push(header("Access-Control-Expose-Headers", list));
        }
        exposed(&headers, credentials).join(" ")
    };
    assert_eq!(readable(None, false), "content-length");
    assert_eq!(readable(Some(""), false), "content-length");
    assert_eq!(readable(Some("x-A, X-None"), true), "content-length x-a");
    assert_eq!(readable(Some("x-a, x b"), false), "content-length");
    assert_eq!(readable(Some("set-cookie,x-b"), false), "content-length x-b");
    assert_eq!(readable(Some("*"), true), "content-length");
    assert_eq!(
        readable(Some("*"), false),
        "access-control-expose-headers content-length x-a x-b"
    );
}

#[test]
fn scripts_that_ask_for_nonsense_send_nothing() {
    let nonsense = [
        request("TRACE"),
        request("connect"),
        request(""),
        request("a b"),
        BrowserRequest { headers: vec![header("a b", "")], ..request("GET") },
        BrowserRequest { headers: vec![header("", "")], ..request("GET") },
        BrowserRequest {
            headers: vec![header("x-a", "a\nb")],
            ..request("GET")
        },
        BrowserRequest {
            headers: vec![header("x-a", "\0")],
            ..request("GET")
        },
    ];
    for request in nonsense {
        let mut browser = Browser::new(AuthorizationStar::Strict);
        let result = browser.fetch(&request, |_| unreachable!());
        assert_eq!(result, Err(Failure::Script), "{request:?}");
    }
}

#[test]
fn a_fetch_with_a_preflight() {
    let mut request = request("put");
    request.headers = vec![header("X-A", "1"), header("Host", "evil")];
    let mut sent = Vec::new();
    let result = Browser::new(AuthorizationStar::Strict).fetch(
        &request,
        |on_the_wire| {
            sent.push(on_the_wire.clone());
            open_answer("PUT", "x-a")
        },
    );
    assert_eq!(result, Ok(Vec::new()));
    assert_eq!(sent, [preflight("PUT", Some("x-a")), actual("PUT")]);
}

#[test]
fn a_refused_preflight_is_all_that_is_sent() {
    let mut sent = Vec::new();
    let result = Browser::new(AuthorizationStar::Strict).fetch(
        &request("PATCH"),
        |on_the_wire| {
            sent.push(on_the_wire.clone());
            open_answer("PUT", "")
        },
    );
    assert_eq!(result, Err(Failure::PreflightMethod));
    assert_eq!(sent, [preflight("PATCH", None)]);
}

#[test]
fn one_preflight_serves_later_requests() {
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let mut put = request("PUT");
    put.headers = vec![header("x-b", "1")];
    let all = || open_answer("PUT,DELETE", "x-a,x-b");
    assert_eq!(count(&mut browser, &put, all), 2);
    assert_eq!(count(&mut browser, &put, all), 1);
    put.headers = vec![header("X-A", "1")];
    put.method = "DELETE".to_owned();
    assert_eq!(count(&mut browser, &put, all), 1);
    put.credentials = true;
    assert_eq!(count(&mut browser, &put, all), 2, "credentials ask again");
    put.credentials = false;
    put.origin = "https://other.example.com".to_owned();
    assert_eq!(count(&mut browser, &put, all), 1, "refused: another origin");
}

#[test]
fn what_no_preflight_allowed_is_asked_for() {
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let open = || open_answer("PUT,PATCH", "X-A");
    let mut asked = request("PUT");
    assert_eq!(count(&mut browser, &asked, open), 2);
    asked.method = "PATCH".to_owned();
    assert_eq!(count(&mut browser, &asked, open), 1);
    asked.headers = vec![header("x-a", "1")];
    assert_eq!(count(&mut browser, &asked, open), 1);
    asked.credentials = true;
    asked.headers.clear();
    assert_eq!(count(&mut browser, &asked, open), 2);
    asked.credentials = false;
    asked.method = "DELETE".to_owned();
    assert_eq!(count(&mut browser, &asked, open), 1, "asked and refused");
}

#[test]
fn a_kept_star_covers_a_method() {
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let open = || open_answer("*", "");
    assert_eq!(count(&mut browser, &request("PUT"), open), 2);
    assert_eq!(count(&mut browser, &request("Egg"), open), 1);
    assert_eq!(count(&mut browser, &request("*"), open), 1);
}

#[test]
fn the_upload_flag_is_kept_as_the_requested_method() {
    let bare = || Answer {
        status: 200,
        headers: vec![header("access-control-allow-origin", "*")],
    };
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let mut put = request("PUT");
    assert_eq!(count(&mut browser, &put, bare), 1, "refused");
    put.use_cors_preflight = true;
    assert_eq!(count(&mut browser, &put, bare), 2);
    put.use_cors_preflight = false;
    assert_eq!(count(&mut browser, &put, bare), 1, "kept");
}

#[test]
fn a_preflight_of_no_seconds_is_not_kept() {
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let answer = |age: &str| {
        let mut answer = open_answer("PUT", "");
        answer.headers.push(header("access-control-max-age", age));
        answer
    };
    let put = request("PUT");
    assert_eq!(count(&mut browser, &put, || answer("0")), 2);
    assert_eq!(count(&mut browser, &put, || answer("0")), 2);
    assert_eq!(count(&mut browser, &put, || answer("-1")), 2, "5 seconds");
    assert_eq!(count(&mut browser, &put, || answer("0")), 1);
}

#[test]
fn a_failure_makes_the_browser_forget() {
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let put = request("PUT");
    let open = || open_answer("PUT", "");
    let closed = || Answer { status: 200, headers: Vec::new() };
    assert_eq!(count(&mut browser, &put, open), 2);
    assert_eq!(count(&mut browser, &put, closed), 1);
    assert_eq!(count(&mut browser, &put, open), 2);
}

#[test]
fn a_kept_star_covers_authorization_in_lax_browsers_alone() {
    for (star, sent) in
        [(AuthorizationStar::Strict, 2), (AuthorizationStar::Lax, 1)]
    {
        let mut browser = Browser::new(star);
        let mut get = request("GET");
        let open = || open_answer("GET", "*");
        get.headers = vec![header("x-a", "1")];
        assert_eq!(count(&mut browser, &get, open), 2);
        get.headers = vec![header("authorization", "1")];
        let named = || open_answer("GET", "authorization");
        assert_eq!(count(&mut browser, &get, named), sent, "{star:?}");
    }
}

/// Asserts that the model says what all facts of a kind say, the outdated
/// ones aside; all failures are shown at once.
fn agrees_on(kind: &str) {
    let facts = facts();
    let facts = of_kind(&facts, kind);
    assert!(!facts.is_empty(), "no facts of kind {kind}");
    let failures: Vec<String> = facts
        .into_iter()
        .filter(|fact| !outdated(fact))
        .filter_map(|fact| {
            let difference = disagreement(fact)?;
            Some(format!(
                "{}\n  {}: {difference}",
                source(fact),
                name_of(fact)
            ))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What the model says and the fact does not.
fn disagreement(fact: &Value) -> Option<String> {
    let expected = &fact["expect"];
    match fact["kind"].as_str() {
        Some("browser_check") => {
            let verdict = expected["verdict"].as_str().expect("a verdict");
            let phase = expected["phase"].as_str().expect("a phase");
            let expected = (verdict == "pass", phase);
            // No fact is about Authorization, so both browsers agree.
            [AuthorizationStar::Strict, AuthorizationStar::Lax]
                .into_iter()
                .map(|star| fetched(fact, star))
                .find(|found| *found != expected)
                .map(|found| format!("{found:?} instead of {expected:?}"))
        }
        Some("needs_preflight") => {
            let expected = expected["needs_preflight"].as_bool();
            let found = needs_preflight(&request_of(fact));
            (Some(found) != expected).then(|| found.to_string())
        }
        Some("exposed_headers") => {
            let visible = expected["visible"].as_object().expect("names");
            let mut headers = headers_of(&fact["response"]);
            headers.extend(headers_of(&fact["other_response_headers"]));
            let request = request_of(fact);
            assert!(cors_check(&request, &headers), "{}", name_of(fact));
            let readable = exposed(&headers, request.credentials);
            visible
                .iter()
                .find(|(name, visible)| {
                    visible.as_bool() != Some(readable.contains(name))
                })
                .map(|(name, _)| format!("{name}, in {readable:?}"))
        }
        Some("acrh_from_browser") => {
            let list = expected["acrh"].as_str().expect("a list");
            let found = preflight_headers(&request_of(fact));
            let expected = Some(("GET".to_owned(), Some(list.to_owned())));
            (found != expected).then(|| format!("{found:?}"))
        }
        kind => panic!("unknown kind {kind:?}"),
    }
}

/// Fetches from a server that gives the fact's answer each time. Returns
/// whether the script can read it, and the phase that decided: a preflight
/// where there is one, even if what follows it passes too.
fn fetched(fact: &Value, star: AuthorizationStar) -> (bool, &'static str) {
    let status = fact["response"]["status"].as_u64().unwrap_or(200);
    let answer = Answer {
        status: u16::try_from(status).expect("a status"),
        headers: headers_of(&fact["response"]),
    };
    let mut phase = "actual";
    let result = Browser::new(star).fetch(&request_of(fact), |sent| {
        if sent.request_method.is_some() {
            phase = "preflight";
        }
        answer.clone()
    });
    // A preflight that passes is not followed by a failure here.
    if phase == "preflight" {
        assert_ne!(result, Err(Failure::ActualOrigin), "{}", name_of(fact));
    }
    (result.is_ok(), phase)
}

fn facts() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/wpt.json");
    let text = std::fs::read(path).expect("vectors/wpt.json can be read");
    let mut document: Value =
        serde_json::from_slice(&text).expect("vectors/wpt.json is JSON");
    match document["cases"].take() {
        Value::Array(facts) => facts,
        other => panic!("cases is {other}"),
    }
}

fn of_kind<'a>(facts: &'a [Value], kind: &str) -> Vec<&'a Value> {
    facts.iter().filter(|fact| fact["kind"] == kind).collect()
}

fn outdated(fact: &Value) -> bool {
    OUTDATED.iter().any(|(name, _)| *name == name_of(fact))
}

fn name_of(fact: &Value) -> &str {
    fact["name"].as_str().expect("a name")
}

fn source(fact: &Value) -> &str {
    fact["source"].as_str().expect("a source")
}

fn request_of(fact: &Value) -> BrowserRequest {
    let request = &fact["request"];
    let text = |key: &str| request[key].as_str();
    BrowserRequest {
        origin: text("origin").unwrap_or(ORIGIN).to_owned(),
        method: text("method").unwrap_or("GET").to_owned(),
        headers: headers_of(&request["headers"]),
        credentials: text("credentials") == Some("include"),
        use_cors_preflight: false,
    }
}

/// Headers as the facts write them: an object whose values are strings or
/// lists of lines, or a list of names alone, where the test gives each the
/// value `allowedOrRefused`.
fn headers_of(value: &Value) -> Vec<Header> {
    let mut headers = Vec::new();
    match value {
        Value::Null => {}
        Value::Array(names) => {
            for name in names {
                let name = name.as_str().expect("a name");
                headers.push(header(name, "allowedOrRefused"));
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(line) => headers.push(header(name, line)),
                    Value::Array(lines) => {
                        for line in lines {
                            let line = line.as_str().expect("a line");
                            headers.push(header(name, line));
                        }
                    }
                    Value::Number(_) if name == "status" => {}
                    other => panic!("{name} is {other}"),
                }
            }
        }
        other => panic!("headers are {other}"),
    }
    headers
}

fn request(method: &str) -> BrowserRequest {
    BrowserRequest {
        origin: ORIGIN.to_owned(),
        method: method.to_owned(),
        ..BrowserRequest::default()
    }
}

fn header(name: &str, value: &str) -> Header {
    (name.to_owned(), bytes(value))
}

/// One byte for each character up to U+00FF.
/// <https://infra.spec.whatwg.org/#isomorphic-encode>
fn bytes(value: &str) -> Vec<u8> {
    value
        .chars()
        .map(|character| u8::try_from(character).expect("up to U+00FF"))
        .collect()
}

/// An answer for `ORIGIN`, with and without credentials.
fn open_answer(methods: &str, names: &str) -> Answer {
    Answer {
        status: 204,
        headers: vec![
            header("access-control-allow-origin", ORIGIN),
            header("access-control-allow-credentials", "true"),
            header("access-control-allow-methods", methods),
            header("access-control-allow-headers", names),
        ],
    }
}

fn preflight(method: &str, names: Option<&str>) -> SentRequest {
    SentRequest {
        method: "OPTIONS".to_owned(),
        origin: ORIGIN.to_owned(),
        request_method: Some(method.to_owned()),
        request_headers: names.map(str::to_owned),
    }
}

fn actual(method: &str) -> SentRequest {
    SentRequest {
        method: method.to_owned(),
        origin: ORIGIN.to_owned(),
        request_method: None,
        request_headers: None,
    }
}

/// How many requests one fetch sends.
fn count(
    browser: &mut Browser,
    request: &BrowserRequest,
    answer: impl Fn() -> Answer,
) -> usize {
    let mut sent = 0;
    let _ = browser.fetch(request, |_| {
        sent += 1;
        answer()
    });
    sent
}
