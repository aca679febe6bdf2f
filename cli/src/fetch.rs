//! A fetch, whoever responds: what the browser sends, what comes back, and
//! what the script can read.

use browser::{
    AuthorizationStar, Browser, Response, ScriptRequest, SentRequest,
};

use crate::Failure;
use crate::code::Code;
use crate::findings::{Finding, diagnose};

/// One request and its response.
pub(crate) struct Exchange {
    pub(crate) sent: SentRequest,
    pub(crate) response: Response,
    pub(crate) findings: Vec<Finding>,
}

/// The result of a fetch.
pub(crate) struct Fetched {
    pub(crate) exchanges: Vec<Exchange>,
    /// The names of the headers that the script can read.
    pub(crate) result: Result<Vec<String>, browser::Failure>,
}

/// Simulates a browser with an empty cache. `server` responds, or says why it
/// cannot.
pub(crate) fn fetch(
    request: &ScriptRequest,
    mut server: impl FnMut(&SentRequest) -> Result<Response, Failure>,
) -> Result<Fetched, Failure> {
    let mut exchanges = Vec::new();
    let mut failure = None;
    // As current browsers do; `diagnose` warns of what the standard does not
    // allow.
    let mut browser = Browser::new(AuthorizationStar::Lax);
    let result = browser.fetch(request, |sent| match server(sent) {
        Ok(response) => {
            let findings = diagnose(request, sent, &response);
            let sent = sent.clone();
            let copy = response.clone();
            exchanges.push(Exchange { sent, response, findings });
            copy
        }
        Err(reason) => {
            failure.get_or_insert(reason);
            Response { status: 0, headers: Vec::new() }
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    Ok(Fetched { exchanges, result })
}

impl Fetched {
    /// Why the browser blocks: all errors.
    pub(crate) fn codes(&self) -> Vec<Code> {
        let findings = self.exchanges.iter().flat_map(|e| &e.findings);
        findings.filter_map(|finding| finding.cause).collect()
    }
}
