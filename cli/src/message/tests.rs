//! Messages as the three browsers wrote them.

use std::collections::BTreeMap;

use super::*;

const URL: &str = "http://api.example.com:8080/items/1?a=b";
const EXTENSION: &str = "chrome-extension://";
const ORIGIN: &str = "http://app.example.com:5173";

/// Every message that the three browsers wrote in the matrix, by number, with
/// the placeholders of the varying parts replaced.
fn recorded() -> BTreeMap<String, String> {
    let results = include_str!("../../../tests/browsers/RESULTS.md");
    let messages = results.lines().filter_map(|line| {
        let (number, text) = line.strip_prefix("- ")?.split_once(": ")?;
        let digits = number.strip_prefix(['C', 'F', 'W'])?;
        digits.parse::<u32>().ok()?;
        let text = text
            .replace("\\*", "*")
            .replace("\\<", "<")
            .replace("\\|", "|")
            .replace("URL's origin", "\u{1}")
            .replace("redirection URL", "\u{2}")
            .replace("URL", URL)
            .replace('\u{1}', "URL's origin")
            .replace('\u{2}', "redirection URL")
            .replace("ORIGIN", ORIGIN)
            .replace(":PORT", ":8080");
        Some((number.to_owned(), text))
    });
    messages.collect()
}

/// The browser, a text that the message contains, and the expected code. Each
/// row is for one reason in one browser.
const EXPECTED: &[(char, &str, &str)] = &[
    ('C', "No 'Access-Control-Allow-Origin'", "allow-origin-missing"),
    ('C', "in the response is '", "allow-credentials-missing"),
    ('C', "Method ", "method-not-allowed"),
    ('C', "Request header field ", "header-not-allowed"),
    ('C', "mode is \"same-origin\"", "same-origin-mode"),
    ('C', "the wildcard '*'", "allow-origin-any-credentials"),
    ('C', "a username and password", "redirect-credentials"),
    ('C', "multiple values", "allow-origin-doubled"),
    ('C', "not equal to the supplied", "allow-origin-other"),
    ('C', "contains the invalid value", "allow-origin-other"),
    ('C', "Redirect is not allowed for", "preflight-redirect"),
    ('C', "HTTP ok status", "preflight-status"),
    ('C', "Cannot parse", "list-malformed"),
    ('C', "not a secure context", "local-network"),
    ('F', "Allow-Origin\u{2019} missing", "allow-origin-missing"),
    ('F', "expected \u{2018}true\u{2019}", "allow-credentials-missing"),
    ('F', "Did not find method", "method-not-allowed"),
    ('F', "is not allowed according to", "header-not-allowed"),
    ('F', "did not succeed). Status code: (null)", "request-failed"),
    ('F', "downloadable font", "request-failed"),
    ('F', "establish a connection", "request-failed"),
    ('F', "Security Error", "same-origin-mode"),
    ('F', "Credential is not", "allow-origin-any-credentials"),
    ('F', "Multiple CORS header", "allow-origin-doubled"),
    ('F', "5173, http", "allow-origin-doubled"),
    ('F', "5173 http", "allow-origin-doubled"),
    ('F', "does not match", "allow-origin-other"),
    ('F', "external redirect", "preflight-redirect"),
    ('F', "Status code: 307", "preflight-redirect"),
    ('F', "succeed). Status code: 401", "preflight-authentication"),
    ('F', "succeed). Status code: 500", "preflight-status"),
    ('F', "invalid token", "list-malformed"),
    ('W', "Origin http://app", "origin-not-allowed"),
    ('W', "Origin null is not", "origin-not-allowed"),
    ('W', "insecure content", "mixed-content"),
    ('W', "is not \"true\"", "allow-credentials-missing"),
    ('W', "Method ", "method-not-allowed"),
    ('W', "Request header field", "header-not-allowed"),
    ('W', "Status code: 307", "preflight-redirect"),
    ('W', "successful. Status code: 401", "preflight-authentication"),
    ('W', "successful. Status code: ", "preflight-status"),
    ('W', "Cannot use wildcard", "allow-origin-any-credentials"),
    ('W', "follow a redirection", "redirect"),
    ('W', "restricted network port", "port-blocked"),
    ('W', "has credentials", "redirect-credentials"),
    ('W', "more than one origin", "allow-origin-doubled"),
    ('W', "invalid value", "list-malformed"),
    ('W', "access control checks", "request-failed"),
    ('W', "request resource", "request-failed"),
    ('W', "Fetch API cannot load", "request-failed"),
];

