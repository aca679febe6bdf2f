//! What a browser's console says of a request that it blocked: the words of
//! Chromium, Firefox and WebKit (Safari), in English. What people paste may
//! have other lines around it, and its lines may be broken anywhere.

use std::fmt::Write;

use serde::Serialize;
use url::Url;

use crate::style::NAME;

/// What a message tells of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    pub(crate) browser: &'static str,
    pub(crate) url: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) header: Option<String>,
    /// Whether it says that the script asks for credentials.
    pub(crate) credentials: bool,
    /// Whether it says that there was a preflight.
    pub(crate) preflight: bool,
    /// Where a server's response is to blame, the code of
    /// [`judge`](crate::judge), if the message is as precise.
    pub(crate) code: &'static str,
    /// The same in words.
    pub(crate) reason: String,
    pub(crate) help: Option<&'static str>,
}

/// A text that only one reason's messages have, and its code. The first that
/// is found counts: what says more comes before what says less.
const REASONS: &[(&str, &str)] = &[
    // Before CORS is looked at.
    ("net::ERR_UNSAFE_PORT", "port-blocked"),
    ("Not allowed to use restricted network port ", "port-blocked"),
    ("Mixed Content: ", "mixed-content"),
    ("requested insecure content from ", "mixed-content"),
    ("Blocked loading mixed active content", "mixed-content"),
    ("Permission was denied for this request to access the ", NETWORK),
    ("Unable to ask for permission to access the ", NETWORK),
    ("Request had a target IP address space of ", NETWORK),
    ("Request had no target IP address space", NETWORK),
    ("resource is in more-private address space ", NETWORK),
    ("'Access-Control-Allow-Private-Network' header", PRIVATE),
    ("Cross origin requests are not allowed by request mode", SAME),
    ("Request mode is \"same-origin\"", SAME),
    ("Security Error: Content at ", SAME),
    ("only supported for protocol schemes", "not-http"),
    ("CORS request not HTTP", "not-http"),
    ("CORS request not http", "not-http"),
    ("(Reason: CORS disabled", "cors-disabled"),
    // A redirect.
    ("contains a username and password, which is", "redirect-credentials"),
    (" has credentials", "redirect-credentials"),
    ("Redirect is not allowed for a preflight request", "preflight-redirect"),
    ("CORS request external redirect not allowed", "preflight-redirect"),
    ("Not allowed to follow a redirection", "redirect"),
    // The response to a preflight.
    (" is not allowed by Access-Control-Allow-Methods", "method-not-allowed"),
    ("Did not find method in CORS header", "method-not-allowed"),
    (" is not allowed by Access-Control-Allow-Headers", "header-not-allowed"),
    ("' is not allowed according to header '", "header-not-allowed"),
    ("(Reason: missing token '", "header-not-allowed"),
    ("Cannot parse Access-Control-Allow-", "list-malformed"),
    ("(Reason: invalid token '", "list-malformed"),
    ("has an invalid value: ", "list-malformed"),
    ("It does not have HTTP ok status", "preflight-status"),
    ("CORS preflight response did not succeed", "preflight-status"),
    ("CORS preflight channel did not succeed", "preflight-status"),
    ("Preflight response is not successful", "preflight-status"),
    // Any response.
    ("must not be the wildcard '*'", "allow-origin-any-credentials"),
    ("Credential is not supported if", "allow-origin-any-credentials"),
    ("Cannot use wildcard in", "allow-origin-any-credentials"),
    ("'Access-Control-Allow-Credentials' header in the response is", TRUE),
    ("expected 'true' in CORS header", TRUE),
    ("Access-Control-Allow-Credentials is not \"true\"", TRUE),
    ("header contains multiple values", "allow-origin-doubled"),
    ("(Reason: Multiple CORS header", "allow-origin-doubled"),
    ("cannot contain more than one origin", "allow-origin-doubled"),
    ("header contains the invalid value", "allow-origin-other"),
    ("is not equal to the supplied origin", "allow-origin-other"),
    ("CORS header 'Access-Control-Allow-Origin' does not match", OTHER),
    ("No 'Access-Control-Allow-Origin' header is present", MISSING),
    ("CORS header 'Access-Control-Allow-Origin' missing", MISSING),
    ("is not allowed by Access-Control-Allow-Origin", "origin-not-allowed"),
    // That it failed, and no more.
    ("CORS request did not succeed", FAILED),
    ("CORS header 'Origin' cannot be added", FAILED),
    ("The response is invalid", FAILED),
    ("due to access control checks", FAILED),
    ("bad URI or cross-site access not allowed", FAILED),
    ("t establish a connection to the server at ", FAILED),
    ("Not allowed to request resource", FAILED),
    ("Fetch API cannot load ", FAILED),
];

