//! The console messages of Chromium, Firefox and WebKit (Safari) about requests
//! that they block, in English. Pasted messages may have other lines around
//! them, and line breaks anywhere.

mod reason;

use std::fmt::Write;

use serde::Serialize;
use url::Url;

use crate::code::Code;
use crate::style::NAME;
use reason::{help, reason};

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    pub(crate) browser: &'static str,
    pub(crate) url: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) header: Option<String>,
    /// Whether it says that the script uses credentials.
    pub(crate) credentials: bool,
    /// Whether it is about a preflight.
    pub(crate) preflight: bool,
    /// Why the browser blocked.
    pub(crate) code: Code,
    /// The same as a sentence.
    pub(crate) reason: String,
    pub(crate) help: Option<&'static str>,
}

/// Texts that only messages with this reason contain. The first match counts, so
/// more specific texts come first.
const REASONS: &[(&str, Code)] = &[
    // Before CORS.
    ("net::ERR_UNSAFE_PORT", Code::PortBlocked),
    ("Not allowed to use restricted network port ", Code::PortBlocked),
    ("Mixed Content: ", Code::MixedContent),
    ("requested insecure content from ", Code::MixedContent),
    ("Blocked loading mixed active content", Code::MixedContent),
    (
        "Permission was denied for this request to access the ",
        Code::LocalNetwork,
    ),
    ("Unable to ask for permission to access the ", Code::LocalNetwork),
    ("Request had a target IP address space of ", Code::LocalNetwork),
    ("Request had no target IP address space", Code::LocalNetwork),
    ("resource is in more-private address space ", Code::LocalNetwork),
    (
        "'Access-Control-Allow-Private-Network' header",
        Code::PrivateNetworkAccess,
    ),
    (
        "Cross origin requests are not allowed by request mode",
        Code::SameOriginMode,
    ),
    ("Request mode is \"same-origin\"", Code::SameOriginMode),
    ("Security Error: Content at ", Code::SameOriginMode),
    ("only supported for protocol schemes", Code::NotHttp),
    ("CORS request not HTTP", Code::NotHttp),
    ("CORS request not http", Code::NotHttp),
    ("(Reason: CORS disabled", Code::CorsDisabled),
    // A redirect.
    ("contains a username and password, which is", Code::RedirectCredentials),
    (" has credentials", Code::RedirectCredentials),
    (
        "Redirect is not allowed for a preflight request",
        Code::PreflightRedirect,
    ),
    ("CORS request external redirect not allowed", Code::PreflightRedirect),
    ("Not allowed to follow a redirection", Code::Redirect),
    // The response to a preflight.
    (
        " is not allowed by Access-Control-Allow-Methods",
        Code::MethodNotAllowed,
    ),
    ("Did not find method in CORS header", Code::MethodNotAllowed),
    (
        " is not allowed by Access-Control-Allow-Headers",
        Code::HeaderNotAllowed,
    ),
    ("' is not allowed according to header '", Code::HeaderNotAllowed),
    ("(Reason: missing token '", Code::HeaderNotAllowed),
    ("Cannot parse Access-Control-Allow-", Code::ListMalformed),
    ("(Reason: invalid token '", Code::ListMalformed),
    ("has an invalid value: ", Code::ListMalformed),
    ("It does not have HTTP ok status", Code::PreflightStatus),
    ("CORS preflight response did not succeed", Code::PreflightStatus),
    ("CORS preflight channel did not succeed", Code::PreflightStatus),
    ("Preflight response is not successful", Code::PreflightStatus),
    // Any response.
    ("must not be the wildcard '*'", Code::AllowOriginAnyCredentials),
    ("Credential is not supported if", Code::AllowOriginAnyCredentials),
    ("Cannot use wildcard in", Code::AllowOriginAnyCredentials),
    (
        "'Access-Control-Allow-Credentials' header in the response is",
        Code::AllowCredentialsMissing,
    ),
    ("expected 'true' in CORS header", Code::AllowCredentialsMissing),
    (
        "Access-Control-Allow-Credentials is not \"true\"",
        Code::AllowCredentialsMissing,
    ),
    ("header contains multiple values", Code::AllowOriginDoubled),
    ("(Reason: Multiple CORS header", Code::AllowOriginDoubled),
    ("cannot contain more than one origin", Code::AllowOriginDoubled),
    ("header contains the invalid value", Code::AllowOriginOther),
    ("is not equal to the supplied origin", Code::AllowOriginOther),
    (
        "CORS header 'Access-Control-Allow-Origin' does not match",
        Code::AllowOriginOther,
    ),
    (
        "No 'Access-Control-Allow-Origin' header is present",
        Code::AllowOriginMissing,
    ),
    (
        "CORS header 'Access-Control-Allow-Origin' missing",
        Code::AllowOriginMissing,
    ),
    ("is not allowed by Access-Control-Allow-Origin", Code::OriginNotAllowed),
    // No reason.
    ("CORS request did not succeed", Code::RequestFailed),
    ("CORS header 'Origin' cannot be added", Code::RequestFailed),
    ("The response is invalid", Code::RequestFailed),
    ("due to access control checks", Code::RequestFailed),
    ("bad URI or cross-site access not allowed", Code::RequestFailed),
    ("t establish a connection to the server at ", Code::RequestFailed),
    ("Not allowed to request resource", Code::RequestFailed),
    ("Fetch API cannot load ", Code::RequestFailed),
];

