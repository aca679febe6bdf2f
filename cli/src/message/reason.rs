//! What a message means, and what to do.

use crate::code::Code;

/// The reason of a message.
pub(super) fn reason(
    code: Code,
    method: Option<&str>,
    header: Option<&str>,
    preflight: bool,
) -> String {
    let response = match preflight {
        true => "the preflight's response",
        false => "the response",
    };
    match code {
        Code::AllowOriginMissing => {
            format!("{response} has no Access-Control-Allow-Origin")
        }
        Code::AllowOriginOther => format!(
            "Access-Control-Allow-Origin of {response} is not the page's \
             origin"
        ),
        Code::OriginNotAllowed => format!(
            "Access-Control-Allow-Origin of {response} is missing or is not \
             the page's origin"
        ),
        Code::AllowOriginDoubled => format!(
            "Access-Control-Allow-Origin of {response} has more than one value"
        ),
        Code::AllowOriginAnyCredentials => format!(
            "Access-Control-Allow-Origin of {response} is *, but the script \
             uses credentials"
        ),
        Code::AllowCredentialsMissing => format!(
            "Access-Control-Allow-Credentials of {response} is not true, but \
             the script uses credentials"
        ),
        Code::MethodNotAllowed => {
            let method = method
                .map_or("the method".into(), |m| format!("the method {m}"));
            format!("{method} is not in Access-Control-Allow-Methods")
        }
        Code::HeaderNotAllowed => {
            let header = header
                .map_or("a header".into(), |h| format!("the header {h}"));
            format!("{header} is not in Access-Control-Allow-Headers")
        }
        Code::ListMalformed => "Access-Control-Allow-Methods or \
                                Access-Control-Allow-Headers is not a list of \
                                names"
            .into(),
        Code::PreflightStatus => {
            "the preflight's response has a status other than 200 to 299"
                .into()
        }
        Code::PreflightAuthentication => {
            "the server requires authentication for the preflight".into()
        }
        Code::PreflightRedirect => {
            "the preflight's response is a redirect".into()
        }
        Code::Redirect => "the response is a redirect, which the script or \
                           the browser does not follow"
            .into(),
        Code::RedirectCredentials => {
            "a redirect leads to a URL with a user name or password".into()
        }
        Code::SameOriginMode => "the script uses mode: \"same-origin\", \
                                 but the URL has another origin"
            .into(),
        Code::NotHttp => {
            "the page or the URL is neither http nor https".into()
        }
        Code::CorsDisabled => "CORS is disabled in this browser".into(),
        Code::MixedContent => "an https page cannot fetch an http URL".into(),
        Code::PortBlocked => "browsers never connect to this port".into(),
        Code::LocalNetwork => "the user has not allowed the page to access \
                               the local network or the user's own machine \
                               (Local Network Access)"
            .into(),
        Code::PrivateNetworkAccess => "an older Chromium asks for \
                                       Access-Control-Allow-Private-Network \
                                       (Private Network Access)"
            .into(),
        Code::RequestFailed => "the browser does not say why".into(),
    }
}

/// What to do. `None` if `explain` and `probe` know better, because they see the
/// policy or the response.
pub(super) fn help(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::Redirect => {
            "remove redirect: \"error\" from the script, or use the URL of \
             the redirect"
        }
        Code::RedirectCredentials => "remove them from the Location header",
        Code::SameOriginMode => {
            "remove mode from the script, or use a URL of the page's origin"
        }
        Code::NotHttp => "use a web server for the page, not a file",
        Code::CorsDisabled => "remove content.cors.disable from about:config",
        Code::MixedContent => "use https for the URL",
        Code::PortBlocked => "use another port for the server",
        Code::LocalNetwork => {
            "use https for the page, and allow it in the browser's settings; \
             no response header changes this"
        }
        Code::PrivateNetworkAccess => {
            "use a current Chromium: Local Network Access, which asks the \
             user, has replaced it, and the header has no effect there"
        }
        Code::RequestFailed => {
            "use the browser's network panel or cors probe to see the \
             response: there may be none, or the browser may not accept the \
             certificate"
        }
        Code::AllowCredentialsMissing
        | Code::AllowOriginAnyCredentials
        | Code::AllowOriginDoubled
        | Code::AllowOriginMissing
        | Code::AllowOriginOther
        | Code::HeaderNotAllowed
        | Code::ListMalformed
        | Code::MethodNotAllowed
        | Code::OriginNotAllowed
        | Code::PreflightAuthentication
        | Code::PreflightRedirect
        | Code::PreflightStatus => return None,
    })
}