#[test]
fn every_recorded_message_is_understood() {
    let recorded = recorded();
    for letter in ['C', 'F', 'W'] {
        let count = recorded.keys().filter(|n| n.starts_with(letter));
        assert!(count.count() >= 40, "{letter}");
    }
    let mut used = vec![false; EXPECTED.len()];
    for (number, text) in &recorded {
        let message = Message::parse(text)
            .unwrap_or_else(|| panic!("{number} is not understood: {text}"));
        let letter = number.chars().next().expect("a letter");
        let expected = EXPECTED
            .iter()
            .position(|(l, part, _)| *l == letter && text.contains(part));
        let expected = expected
            .unwrap_or_else(|| panic!("{number} is not listed: {text}"));
        used[expected] = true;
        assert_eq!(
            message.code.name(),
            EXPECTED[expected].2,
            "{number} {text}"
        );
        let browser = match letter {
            'C' => "Chromium",
            'F' => "Firefox",
            _ => "WebKit",
        };
        assert_eq!(message.browser, browser, "{number} {text}");
        let has_url = text.contains(URL);
        assert_eq!(message.url.is_some(), has_url, "{number} {text}");
        if let Some(url) = &message.url {
            assert_eq!(url, URL, "{number}");
        }
        let origin = if text.contains(" origin 'null'")
            || text.contains("Origin null")
        {
            Some("null")
        } else if text.contains(&format!("rigin '{ORIGIN}' has"))
            || text.contains(&format!("rigin {ORIGIN}"))
        {
            Some(ORIGIN)
        } else if text.contains("The page at") || text.contains("Content at") {
            // In these the page's URL is replaced as well.
            Some("http://api.example.com:8080")
        } else if let Some((_, rest)) = text.split_once(EXTENSION) {
            let end = rest.find('\'').expect("it is quoted");
            Some(
                &text[text.len() - rest.len() - EXTENSION.len()..]
                    [..EXTENSION.len() + end],
            )
        } else {
            None
        };
        assert_eq!(message.origin.as_deref(), origin, "{number} {text}");
        assert_eq!(
            message.header.is_some(),
            message.code.name() == "header-not-allowed",
            "{number}"
        );
        assert_eq!(
            message.method.is_some(),
            message.code.name() == "method-not-allowed" && letter != 'F',
            "{number}"
        );
    }
    for (entry, used) in EXPECTED.iter().zip(used) {
        assert!(used, "no recorded message is like {entry:?}");
    }
}

