//! The rules of `allow_methods`, `allow_headers` and `expose_headers`.

use std::borrow::Cow;
use std::ffi::CString;

use super::{At, Rules};
use crate::names::forbidden::{
    is_cors_header, is_forbidden_method, is_forbidden_request_header,
    is_forbidden_response_header,
};
use crate::names::methods::{self, METHOD_MAX, Methods};
use crate::names::request_headers::{HEADER_NAME_MAX, RequestHeaders};
use crate::names::set::Builder;
use crate::names::token::is_token;
use crate::policy::correction::has_variable;
use crate::policy::diagnostic::{Severity, quoted};
use crate::policy::document::{Type, Value};

/// What nginx (`proxy_buffer_size`), Apache (`responsefieldsize`) and others
/// take of a response's headers, or of one header, unless they are configured
/// for more.
const HEADERS_USUAL_MAX: usize = 8192;

/// Methods that people know in upper case, and browsers leave as they are
/// written: PATCH, QUERY (RFC 10008), and those of WebDAV.
fn is_registered(upper: &str) -> bool {
    matches!(
        upper,
        "ACL"
            | "COPY"
            | "LOCK"
            | "MKCALENDAR"
            | "MKCOL"
            | "MOVE"
            | "PATCH"
            | "PROPFIND"
            | "PROPPATCH"
            | "QUERY"
            | "REPORT"
            | "SEARCH"
            | "UNLOCK"
    )
}

/// The elements of an array of names.
#[derive(Clone, Copy)]
struct All {
    count: usize,
    /// Whether one is `*`.
    any: bool,
}

impl<'t> Rules<'t> {
    pub(super) fn methods(&mut self, value: Option<Value<'t>>) -> Methods {
        let mut any = false;
        let mut names = Methods::names();
        let mut safelisted = Builder::new("");
        self.names(value, "/allow_methods", |rules, at, name, all| {
            if name == "*" {
                any = true;
                if all.count > 1 {
                    rules.error(
                        at,
                        "methods-any-not-alone",
                        "\"*\" stands beside other methods, which it covers"
                            .into(),
                        "use \"*\" alone, or remove it",
                    );
                }
                return;
            }
            if !is_token(name.as_bytes()) || name.len() > METHOD_MAX {
                if has_variable(&name) {
                    return rules.variable(Severity::Error, at, &name);
                }
                return rules.error(
                    at,
                    "method-malformed",
                    format!("{} is not a method name", quoted(&name)),
                    "use one method name per array element, such as \"PUT\"",
                );
            }
            if is_forbidden_method(name.as_bytes()) {
                return rules.error(
                    at,
                    "method-forbidden",
                    format!("no browser sends {}", quoted(&name)),
                    "leave it out",
                );
            }
            let upper = name.to_ascii_uppercase();
            if methods::is_normalized_by_browsers(&name) && *name != upper {
                return rules.error(
                    at,
                    "method-case",
                    format!(
                        "{} never matches: browsers send {upper}",
                        quoted(&name)
                    ),
                    &format!("use \"{upper}\""),
                );
            }
            if is_registered(&upper) && *name != upper {
                rules.warning(
                    at,
                    "method-case",
                    format!(
                        "{} is not {upper}: methods are case-sensitive, and \
                         browsers do not change this one",
                        quoted(&name)
                    ),
                    &format!("use \"{upper}\" here and in scripts"),
                );
            }
            if name.contains('*') {
                rules.warning(
                    at,
                    "method-wildcard",
                    format!(
                        "{} never matches, since \"*\" is a wildcard only \
                         when it stands alone",
                        quoted(&name)
                    ),
                    "list each method",
                );
            }
            if has_variable(&name) {
                rules.variable(Severity::Warning, at, &name);
            }
            let set = match methods::is_safelisted(name.as_bytes()) {
                true => &mut safelisted,
                false => &mut names,
            };
            if !set.insert(name.as_bytes()) {
                rules.duplicate(at, &name);
            }
        });
        Methods::new(any, names)
    }

    pub(super) fn allow_headers(
        &mut self,
        value: Option<Value<'t>>,
    ) -> RequestHeaders {
        let mut any = false;
        let mut names = Builder::new("");
        self.names(value, "/allow_headers", |rules, at, name, all| {
            if name == "*" {
                if std::mem::replace(&mut any, true) {
                    rules.duplicate(at, &name);
                }
                return;
            }
            let Some(lower) = rules.header_name(at, &name) else { return };
            // No preflight asks for one, as no script can set it: a CORS-unsafe
            // request-header name is one of a request's header list, which
            // never gets a forbidden one (Fetch, Headers' append). So it can
            // stand in a policy without effect, and is dropped.
            if is_forbidden_request_header(lower.as_bytes()) {
                return rules.warning(
                    at,
                    "header-forbidden",
                    format!(
                        "browsers never ask for {}, so it has no effect",
                        quoted(&name)
                    ),
                    match lower.as_str() {
                        "cookie" | "cookie2" => {
                            "remove it, and set allow_credentials for cookies"
                        }
                        _ => "remove it",
                    },
                );
            }
            if !names.insert(lower.as_bytes()) {
                return rules.duplicate(at, &name);
            }
            if all.any && lower != "authorization" {
                rules.warning(
                    at,
                    "header-covered",
                    format!("{} is covered by \"*\"", quoted(&lower)),
                    "leave it out",
                );
            }
        });
        RequestHeaders::new(any, names)
    }

