//! What the browser sends, by examples.

use super::{ORIGIN, bytes, header, request};
use browser::{
    BeforeCors, Target, before_cors, forbidden_method,
    forbidden_request_header, needs_preflight, normalize_method,
    preflight_headers, safelisted_method, safelisted_request_header,
    unsafe_request_header_names,
};

/// <https://fetch.spec.whatwg.org/#concept-method-normalize>
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

/// <https://fetch.spec.whatwg.org/#forbidden-method>
#[test]
fn forbidden_methods_in_any_case() {
    for method in ["CONNECT", "trace", "Track"] {
        assert!(forbidden_method(method), "{method}");
    }
    for method in ["OPTIONS", "PATCH", "TRACES", "*", ""] {
        assert!(!forbidden_method(method), "{method}");
    }
}

/// <https://fetch.spec.whatwg.org/#cors-safelisted-method>
#[test]
fn safelisted_methods_in_upper_case_alone() {
    for method in ["GET", "HEAD", "POST"] {
        assert!(safelisted_method(method), "{method}");
    }
    for method in ["get", "PUT", "OPTIONS", "*"] {
        assert!(!safelisted_method(method), "{method}");
    }
}

/// <https://fetch.spec.whatwg.org/#forbidden-request-header>
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

/// <https://fetch.spec.whatwg.org/#forbidden-request-header>
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

/// <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>
#[test]
fn content_types_that_are_sent_without_a_preflight() {
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

/// <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>
#[test]
fn ranges_that_are_sent_without_a_preflight() {
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

/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte>
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

/// <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>
#[test]
fn a_safelisted_value_has_at_most_128_bytes() {
    assert!(safelisted_request_header("Accept", &[b'a'; 128]));
    assert!(!safelisted_request_header("Accept", &[b'a'; 129]));
    let long = format!("bytes=0-{}", "9".repeat(121));
    assert!(!safelisted_request_header("Range", long.as_bytes()));
}

/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names>
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

/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names>
#[test]
fn one_unsafe_line_of_a_header_is_enough() {
    let headers = [
        header("Content-Type", "application/json"),
        header("Content-Type", "text/plain"),
    ];
    assert_eq!(unsafe_request_header_names(&headers), ["content-type"]);
}

/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
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

/// <https://fetch.spec.whatwg.org/#concept-main-fetch>
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

/// <https://fetch.spec.whatwg.org/#concept-main-fetch>
#[test]
fn ports_and_mixed_content_come_before_cors() {
    let decided = |origin: &str, target: &str, port| {
        let trustworthy = target.starts_with("https:");
        before_cors(origin, Target { origin: target, port, trustworthy })
    };
    let (http, https) = ("http://api.example.com", "https://api.example.com");
    assert_eq!(decided(ORIGIN, https, 443), None);
    assert_eq!(decided(https, https, 443), Some(BeforeCors::SameOrigin));
    assert_eq!(decided(ORIGIN, http, 80), Some(BeforeCors::MixedContent));
    assert_eq!(decided("http://app.example.com", http, 80), None);
    assert_eq!(decided("null", https, 443), None);
    let origin = "https://api.example.com:6000";
    assert_eq!(decided(origin, origin, 6000), Some(BeforeCors::BadPort));
}
