//! The rules of `allow_methods`, `allow_headers` and `expose_headers`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::CString;

use super::{At, Rules, c_string};
use crate::header_names::{
    HEADER_NAME_MAX, RequestHeaders, is_cors_header,
    is_forbidden_request_header, is_forbidden_response_header,
};
use crate::method::{self, METHOD_MAX, Methods};
use crate::policy::diagnostic::quoted;
use crate::policy::document::{Type, Value};

impl<'t> Rules<'t> {
    pub(super) fn methods(&mut self, value: Option<Value<'t>>) -> Methods {
        let mut any = false;
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        self.names(value, "/allow_methods", |rules, at, name, count| {
            if name == "*" {
                any = true;
                if count > 1 {
                    rules.error(
                        at,
                        "methods-any-not-alone",
                        "\"*\" stands beside other methods, which it covers"
                            .into(),
                        "write [\"*\"], or leave it out",
                    );
                }
                return;
            }
            if !method::is_token(name.as_bytes()) || name.len() > METHOD_MAX {
                return rules.error(
                    at,
                    "method-malformed",
                    format!("{} is not a method name", quoted(&name)),
                    "write names such as \"PUT\", one an element",
                );
            }
            if method::is_forbidden(name.as_bytes()) {
                return rules.error(
                    at,
                    "method-forbidden",
                    format!("no browser sends {}", quoted(&name)),
                    "leave it out",
                );
            }
            let upper = name.to_ascii_uppercase();
            if method::is_normalized_by_browsers(&name) && *name != upper {
                return rules.error(
                    at,
                    "method-case",
                    format!(
                        "{} never matches: browsers send {upper}",
                        quoted(&name)
                    ),
                    &format!("write \"{upper}\""),
                );
            }
            if name == "patch" {
                rules.warning(
                    at,
                    "method-case",
                    "\"patch\" is not PATCH: methods are case-sensitive, and \
                     browsers do not change this one"
                        .into(),
                    "write \"PATCH\", and have scripts write it so",
                );
            }
            if !seen.insert(name.clone()) {
                return rules.duplicate(at, &name);
            }
            names.push(name);
        });
        Methods::new(any, &names)
    }

    pub(super) fn allow_headers(
        &mut self,
        value: Option<Value<'t>>,
    ) -> RequestHeaders {
        let mut any = false;
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        self.names(value, "/allow_headers", |rules, at, name, _| {
            if name == "*" {
                if std::mem::replace(&mut any, true) {
                    rules.duplicate(at, &name);
                }
                return;
            }
            let Some(lower) = rules.header_name(at, &name) else { return };
            if is_forbidden_request_header(lower.as_bytes()) {
                return rules.error(
                    at,
                    "header-forbidden",
                    format!(
                        "{} is set by the browser; no script can",
                        quoted(&name)
                    ),
                    "leave it out",
                );
            }
            if !seen.insert(lower.clone()) {
                return rules.duplicate(at, &name);
            }
            names.push((lower, *at));
        });
        for (name, at) in names.iter().filter(|_| any) {
            if name != "authorization" {
                self.warning(
                    at,
                    "header-covered",
                    format!("{} is covered by \"*\"", quoted(name)),
                    "leave it out",
                );
            }
        }
        let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
        RequestHeaders::new(any, &names)
    }

    pub(super) fn expose_headers(
        &mut self,
        value: Option<Value<'t>>,
        credentials: bool,
    ) -> Option<CString> {
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        self.names(value, "/expose_headers", |rules, at, name, count| {
            if name == "*" {
                if count > 1 {
                    rules.error(
                        at,
                        "expose-any-not-alone",
                        "\"*\" stands beside other headers, which it covers"
                            .into(),
                        "write [\"*\"], or leave it out",
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
                return names.push(name.into_owned());
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
            if !seen.insert(lower.clone()) {
                return rules.duplicate(at, &name);
            }
            names.push(lower);
        });
        (!names.is_empty()).then(|| c_string(names.join(",")))
    }

    /// What both lists of header names have in common; the name in lower
    /// case.
    fn header_name(&mut self, at: &At<'t, '_>, name: &str) -> Option<String> {
        let lower = name.to_ascii_lowercase();
        if !method::is_token(name.as_bytes()) || name.len() > HEADER_NAME_MAX {
            self.error(
                at,
                "header-malformed",
                format!("{} is not a header name", quoted(name)),
                "write names such as \"Content-Type\", one an element",
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
        Some(lower)
    }

    /// Hands each string of an array of names to `each`, with the number of
    /// elements.
    fn names(
        &mut self,
        value: Option<Value<'t>>,
        pointer: &'static str,
        mut each: impl FnMut(&mut Self, &At<'t, 'static>, Cow<'t, str>, usize),
    ) {
        let Some(value) = value else { return };
        let array = At::member(value, pointer);
        if self.expect(&array, Type::Array).is_none() {
            return;
        }
        let mut count = 0;
        array.each_element(|_| count += 1);
        array.each_element(|at| {
            if let Some(name) = self.string(&at) {
                each(self, &at, name, count);
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