    pub(super) fn expose_headers(
        &mut self,
        value: Option<Value<'t>>,
        credentials: bool,
    ) -> Option<CString> {
        let mut names = Builder::new("");
        self.names(value, "/expose_headers", |rules, at, name, all| {
            if name == "*" {
                if all.count > 1 {
                    rules.error(
                        at,
                        "expose-any-not-alone",
                        "\"*\" stands beside other headers, which it covers"
                            .into(),
                        "use \"*\" alone, or remove it",
                    );
                }
                if credentials {
                    rules.error(
                        at,
                        "expose-any-credentials",
                        "with credentials browsers read \"*\" as the name of \
                         a header"
                            .into(),
                        "list the headers",
                    );
                }
                names.insert(name.as_bytes());
                return;
            }
            let Some(lower) = rules.header_name(at, &name) else { return };
            if is_forbidden_response_header(lower.as_bytes()) {
                return rules.error(
                    at,
                    "header-forbidden",
                    format!("no script can read {}", quoted(&name)),
                    "leave it out",
                );
            }
            if !names.insert(lower.as_bytes()) {
                rules.duplicate(at, &name);
            }
        });
        let names = names.build();
        (!names.list().is_empty()).then(|| names.into_list())
    }

    /// What both lists of header names have in common; the name in lower
    /// case.
    fn header_name(&mut self, at: &At<'t, '_>, name: &str) -> Option<String> {
        let lower = name.to_ascii_lowercase();
        if !is_token(name.as_bytes()) || name.len() > HEADER_NAME_MAX {
            if has_variable(name) {
                self.variable(Severity::Error, at, name);
                return None;
            }
            self.error(
                at,
                "header-malformed",
                format!("{} is not a header name", quoted(name)),
                "use one header name per array element, such as \
                 \"Content-Type\"",
            );
            return None;
        }
        if is_cors_header(lower.as_bytes()) {
            self.error(
                at,
                "header-cors",
                format!(
                    "{} belongs to CORS itself; the policy makes it",
                    quoted(name)
                ),
                "leave it out",
            );
            return None;
        }
        if name.contains('*') {
            self.warning(
                at,
                "header-wildcard",
                format!(
                    "{} never matches, since \"*\" is a wildcard only when \
                     it stands alone",
                    quoted(name)
                ),
                "list each header",
            );
        }
        if has_variable(name) {
            self.variable(Severity::Warning, at, name);
        }
        Some(lower)
    }

    /// Lists that clients and proxies refuse the response for.
    pub(super) fn long_lists(
        &mut self,
        member: &impl Fn(&str) -> Option<Value<'t>>,
        methods: &Methods,
        request_headers: &RequestHeaders,
        expose_headers: &Option<CString>,
    ) {
        let methods = match methods.any() {
            true => 0,
            false => methods.list().to_bytes().len(),
        };
        let headers = match request_headers.any() {
            true => 0,
            false => {
                request_headers.list().map_or(0, |list| list.to_bytes().len())
            }
        };
        let preflight = match methods > headers {
            true => ("allow_methods", "/allow_methods"),
            false => ("allow_headers", "/allow_headers"),
        };
        let expose =
            expose_headers.as_ref().map_or(0, |list| list.count_bytes());
        for ((key, pointer), bytes, of) in [
            (preflight, methods + headers, "preflight responses"),
            (("expose_headers", "/expose_headers"), expose, "responses"),
        ] {
            if bytes > HEADERS_USUAL_MAX
                && let Some(value) = member(key)
            {
                self.warning(
                    &At::member(value, pointer),
                    "list-too-long",
                    format!(
                        "{key} gives {of} {bytes} bytes of headers, but many \
                         clients and proxies take no more than \
                         {HEADERS_USUAL_MAX}"
                    ),
                    "list fewer names",
                );
            }
        }
    }

    /// Hands each string of an array of names to `each`, with what all of
    /// them are.
    fn names(
        &mut self,
        value: Option<Value<'t>>,
        pointer: &'static str,
        mut each: impl FnMut(&mut Self, &At<'t, 'static>, Cow<'t, str>, All),
    ) {
        let Some(value) = value else { return };
        let array = At::member(value, pointer);
        if self.expect(&array, Type::Array).is_none() {
            return;
        }
        let mut all = All { count: 0, any: false };
        array.each_element(|at| {
            all.count += 1;
            all.any |= at.valid_string().is_some_and(|name| name == "*");
        });
        array.each_element(|at| {
            if let Some(name) = self.string(&at) {
                each(self, &at, name, all);
            }
        });
    }

    pub(super) fn duplicate(&mut self, at: &At<'t, '_>, name: &str) {
        self.warning(
            at,
            "duplicate",
            format!("{} is there more than once", quoted(name)),
            "leave one of them out",
        );
    }
}