const FAILED: &str = "request-failed";
const MISSING: &str = "allow-origin-missing";
const NETWORK: &str = "local-network";
const OTHER: &str = "allow-origin-other";
const PRIVATE: &str = "private-network-access";
const SAME: &str = "same-origin-mode";
const TRUE: &str = "allow-credentials-missing";

/// What stands before and behind a URL. Behind the empty text is a space, or
/// the end.
const URLS: &[(&str, &str)] = &[
    ("remote resource at ", ". (Reason"),
    ("annot load image ", " due to access"),
    ("cannot load ", " due to access"),
    ("Cross-origin redirection to ", " denied by"),
    ("requested insecure content from ", ""),
    ("requested an insecure resource '", "'"),
    ("requested an insecure XMLHttpRequest endpoint '", "'"),
    ("mixed active content ", ""),
    ("may not load data from ", ""),
    ("redirection while loading ", ""),
    ("to the server at ", ""),
    ("not allowed source: ", ""),
    ("cannot load ", ""),
    ("Failed to load ", ": No '"),
];

const ORIGINS: &[(&str, &str)] = &[
    ("' from origin '", "'"),
    ("') from origin '", "'"),
    (" Origin '", "' is therefore not allowed"),
    ("Origin ", " is not allowed by Access-Control-Allow-Origin"),
    ("not same as the request origin ", ""),
];

/// Of a page.
const PAGES: &[(&str, &str)] = &[
    ("The page at '", "'"),
    ("The page at ", " requested"),
    ("Content at ", " may not load data"),
];

impl Message {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words
            .join(" ")
            .replace(['\u{2018}', '\u{2019}'], "'")
            .replace(['\u{201c}', '\u{201d}'], "\"");
        let (_, mut code) =
            *REASONS.iter().find(|(part, _)| text.contains(part))?;
        let status = between(&text, "Status code: ", "")
            .and_then(|status| status.trim_end_matches('.').parse().ok());
        code = match (code, status) {
            // What is said of the status says more.
            ("preflight-status", Some(300..=399)) => "preflight-redirect",
            ("preflight-status", Some(401 | 407)) => {
                "preflight-authentication"
            }
            // Firefox shows the value.
            (OTHER, _)
                if text.contains("does not match '")
                    && between(&text, "does not match '", "'").is_none() =>
            {
                "allow-origin-doubled"
            }
            (code, _) => code,
        };
        let url = chromium_url(&text).or_else(|| port_url(&text));
        let url = url.or_else(|| {
            URLS.iter().find_map(|(before, behind)| {
                http_url(between(&text, before, behind)?)
            })
        });
        let origin = ORIGINS
            .iter()
            .find_map(|(before, behind)| between(&text, before, behind))
            .map(|origin| origin.trim_end_matches('.').to_owned())
            .or_else(|| {
                let page = PAGES.iter().find_map(|(before, behind)| {
                    http_url(between(&text, before, behind)?)
                })?;
                let page = Url::parse(&page).ok()?;
                Some(page.origin().ascii_serialization())
            });
        let method = between(&text, "Method ", " is not allowed by Access");
        let header =
            between(&text, "Request header field ", " is not allowed")
                .or_else(|| {
                    between(&text, "(Reason: header '", "' is not allowed")
                })
                .or_else(|| {
                    between(&text, "missing token '", "' in CORS header")
                });
        let browser = if text.contains("has been blocked by CORS policy")
            || text.contains("net::ERR_")
            || text.contains("Mixed Content: ")
            || text.contains("Request mode is \"same-origin\"")
            || text.contains("is therefore not allowed access")
        {
            "Chromium"
        } else if ["(Reason: ", "Security Error: ", "downloadable font: "]
            .iter()
            .any(|part| text.contains(part))
            || text.contains("Firefox can't")
            || text.contains("mixed active content")
        {
            "Firefox"
        } else {
            "WebKit"
        };
        let preflight = match code {
            // The preflight of Private Network Access, which is no more.
            NETWORK | PRIVATE => false,
            "method-not-allowed" | "header-not-allowed" | "list-malformed" => {
                true
            }
            _ => text.contains("reflight"),
        };
        let (reason, help) = reason(code, method, header, preflight);
        Some(Self {
            browser,
            url,
            origin,
            method: method.map(str::to_owned),
            header: header.map(str::to_owned),
            credentials: matches!(code, TRUE | "allow-origin-any-credentials"),
            preflight,
            code,
            reason,
            help,
        })
    }

    pub(crate) fn write(&self, text: &mut String) {
        let _ = writeln!(text, "{NAME}{}'s message:{NAME:#}", self.browser);
        let mut row = |name: &str, value: &str| {
            let _ = writeln!(text, "  {name:<8}{value}");
        };
        for (name, value) in [
            ("url", &self.url),
            ("origin", &self.origin),
            ("method", &self.method),
            ("header", &self.header),
        ] {
            if let Some(value) = value {
                row(name, value);
            }
        }
        row("reason", &format!("{} ({})", self.reason, self.code));
        if let Some(help) = self.help {
            row("help", help);
        }
    }

    /// Whether a fault that [`judge`](crate::judge) finds may be what the
    /// message is about: not every browser is as precise.
    pub(crate) fn means(&self, code: &str) -> bool {
        match self.code {
            "origin-not-allowed" => {
                [MISSING, OTHER, "allow-origin-doubled"].contains(&code)
            }
            "preflight-status" => {
                ["preflight-status", "preflight-authentication"]
                    .contains(&code)
            }
            own => own == code,
        }
    }

    /// Whether the message says what is wrong with a server's response.
    pub(crate) fn is_about_headers(&self) -> bool {
        self.code.starts_with("allow-")
            || self.code.starts_with("preflight-")
            || [
                "origin-not-allowed",
                "method-not-allowed",
                "header-not-allowed",
                "list-malformed",
            ]
            .contains(&self.code)
    }
}

