//! Whole fetches and the cache of preflights, by examples.

use super::{ORIGIN, header, request};
use browser::{
    AuthorizationStar, Browser, Failure, Fault, Response, ScriptRequest,
    SentRequest,
};

/// <https://fetch.spec.whatwg.org/#dom-request>
#[test]
fn scripts_that_ask_for_nonsense_send_nothing() {
    let nonsense = [
        request("TRACE"),
        request("connect"),
        request(""),
        request("a b"),
        ScriptRequest { headers: vec![header("a b", "")], ..request("GET") },
        ScriptRequest { headers: vec![header("", "")], ..request("GET") },
        ScriptRequest {
            headers: vec![header("x-a", "a\nb")],
            ..request("GET")
        },
        ScriptRequest { headers: vec![header("x-a", "\0")], ..request("GET") },
    ];
    for request in nonsense {
        let mut browser = Browser::new(AuthorizationStar::Strict);
        let result = browser.fetch(&request, |_| unreachable!());
        assert_eq!(result, Err(Failure::Script), "{request:?}");
    }
}

/// <https://fetch.spec.whatwg.org/#concept-http-fetch>
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

/// <https://fetch.spec.whatwg.org/#concept-http-fetch>
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
    assert_eq!(result, Err(Failure::Preflight(Fault::Method)));
    assert_eq!(sent, [preflight("PATCH", None)]);
}

/// <https://fetch.spec.whatwg.org/#concept-cache-match>
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

/// <https://fetch.spec.whatwg.org/#concept-cache-match-method>
#[test]
fn what_no_preflight_allowed_needs_one() {
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

/// <https://fetch.spec.whatwg.org/#concept-cache-match-method>
#[test]
fn a_cached_star_covers_a_method() {
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let open = || open_answer("*", "");
    assert_eq!(count(&mut browser, &request("PUT"), open), 2);
    assert_eq!(count(&mut browser, &request("Egg"), open), 1);
    assert_eq!(count(&mut browser, &request("*"), open), 1);
}

/// <https://fetch.spec.whatwg.org/#concept-cache-match-header>
#[test]
fn a_cached_star_covers_authorization_in_lax_browsers_alone() {
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

/// <https://fetch.spec.whatwg.org/#use-cors-preflight-flag>
#[test]
fn the_upload_flag_is_cached_as_the_requested_method() {
    let bare = || Response {
        status: 200,
        headers: vec![header("access-control-allow-origin", "*")],
    };
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let mut put = request("PUT");
    assert_eq!(count(&mut browser, &put, bare), 1, "refused");
    put.use_cors_preflight = true;
    assert_eq!(count(&mut browser, &put, bare), 2);
    put.use_cors_preflight = false;
    assert_eq!(count(&mut browser, &put, bare), 1, "cached");
}

/// <https://fetch.spec.whatwg.org/#http-access-control-max-age>
#[test]
fn a_preflight_of_no_seconds_is_not_cached() {
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

/// <https://fetch.spec.whatwg.org/#concept-cache-clear>
#[test]
fn a_failure_clears_the_cache() {
    let mut browser = Browser::new(AuthorizationStar::Strict);
    let put = request("PUT");
    let open = || open_answer("PUT", "");
    let closed = || Response { status: 200, headers: Vec::new() };
    assert_eq!(count(&mut browser, &put, open), 2);
    assert_eq!(count(&mut browser, &put, closed), 1);
    assert_eq!(count(&mut browser, &put, open), 2);
}

fn open_answer(methods: &str, names: &str) -> Response {
    Response {
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
    request: &ScriptRequest,
    answer: impl Fn() -> Response,
) -> usize {
    let mut sent = 0;
    let _ = browser.fetch(request, |_| {
        sent += 1;
        answer()
    });
    sent
}
