//! What the browser concludes from a response, by examples.

use super::{ORIGIN, header, request};
use browser::{
    AuthorizationStar, Browser, Failure, Fault, Header, Malformed, Response,
    ScriptRequest, cors_check, exposed, extract_list_values, preflight_faults,
    tao_check,
};

/// <https://fetch.spec.whatwg.org/#extract-header-list-values>
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

/// <https://fetch.spec.whatwg.org/#concept-tao-check>
#[test]
fn the_timing_allow_origin_check() {
    let other = "https://other.example";
    for (lines, expected) in [
        (&[][..], false),
        (&[""], false),
        (&["*"], true),
        (&[ORIGIN], true),
        (&["https://app.example.com:8443"], false),
        (&["HTTPS://APP.EXAMPLE.COM"], false),
        (&["https://app.example.com/"], false),
        (&["https://*.example.com"], false),
        (&["https://other.example, https://app.example.com"], true),
        (&["https://other.example,\t*"], true),
        (&["https://other.example https://app.example.com"], false),
        (&[other, ORIGIN], true),
        (&[other], false),
        (&["\"https://other.example, *\""], false),
    ] {
        let headers: Vec<Header> = lines
            .iter()
            .map(|line| header("timing-allow-origin", line))
            .collect();
        assert_eq!(tao_check(ORIGIN, &headers), expected, "{lines:?}");
    }
}

/// <https://fetch.spec.whatwg.org/#concept-cors-check>
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
        assert_eq!(
            cors_check(&request, &headers).is_ok(),
            without,
            "{lines:?}"
        );
        request.credentials = true;
        assert_eq!(cors_check(&request, &headers).is_ok(), with, "{lines:?}");
    }
}

/// <https://fetch.spec.whatwg.org/#concept-cors-check>
#[test]
fn an_opaque_origin_matches_null() {
    let mut request = request("GET");
    request.origin = "null".to_owned();
    request.credentials = true;
    let headers = [
        header("access-control-allow-origin", "null"),
        header("access-control-allow-credentials", "true"),
    ];
    assert_eq!(cors_check(&request, &headers), Ok(()));
}

/// <https://fetch.spec.whatwg.org/#concept-cors-check>
#[test]
fn each_fault_of_a_response() {
    let origin = |value| header("access-control-allow-origin", value);
    let table = [
        (vec![], Fault::AllowOriginMissing),
        (vec![origin("*")], Fault::AllowOriginAny),
        (vec![origin("null")], Fault::AllowOriginOther),
        (vec![origin("")], Fault::AllowOriginOther),
        (vec![origin(&format!("{ORIGIN}/"))], Fault::AllowOriginOther),
        (vec![origin(ORIGIN), origin(ORIGIN)], Fault::AllowOriginSeveral),
        (vec![origin("*"), origin("*")], Fault::AllowOriginSeveral),
        (vec![origin(&format!("* {ORIGIN}"))], Fault::AllowOriginSeveral),
        (vec![origin(ORIGIN)], Fault::AllowCredentials),
    ];
    let mut request = request("GET");
    request.credentials = true;
    for (headers, fault) in table {
        let response = Response { status: 200, headers };
        let result = Browser::new(AuthorizationStar::Strict)
            .fetch(&request, |_| response.clone());
        assert_eq!(result, Err(Failure::Response(fault)), "{response:?}");
    }
}

/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
#[test]
fn each_fault_of_a_preflight_and_all_of_them() {
    let origin = header("access-control-allow-origin", ORIGIN);
    let methods = |list| header("access-control-allow-methods", list);
    let names = |list| header("access-control-allow-headers", list);
    let refused = || Fault::Header("x-a".to_owned());
    let missing = Fault::AllowOriginMissing;
    let table = [
        (204, vec![methods("PUT"), names("x-a")], vec![missing.clone()]),
        (
            301,
            vec![origin.clone(), methods("PUT"), names("x-a")],
            vec![Fault::Status],
        ),
        (
            200,
            vec![origin.clone(), methods("PUT,a b"), names("x-a")],
            vec![Fault::MethodsMalformed],
        ),
        // The lists are read before the method is looked for.
        (
            200,
            vec![origin.clone(), methods("POST"), names("x-a,(")],
            vec![Fault::HeadersMalformed, Fault::Method],
        ),
        (200, vec![origin.clone(), names("X-a")], vec![Fault::Method]),
        (200, vec![origin, methods("PUT")], vec![refused()]),
        (401, vec![], vec![missing, Fault::Status, Fault::Method, refused()]),
    ];
    let mut request = request("PUT");
    request.headers = vec![header("X-A", "1")];
    for (status, answer, expected) in table {
        let star = AuthorizationStar::Strict;
        let found = faults(&request, star, status, &answer);
        assert_eq!(found, expected, "{answer:?}");
        // The browser stops at the first.
        let result = Browser::new(star)
            .fetch(&request, |_| Response { status, headers: answer.clone() });
        assert_eq!(result, Err(Failure::Preflight(expected[0].clone())));
    }
}

