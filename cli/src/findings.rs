//! What is wrong with a server's response, each fault by name. What a browser
//! blocks is for the crate `browser` to say; here it is put in words.

mod fault;

use browser::{
    AuthorizationStar, Fault, Header, Response, ScriptRequest, SentRequest,
    cors_check, preflight_faults, redirect_status,
};
use serde::Serialize;

use crate::code::Code;
use fault::{HEADERS, finding};

/// One thing that is wrong or doubtful in an answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
    /// What follows "blocked by CORS policy: " in Chromium's console.
    #[serde(skip)]
    pub(crate) console: String,
    /// Of an error.
    #[serde(skip)]
    pub(crate) cause: Option<Code>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A browser blocks.
    Error,
    /// It does not, but it may elsewhere, or later.
    Warning,
}

/// Everything that is wrong with the answer, in the order in which Chromium
/// looks: its console tells the first error alone.
pub(crate) fn judge(
    request: &ScriptRequest,
    sent: &SentRequest,
    response: &Response,
) -> Vec<Finding> {
    let mut findings = match sent.request_method {
        Some(_) => judge_preflight(request, response),
        None => judge_actual(request, response),
    };
    findings.extend(judge_private_network(&response.headers));
    findings
}

/// <https://developer.chrome.com/blog/local-network-access>
fn judge_private_network(headers: &[Header]) -> Option<Finding> {
    const NAME: &str = "Access-Control-Allow-Private-Network";
    (!lines(NAME, headers).is_empty()).then(|| {
        warning(
            "private-network-superseded",
            format!(
                "{NAME} has no effect: Local Network Access, for which the \
                 browser asks the user, has replaced Private Network Access"
            ),
            "remove it; no response header takes its place",
        )
    })
}

/// Where the answer leads on to, if it is a redirect.
pub(crate) fn redirect(response: &Response) -> Option<String> {
    redirect_status(response.status)
        .then(|| lines("location", &response.headers).join(", "))
}

/// Whether `Vary` says that the answer depends on `Origin`.
pub(crate) fn varies_by_origin(headers: &[Header]) -> bool {
    lines("vary", headers).iter().flat_map(|line| line.split(',')).any(
        |name| {
            let name = name.trim();
            name == "*" || name.eq_ignore_ascii_case("origin")
        },
    )
}

/// What a cache says of itself in an answer that it kept.
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

fn judge_preflight(
    request: &ScriptRequest,
    response: &Response,
) -> Vec<Finding> {
    use AuthorizationStar::{Lax, Strict};
    const CHECK: &str =
        "Response to preflight request doesn't pass access control check: ";
    if let Some(location) = redirect(response) {
        return vec![error(
            Code::PreflightRedirect,
            format!(
                "the preflight is answered {} and led on to {location:?}; \
                 browsers follow no redirect of a preflight",
                response.status
            ),
            "answer OPTIONS at this URL itself, or fetch the URL that it \
             leads to",
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
                    "{HEADERS} names authorization only by *, which the \
                     Fetch standard does not let cover it; the browsers of \
                     today do"
                ),
                "name Authorization beside *",
            ));
        }
    }
    findings
}

/// What Chromium reports as one check: the CORS check and the status.
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

fn judge_actual(request: &ScriptRequest, response: &Response) -> Vec<Finding> {
    let fault = cors_check(request, &response.headers).err();
    let fault = fault.map(|fault| finding(request, response, &fault));
    let mut findings: Vec<Finding> = fault.into_iter().collect();
    let origins = lines("access-control-allow-origin", &response.headers);
    let credentials =
        lines("access-control-allow-credentials", &response.headers);
    if origins == ["*"] && !credentials.is_empty() {
        findings.push(warning(
            "allow-credentials-useless",
            "Access-Control-Allow-Credentials stands beside \
             Access-Control-Allow-Origin: *, which never goes with \
             credentials"
                .into(),
            "name the origin where credentials are meant, else leave it out",
        ));
    }
    let depends = origins.iter().any(|origin| origin != "*");
    if depends && !varies_by_origin(&response.headers) {
        findings.push(warning(
            "vary-missing",
            "Access-Control-Allow-Origin names an origin, and Vary does not \
             say that the answer depends on it: a cache may hand it to another"
                .into(),
            "send Vary: Origin with every answer, those without \
             Access-Control-Allow-Origin too",
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