fn reason(
    code: &str,
    method: Option<&str>,
    header: Option<&str>,
    preflight: bool,
) -> (String, Option<&'static str>) {
    let response = match preflight {
        true => "the preflight's response",
        false => "the response",
    };
    let method = method
        .map_or("the method".into(), |method| format!("the method {method}"));
    let header = header
        .map_or("a header".into(), |header| format!("the header {header}"));
    let words = match code {
        MISSING => format!("{response} has no Access-Control-Allow-Origin"),
        OTHER => {
            format!(
                "Access-Control-Allow-Origin of {response} is not the \
                     page's origin"
            )
        }
        "origin-not-allowed" => format!(
            "Access-Control-Allow-Origin of {response} is missing or is not \
             the page's origin"
        ),
        "allow-origin-doubled" => format!(
            "Access-Control-Allow-Origin of {response} has more than one value"
        ),
        "allow-origin-any-credentials" => format!(
            "Access-Control-Allow-Origin of {response} is *, but the script \
             asks for credentials"
        ),
        TRUE => format!(
            "Access-Control-Allow-Credentials of {response} is not true, but \
             the script asks for credentials"
        ),
        "method-not-allowed" => {
            format!("{method} is not in Access-Control-Allow-Methods")
        }
        "header-not-allowed" => {
            format!("{header} is not in Access-Control-Allow-Headers")
        }
        "list-malformed" => "Access-Control-Allow-Methods or \
                             Access-Control-Allow-Headers is not a list of \
                             names"
            .into(),
        "preflight-status" => {
            "the preflight's response has a status other than 200 to 299"
                .into()
        }
        "preflight-authentication" => {
            "the server asks the preflight for authentication".into()
        }
        "preflight-redirect" => {
            "the preflight's response is a redirect".into()
        }
        "redirect" => "the response is a redirect, which the script or the \
                       browser does not follow"
            .into(),
        "redirect-credentials" => {
            "a redirect leads to a URL with a user name or password".into()
        }
        SAME => "the script asks for mode \"same-origin\", and the URL has \
                 another origin"
            .into(),
        "not-http" => "the page or the URL is neither http nor https".into(),
        "cors-disabled" => "CORS is switched off in this browser".into(),
        "mixed-content" => "an https page cannot fetch an http URL".into(),
        "port-blocked" => "browsers never connect to this port".into(),
        NETWORK => "the user has not permitted the page to access the local \
                    network or the user's own machine (Local Network Access)"
            .into(),
        PRIVATE => "an older Chromium asks for \
                    Access-Control-Allow-Private-Network (Private Network \
                    Access)"
            .into(),
        _ => "the browser does not say why".into(),
    };
    let help = Some(match code {
        "redirect" => {
            "remove redirect: \"error\" from the script, or use the \
                       URL that the redirect leads to"
        }
        "redirect-credentials" => "remove them from the Location header",
        SAME => {
            "remove mode from the script, or use a URL of the page's own \
                 origin"
        }
        "not-http" => "use a web server for the page, not a file",
        "cors-disabled" => "remove content.cors.disable from about:config",
        "mixed-content" => "use https for the URL",
        "port-blocked" => "use another port for the server",
        NETWORK => {
            "allow it in the browser's settings for the page; no \
                    response header changes this"
        }
        PRIVATE => {
            "use a current Chromium: Local Network Access, which asks \
                    the user, has replaced it, and the header has no effect \
                    there"
        }
        FAILED => {
            "use the browser's network panel or cors probe to see the \
                   response: there may be none, or a certificate that the \
                   browser does not take"
        }
        _ => return (words, None),
    });
    (words, help)
}