/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
#[test]
fn a_lower_case_patch_does_not_match_an_upper_case_one() {
    let mut request = request("patch");
    let answer = |methods: &str| {
        vec![
            header("access-control-allow-origin", ORIGIN),
            header("access-control-allow-methods", methods),
        ]
    };
    let faults = |request: &ScriptRequest, methods: &str| {
        faults(request, AuthorizationStar::Strict, 204, &answer(methods))
    };
    assert_eq!(faults(&request, "PATCH"), [Fault::Method]);
    assert_eq!(faults(&request, "PUT, patch"), []);
    request.method = "PATCH".to_owned();
    assert_eq!(faults(&request, "PATCH"), []);
    assert_eq!(faults(&request, "patch"), [Fault::Method]);
    request.method = "put".to_owned();
    assert_eq!(faults(&request, "PUT"), []);
    assert_eq!(faults(&request, "put"), [Fault::Method]);
}

/// <https://fetch.spec.whatwg.org/#use-cors-preflight-flag>
#[test]
fn the_upload_flag_takes_absent_methods_for_the_requested_one() {
    let mut request = request("PUT");
    let mut answer = vec![header("access-control-allow-origin", "*")];
    let faults = |request: &ScriptRequest, answer: &[Header]| {
        faults(request, AuthorizationStar::Strict, 200, answer)
    };
    assert_eq!(faults(&request, &answer), [Fault::Method]);
    request.use_cors_preflight = true;
    assert_eq!(faults(&request, &answer), []);
    answer.push(header("access-control-allow-methods", ""));
    assert_eq!(faults(&request, &answer), [Fault::Method]);
}

/// <https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name>
#[test]
fn the_star_for_methods_and_headers() {
    use AuthorizationStar::{Lax, Strict};
    let allowed = Vec::new;
    let refused = |name: &str| vec![Fault::Header(name.to_owned())];
    // Header asked for, credentials, allowed headers; strict; lax.
    let table = [
        ("X-A", false, "*", allowed(), allowed()),
        ("X-A", true, "*", refused("x-a"), refused("x-a")),
        ("X-A", true, "*,X-a", allowed(), allowed()),
        ("*", true, "*", allowed(), allowed()),
        ("*", false, "*", allowed(), allowed()),
        ("*", false, "x-a", refused("*"), refused("*")),
        ("Authorization", false, "*", refused("authorization"), allowed()),
        ("Authorization", false, "*,authorization", allowed(), allowed()),
        (
            "Authorization",
            true,
            "*",
            refused("authorization"),
            refused("authorization"),
        ),
        ("Authorization", true, "AUTHORIZATION", allowed(), allowed()),
        (
            "Authorization",
            false,
            "x-a",
            refused("authorization"),
            refused("authorization"),
        ),
    ];
    for (name, credentials, list, strict, lax) in table {
        let mut request = request("GET");
        request.credentials = credentials;
        request.headers = vec![header(name, "1")];
        let answer = [
            header("access-control-allow-origin", ORIGIN),
            header("access-control-allow-credentials", "true"),
            header("access-control-allow-headers", list),
        ];
        for (star, expected) in [(Strict, strict), (Lax, lax)] {
            assert_eq!(
                faults(&request, star, 204, &answer),
                expected,
                "{name}, {credentials}, {list}, {star:?}"
            );
        }
    }
}

/// <https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name>
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

/// An answer for `ORIGIN`, with and without credentials.
fn faults(
    request: &ScriptRequest,
    star: AuthorizationStar,
    status: u16,
    headers: &[Header],
) -> Vec<Fault> {
    let response = Response { status, headers: headers.to_vec() };
    preflight_faults(request, star, &response)
}