/// What is before and after a URL. An empty text means a space or the end.
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
            // The status is more specific.
            (Code::PreflightStatus, Some(300..=399)) => {
                Code::PreflightRedirect
            }
            (Code::PreflightStatus, Some(401 | 407)) => {
                Code::PreflightAuthentication
            }
            // Firefox includes the value.
            (Code::AllowOriginOther, _)
                if text.contains("does not match '")
                    && between(&text, "does not match '", "'").is_none() =>
            {
                Code::AllowOriginDoubled
            }
            (code, _) => code,
        };
        let url = chromium_url(&text).or_else(|| port_url(&text));
        let url = url.or_else(|| {
            URLS.iter().find_map(|(before, after)| {
                http_url(between(&text, before, after)?)
            })
        });
        let origin = ORIGINS
            .iter()
            .find_map(|(before, after)| between(&text, before, after))
            .map(|origin| origin.trim_end_matches('.').to_owned())
            .or_else(|| {
                let page = PAGES.iter().find_map(|(before, after)| {
                    http_url(between(&text, before, after)?)
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
        let preflight =
            code.of_preflight().unwrap_or_else(|| text.contains("reflight"));
        Some(Self {
            browser,
            url,
            origin,
            method: method.map(str::to_owned),
            header: header.map(str::to_owned),
            credentials: matches!(
                code,
                Code::AllowCredentialsMissing
                    | Code::AllowOriginAnyCredentials
            ),
            preflight,
            code,
            reason: reason(code, method, header, preflight),
            help: help(code),
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
        row("reason", &format!("{} ({})", self.reason, self.code.name()));
        if let Some(help) = self.help {
            row("help", help);
        }
    }

    /// Whether it may be about this finding: not every browser is as precise as
    /// [`findings`](crate::findings).
    pub(crate) fn means(&self, found: Code) -> bool {
        found == self.code
            || (self.code == Code::OriginNotAllowed
                && [
                    Code::AllowOriginMissing,
                    Code::AllowOriginOther,
                    Code::AllowOriginDoubled,
                ]
                .contains(&found))
            || (self.code == Code::PreflightStatus
                && found == Code::PreflightAuthentication)
    }
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

/// The word between the two texts; if the second is empty, the word after the
/// first.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.match_indices(before).find_map(|(start, _)| {
        let rest = &text[start + before.len()..];
        let end = if after.is_empty() {
            rest.find(' ').unwrap_or(rest.len())
        } else {
            rest.find(after)?
        };
        Some(&rest[..end])
            .filter(|part| !part.is_empty() && !part.contains(' '))
    })
}

/// The text if it is an http or https URL, without quotes and punctuation.
fn http_url(text: &str) -> Option<String> {
    let text = text.trim_matches(['\'', '"']);
    let text = text.trim_end_matches(['.', ',']);
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