/// `Not allowed to use restricted network port 6000: URL`
fn port_url(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("restricted network port ")?;
    http_url(rest.split(' ').nth(1)?)
}

/// `Access to fetch at 'URL' from …`, `GET URL net::ERR_…`
fn chromium_url(text: &str) -> Option<String> {
    if let Some((_, rest)) = text.split_once("Access to ")
        && let Some((_, rest)) = rest.split_once(" at '")
    {
        let ends = ["' from origin '", "' (redirected from '"];
        let end = ends.iter().filter_map(|end| rest.find(end)).min()?;
        return http_url(&rest[..end]);
    }
    let (before, _) = text.split_once(" net::ERR_")?;
    http_url(before.rsplit(' ').next()?)
}

/// The word that stands between the two texts; where the second is empty, up
/// to a space or the end.
fn between<'t>(text: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    text.match_indices(before).find_map(|(start, _)| {
        let rest = &text[start + before.len()..];
        let end = if behind.is_empty() {
            rest.find(' ').unwrap_or(rest.len())
        } else {
            rest.find(behind)?
        };
        Some(&rest[..end])
            .filter(|part| !part.is_empty() && !part.contains(' '))
    })
}

/// The text, if it is a URL of http or https, without what a sentence has
/// around it.
fn http_url(text: &str) -> Option<String> {
    let text = text.trim_matches(['\'', '"']);
    let text = text.trim_end_matches(['.', ',']);
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const URL: &str = "http://api.example.com:8080/items/1?a=b";
    const ORIGIN: &str = "http://app.example.com:5173";

    /// Every message that the three browsers wrote in the matrix, by its
    /// number, with the texts that stand for the varying parts replaced.
    fn recorded() -> BTreeMap<String, String> {
        let results = include_str!("../../tests/browsers/RESULTS.md");
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

    /// A text that the message has, and the code that is expected. Each of
    /// them stands for one cause in one browser.
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
            let message = Message::parse(text).unwrap_or_else(|| {
                panic!("{number} is not understood: {text}")
            });
            let letter = number.chars().next().expect("a letter");
            let expected = EXPECTED
                .iter()
                .position(|(l, part, _)| *l == letter && text.contains(part));
            let expected = expected
                .unwrap_or_else(|| panic!("{number} is not listed: {text}"));
            used[expected] = true;
            assert_eq!(message.code, EXPECTED[expected].2, "{number} {text}");
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
            } else if text.contains("The page at")
                || text.contains("Content at")
            {
                // In these the page's URL is replaced too.
                Some("http://api.example.com:8080")
            } else {
                None
            };
            assert_eq!(message.origin.as_deref(), origin, "{number} {text}");
            assert_eq!(
                message.header.is_some(),
                message.code == "header-not-allowed",
                "{number}"
            );
            assert_eq!(
                message.method.is_some(),
                message.code == "method-not-allowed" && letter != 'F',
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
    fn what_is_pasted_may_have_lines_around_it_and_breaks_in_it() {
        let message = parsed(
            "items:1 Access to fetch at 'http://api.example.com/it'ems' \n\
             from origin 'https://app.example.com' has been blocked by\n  \
             CORS policy: Method PATCH is not allowed by \
             Access-Control-Allow-Methods in preflight response.\n\
             app.js:12 PATCH http://api.example.com/it'ems net::ERR_FAILED",
        );
        assert_eq!(message.code, "method-not-allowed");
        assert_eq!(message.method.as_deref(), Some("PATCH"));
        assert_eq!(
            message.url.as_deref(),
            Some("http://api.example.com/it'ems")
        );
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
        assert_eq!(message.code, "origin-not-allowed");
        assert_eq!(
            message.url.as_deref(),
            Some("https://api.example.com/items")
        );
        assert_eq!(message.origin.as_deref(), Some("https://app.example.com"));
        assert_eq!(message.browser, "WebKit");

        // Firefox, with its link.
        let message = parsed(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows \
             reading the remote resource at https://api.example.com/items. \
             (Reason: expected \u{2018}true\u{2019} in CORS header \
             \u{2018}Access-Control-Allow-Credentials\u{2019}).[Learn More]",
        );
        assert_eq!(message.code, "allow-credentials-missing");
        assert!(message.credentials);
        assert_eq!(
            message.url.as_deref(),
            Some("https://api.example.com/items")
        );
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
            assert_eq!(message.code, code, "{reason}");
            assert_eq!(message.browser, "Chromium");
            assert_eq!(
                message.url.as_deref(),
                Some("http://localhost:8080/a")
            );
            assert_eq!(
                message.origin.as_deref(),
                Some("https://app.example.com")
            );
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
            assert_eq!(message.code, code, "{text}");
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
}