fn parsed(text: &str) -> Message {
    Message::parse(text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn pasted_messages_may_have_other_lines_and_line_breaks() {
    let message = parsed(
        "items:1 Access to fetch at 'http://api.example.com/it'ems' \n\
         from origin 'https://app.example.com' has been blocked by\n  \
         CORS policy: Method PATCH is not allowed by \
         Access-Control-Allow-Methods in preflight response.\n\
         app.js:12 PATCH http://api.example.com/it'ems net::ERR_FAILED",
    );
    assert_eq!(message.code.name(), "method-not-allowed");
    assert_eq!(message.method.as_deref(), Some("PATCH"));
    assert_eq!(message.url.as_deref(), Some("http://api.example.com/it'ems"));
    assert_eq!(message.origin.as_deref(), Some("https://app.example.com"));
    assert!(message.preflight);

    // Safari: the reason, then the URL.
    let message = parsed(
        "[Error] Origin https://app.example.com is not allowed by \
         Access-Control-Allow-Origin. Status code: 200\n\
         [Error] Fetch API cannot load https://api.example.com/items due \
         to access control checks.\n\
         [Error] Failed to load resource: Origin https://app.example.com \
         is not allowed by Access-Control-Allow-Origin. Status code: 200 \
         (items, line 0)",
    );
    assert_eq!(message.code.name(), "origin-not-allowed");
    assert_eq!(message.url.as_deref(), Some("https://api.example.com/items"));
    assert_eq!(message.origin.as_deref(), Some("https://app.example.com"));
    assert_eq!(message.browser, "WebKit");

    // Firefox, with its link.
    let message = parsed(
        "Cross-Origin Request Blocked: The Same Origin Policy disallows \
         reading the remote resource at https://api.example.com/items. \
         (Reason: expected \u{2018}true\u{2019} in CORS header \
         \u{2018}Access-Control-Allow-Credentials\u{2019}).[Learn More]",
    );
    assert_eq!(message.code.name(), "allow-credentials-missing");
    assert!(message.credentials);
    assert_eq!(message.url.as_deref(), Some("https://api.example.com/items"));
}

#[test]
fn messages_that_the_matrix_does_not_have_are_understood() {
    let blocked = "Access to fetch at 'http://localhost:8080/a' from \
                   origin 'https://app.example.com' has been blocked by \
                   CORS policy: ";
    for (reason, code) in [
        (
            "Permission was denied for this request to access the \
             `loopback` address space.",
            "local-network",
        ),
        (
            "Request had a target IP address space of `local` yet the \
             resource is in address space `loopback`.",
            "local-network",
        ),
        (
            "The request client is not a secure context and the resource \
             is in more-private address space `local`.",
            "local-network",
        ),
        (
            "Response to preflight request doesn't pass access control \
             check: No 'Access-Control-Allow-Private-Network' header was \
             present in the preflight response for this private network \
             request targeting the `local` address space.",
            "private-network-access",
        ),
        (
            "Cross origin requests are only supported for protocol \
             schemes: chrome, chrome-extension, data, http, https.",
            "not-http",
        ),
        (
            "No 'Access-Control-Allow-Origin' header is present on the \
             requested resource. If an opaque response serves your needs, \
             set the request's mode to 'no-cors' to fetch the resource \
             with CORS disabled.",
            "allow-origin-missing",
        ),
    ] {
        let message = parsed(&format!("{blocked}{reason}"));
        assert_eq!(message.code.name(), code, "{reason}");
        assert_eq!(message.browser, "Chromium");
        assert_eq!(message.url.as_deref(), Some("http://localhost:8080/a"));
        assert_eq!(message.origin.as_deref(), Some("https://app.example.com"));
    }
    for (text, code, url, origin) in [
        (
            "GET http://localhost:6000/a net::ERR_UNSAFE_PORT",
            "port-blocked",
            Some("http://localhost:6000/a"),
            None,
        ),
        (
            "Mixed Content: The page at 'https://app.example.com/page' \
             was loaded over HTTPS, but requested an insecure resource \
             'http://api.example.com/a'. This request has been blocked; \
             the content must be served over HTTPS.",
            "mixed-content",
            Some("http://api.example.com/a"),
            Some("https://app.example.com"),
        ),
        (
            "Failed to load http://api.example.com/a: No \
             'Access-Control-Allow-Origin' header is present on the \
             requested resource. Origin 'http://app.example.com' is \
             therefore not allowed access.",
            "allow-origin-missing",
            Some("http://api.example.com/a"),
            Some("http://app.example.com"),
        ),
        (
            "Cross-Origin Request Blocked: The Same Origin Policy \
             disallows reading the remote resource at file:///a. (Reason: \
             CORS request not http).",
            "not-http",
            None,
            None,
        ),
    ] {
        let message = parsed(text);
        assert_eq!(message.code.name(), code, "{text}");
        assert_eq!(message.url.as_deref(), url, "{text}");
        assert_eq!(message.origin.as_deref(), origin, "{text}");
    }
}

#[test]
fn other_texts_are_not_messages() {
    for text in [
        "",
        "https://api.example.com/items",
        "TypeError: Failed to fetch",
        "NetworkError when attempting to fetch resource.",
        "GET http://localhost:1/ net::ERR_CONNECTION_REFUSED",
        "Hello, world",
    ] {
        assert_eq!(Message::parse(text), None, "{text}");
    }
}
