//! What is wrong with a server's response. The crate `browser` decides what a
//! browser blocks; here it gets a name, a message and help.

mod fault;

use browser::{
    AuthorizationStar, Fault, Header, Response, ScriptRequest, SentRequest,
    cors_check, preflight_faults, redirect_status,
};
use serde::Serialize;

use crate::code::Code;
use fault::{HEADERS, finding};

/// An error or a warning about a response.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
    /// What follows "blocked by CORS policy: " in Chromium's console.
    #[serde(skip)]
    pub(crate) console: String,
    /// The reason of an error.
    #[serde(skip)]
    pub(crate) cause: Option<Code>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// The browser blocks.
    Error,
    /// It does not, but another browser or a cache may.
    Warning,
}

/// Everything that is wrong with the response, in the order of Chromium, whose
/// console shows only the first error.
pub(crate) fn diagnose(
    request: &ScriptRequest,
    sent: &SentRequest,
    response: &Response,
) -> Vec<Finding> {
    let mut findings = match sent.request_method {
        Some(_) => of_preflight(request, response),
        None => of_actual(request, response),
    };
    findings.extend(private_network(&response.headers));
    findings
}

/// <https://developer.chrome.com/blog/local-network-access>
fn private_network(headers: &[Header]) -> Option<Finding> {
    const NAME: &str = "Access-Control-Allow-Private-Network";
    (!lines(NAME, headers).is_empty()).then(|| {
        warning(
            "private-network-superseded",
            format!(
                "{NAME} has no effect: Local Network Access, which asks the \
                 user, has replaced Private Network Access"
            ),
            "remove it; no response header replaces it",
        )
    })
}

/// The location of a redirect.
pub(crate) fn redirect(response: &Response) -> Option<String> {
    redirect_status(response.status)
        .then(|| lines("location", &response.headers).join(", "))
}

/// Whether `Vary` covers `Origin`.
pub(crate) fn varies_by_origin(headers: &[Header]) -> bool {
    lines("vary", headers).iter().flat_map(|line| line.split(',')).any(
        |name| {
            let name = name.trim();
            name == "*" || name.eq_ignore_ascii_case("origin")
        },
    )
}

/// The header that shows that a response comes from a cache.
pub(crate) fn cache_mark(headers: &[Header]) -> Option<String> {
    let age = lines("age", headers);
    if let Some(age) = age.first() {
        return Some(format!("age: {age}"));
    }
    let marks = ["x-cache", "x-cache-status", "cf-cache-status"];
    marks.iter().find_map(|name| {
        let lines = lines(name, headers);
        let hit = lines
            .into_iter()
            .find(|line| line.to_ascii_lowercase().contains("hit"))?;
        Some(format!("{name}: {hit}"))
    })
}

/// The values of a header, line by line.
pub(crate) fn lines(name: &str, headers: &[Header]) -> Vec<String> {
    let lines = browser::lines(name, headers).into_iter();
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

fn of_preflight(request: &ScriptRequest, response: &Response) -> Vec<Finding> {
    use AuthorizationStar::{Lax, Strict};
    const CHECK: &str =
        "Response to preflight request doesn't pass access control check: ";
    if let Some(location) = redirect(response) {
        return vec![error(
            Code::PreflightRedirect,
            format!(
                "the preflight is redirected to {location:?} with status {}, \
                 but browsers do not follow redirects of preflights",
                response.status
            ),
            "answer OPTIONS at this URL, or use the URL of the redirect in \
             the script",
            CHECK.to_owned()
                + "Redirect is not allowed for a preflight request.",
        )];
    }
    let faults = preflight_faults(request, Lax, response);
    let mut findings: Vec<Finding> = faults
        .iter()
        .map(|fault| {
            let mut finding = finding(request, response, fault);
            if is_of_the_check(fault) {
                finding.console = CHECK.to_owned() + &finding.console;
            }
            finding
        })
        .collect();
    for fault in preflight_faults(request, Strict, response) {
        if !faults.contains(&fault) {
            findings.push(warning(
                "authorization-under-wildcard",
                format!(
                    "{HEADERS} covers authorization only by *, which current \
                     browsers accept but the Fetch standard does not"
                ),
                "list Authorization in addition to *",
            ));
        }
    }
    findings
}

/// Whether Chromium reports it as a failure of the "access control check": the
/// CORS check or the status.
fn is_of_the_check(fault: &Fault) -> bool {
    match fault {
        Fault::AllowOriginMissing
        | Fault::AllowOriginSeveral
        | Fault::AllowOriginAny
        | Fault::AllowOriginOther
        | Fault::AllowCredentials
        | Fault::Status => true,
        Fault::MethodsMalformed
        | Fault::HeadersMalformed
        | Fault::Method
        | Fault::Header(_) => false,
    }
}

fn of_actual(request: &ScriptRequest, response: &Response) -> Vec<Finding> {
    let fault = cors_check(request, &response.headers).err();
    let fault = fault.map(|fault| finding(request, response, &fault));
    let mut findings: Vec<Finding> = fault.into_iter().collect();
    let origins = lines("access-control-allow-origin", &response.headers);
    let credentials =
        lines("access-control-allow-credentials", &response.headers);
    if origins == ["*"] && !credentials.is_empty() {
        findings.push(warning(
            "allow-credentials-useless",
            "Access-Control-Allow-Credentials has no effect with \
             Access-Control-Allow-Origin: *, which browsers never accept with \
             credentials"
                .into(),
            "send the origin instead of * if credentials are intended, or \
             remove it",
        ));
    }
    let depends = origins.iter().any(|origin| origin != "*");
    if depends && !varies_by_origin(&response.headers) {
        findings.push(warning(
            "vary-missing",
            "Access-Control-Allow-Origin is one origin, but Vary does not list \
             Origin, so a cache may serve this response to other origins"
                .into(),
            "send Vary: Origin with every response, including those without \
             Access-Control-Allow-Origin",
        ));
    }
    findings
}

fn error(code: Code, message: String, help: &str, console: String) -> Finding {
    Finding {
        severity: Severity::Error,
        code: code.name(),
        message,
        help: help.to_owned(),
        console,
        cause: Some(code),
    }
}

pub(crate) fn warning(
    code: &'static str,
    message: String,
    help: &str,
) -> Finding {
    Finding {
        severity: Severity::Warning,
        code,
        message,
        help: help.to_owned(),
        console: String::new(),
        cause: None,
    }
}

#[cfg(test)]
mod tests;
