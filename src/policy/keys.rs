//! Keys that other CORS configurations have, and what they are here.
//!
//! From Starlette, Flask-CORS, django-cors-headers, rs/cors, gin, tower-http,
//! Express, Spring, Amazon S3, ingress-nginx, Traefik, Envoy and ASP.NET, and
//! from the response headers themselves.

/// What an unknown key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// This key of a policy.
    Key(&'static str),
    /// Nothing that has a key here: what to do instead.
    Help(&'static str),
}

/// What an unknown key of a policy means, whatever its case and its marks
/// between words.
pub(super) fn meaning(key: &str) -> Option<Meaning> {
    use Meaning::{Help, Key};

    let name = key.rsplit('/').next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // "CORS_ALLOWED_ORIGINS", "accessControlAllowOriginList".
    let mut name = name.as_str();
    for prefix in ["cors", "accesscontrol"] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    if name.contains("regex") || name.contains("stringmatch") {
        return Some(Help(REGEX_HELP));
    }
    if name.contains("func") || name.contains("callback") {
        return Some(Help(
            "list the origins in allow_origins, since a policy runs no code",
        ));
    }
    Some(match name.replace("allowed", "allow").as_str() {
        "" if key.starts_with(['/', '#']) => Key("description"),
        "comment" | "comments" | "note" | "notes" | "title" | "name" => {
            Key("description")
        }
        "schema" => Key("$schema"),
        "origin"
        | "origins"
        | "alloworigin"
        | "alloworigins"
        | "alloworiginlist"
        | "alloworiginslist"
        | "originlist"
        | "allowlist"
        | "whitelist"
        | "originwhitelist"
        | "originswhitelist"
        | "alloworiginpattern"
        | "alloworiginpatterns"
        | "originpatterns"
        | "domains"
        | "allowdomains" => Key("allow_origins"),
        "credential"
        | "credentials"
        | "allowcredential"
        | "allowcredentials"
        | "supportscredentials"
        | "supportcredentials"
        | "withcredentials" => Key("allow_credentials"),
        "method" | "methods" | "allowmethod" | "allowmethods"
        | "requestmethods" | "allowmethodslist" => Key("allow_methods"),
        "header" | "headers" | "allowheader" | "allowheaders"
        | "requestheaders" | "allowheaderslist" => Key("allow_headers"),
        "expose" | "exposeheader" | "exposeheaders" | "exposedheader"
        | "exposedheaders" | "responseheaders" | "exposeheaderslist" => {
            Key("expose_headers")
        }
        "maxage"
        | "maxageseconds"
        | "maxageinseconds"
        | "preflightmaxage"
        | "preflightmaxageseconds" => Key("max_age"),
        "optionssuccessstatus"
        | "successstatus"
        | "optionsstatus"
        | "optionsresponsestatuscode"
        | "preflightstatus"
        | "statuscode" => Key("preflight_status"),
        "dangerously" | "dangerouslyallow" => Key("dangerously_allow"),
        "allowalloriginsenabled"
        | "allowallorigins"
        | "originallowall"
        | "allowall"
        | "allowanyorigin"
        | "allorigins"
        | "anyorigin"
        | "sendwildcard" => {
            Help("list \"*\" alone in allow_origins for any origin")
        }
        "allowanyheader" | "allowallheaders" => {
            Help("list \"*\" in allow_headers for any header")
        }
        "allowanymethod" | "allowallmethods" => {
            Help("list \"*\" alone in allow_methods for any method")
        }
        "allowprivatenetwork"
        | "privatenetwork"
        | "requestprivatenetwork"
        | "allowlocalnetwork"
        | "localnetwork" => Help(
            "remove it, since browsers ask the user before a page reaches a \
             private network, and no response header changes that",
        ),
        "vary" | "varyheader" | "addvaryheader" => {
            Help("remove it, since Vary is always sent where it is needed")
        }
        "preflightcontinue" | "optionspassthrough" | "optionspassthru" => {
            Help("remove it, since preflights never reach the application")
        }
        "alwayssend"
        | "automaticoptions"
        | "interceptexceptions"
        | "allowwildcard"
        | "enablecors"
        | "enable"
        | "enabled" => Help("remove it, since a policy always does that"),
        "allowbrowserextensions"
        | "allowfiles"
        | "allowwebsockets"
        | "customschemas" => Help("list each such origin in allow_origins"),
        "debug" | "logger" => {
            Help("remove it, and use \"cors explain\" to see what is decided")
        }
        "resources" | "path" | "paths" | "pathpatterns" | "routes"
        | "urls" | "mapping" | "mappings" => Help(
            "remove it, and choose the paths in the server's configuration",
        ),
        "rules" | "rule" | "configuration" => {
            Help("use one policy file per rule, with allow_origins at its top")
        }
        "nullorigin"
        | "insecureorigins"
        | "publicsuffixwildcards"
        | "loopbackorigins" => {
            Help("add it to the object \"dangerously_allow\"")
        }
        _ => return None,
    })
}

/// For all keys that take a regular expression.
const REGEX_HELP: &str = "list patterns in allow_origins, such as \
     https://*.example.com for one label, or https://**.example.com for one \
     or more, since regular expressions are not supported";
