//! Checks of `allow_methods`, `allow_headers` and `expose_headers`.

use std::borrow::Cow;
use std::ffi::{CStr, CString};

use super::{At, Members, Reader};
use crate::names::forbidden::{
    is_cors_header, is_forbidden_method, is_forbidden_request_header,
    is_forbidden_response_header,
};
use crate::names::methods::{self, METHOD_MAX, SAFELISTED};
use crate::names::request_headers::HEADER_NAME_MAX;
use crate::names::set::{Builder, Names};
use crate::names::token::is_token;
use crate::policy::correction::{has_variable, variable};
use crate::policy::diagnostic::{Code, Finding};
use crate::policy::document::Type;
use crate::policy::keys::{self, Key};

/// What nginx (`proxy_buffer_size`), Apache (`responsefieldsize`) and others
/// accept of a response's headers, or of one header, unless they are
/// configured for more.
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

/// The elements of an array.
#[derive(Clone, Copy)]
pub(super) struct All {
    pub(super) count: usize,
    /// Whether one is `*`.
    any: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn methods(&mut self, array: Option<At<'t, '_>>) -> Names {
        let mut names = Builder::new(SAFELISTED);
        let mut safelisted = Builder::new(c"");
        self.names(array, |reader, at, name, all| {
            if name == "*" {
                names.any = true;
                if all.count > 1 {
                    let what = "\"*\" already covers the other methods";
                    reader.error(at, || Code::MethodsAnyNotAlone.says(what));
                }
                return;
            }
            let (code, what) = (Code::MethodMalformed, "is not a method name");
            if !reader.token(at, &name, METHOD_MAX, (code, what)) {
                return;
            }
            if is_forbidden_method(name.as_bytes()) {
                let what = "is a method that browsers never send";
                reader.error(at, || Code::MethodForbidden.of(&name, what));
                return;
            }
            let upper = name.to_ascii_uppercase();
            let is_upper = *name == upper;
            if methods::is_normalized_by_browsers(&name) && !is_upper {
                reader.error(at, || {
                    let what = format!("never matches: browsers send {upper}");
                    let finding = Code::MethodCase.of(&name, &what);
                    finding.help(format!("use \"{upper}\""))
                });
                return;
            }
            if is_registered(&upper) && !is_upper {
                reader.warning(at, || {
                    let what = format!(
                        "is not {upper}: methods are case-sensitive, and \
                         browsers do not change this one"
                    );
                    Code::MethodCase
                        .of(&name, &what)
                        .help(format!("use \"{upper}\" here and in scripts"))
                });
            }
            reader.literal_star(at, &name, Code::MethodWildcard);
            let set = match methods::is_safelisted(name.as_bytes()) {
                true => &mut safelisted,
                false => &mut names,
            };
            if !set.insert(name.as_bytes()) {
                reader.warning(at, || duplicate(&name));
            }
        });
        names.build()
    }

    pub(super) fn allow_headers(
        &mut self,
        array: Option<At<'t, '_>>,
    ) -> Names {
        let mut names = Builder::new(c"");
        self.names(array, |reader, at, name, all| {
            if name == "*" {
                if std::mem::replace(&mut names.any, true) {
                    reader.warning(at, || duplicate(&name));
                }
                return;
            }
            let Some(lower) = reader.header_name(at, &name) else { return };
            // No preflight asks for one, as no script can set it: a CORS-unsafe
            // request-header name is one of a request's header list, which
            // never gets a forbidden one (Fetch, Headers' append). So it has
            // no effect, and is dropped.
            if is_forbidden_request_header(lower.as_bytes()) {
                reader.warning(at, || {
                    let what =
                        "has no effect, since browsers never ask for it";
                    let finding = Code::HeaderForbidden.of(&name, what);
                    match lower.as_str() {
                        "cookie" | "cookie2" => finding.help(
                            "remove it, and set allow_credentials for cookies",
                        ),
                        _ => finding,
                    }
                });
            } else if !names.insert(lower.as_bytes()) {
                reader.warning(at, || duplicate(&name));
            } else if all.any && lower != "authorization" {
                let what = "is already covered by \"*\"";
                reader.warning(at, || Code::HeaderCovered.of(&lower, what));
            }
        });
        names.build()
    }

    pub(super) fn expose_headers(
        &mut self,
        array: Option<At<'t, '_>>,
        credentials: bool,
    ) -> Option<CString> {
        let mut names = Builder::new(c"");
        self.names(array, |reader, at, name, all| {
            if name == "*" {
                if all.count > 1 {
                    let what = "\"*\" already covers the other headers";
                    reader.error(at, || Code::ExposeAnyNotAlone.says(what));
                }
                if credentials {
                    let what = "with credentials, browsers take \"*\" for a \
                                header's name, not for a wildcard";
                    reader.error(at, || Code::ExposeAnyCredentials.says(what));
                }
                names.insert(name.as_bytes());
                return;
            }
            let Some(lower) = reader.header_name(at, &name) else { return };
            if is_forbidden_response_header(lower.as_bytes()) {
                let what = "is a header that scripts can never read";
                reader.error(at, || Code::HeaderForbidden.of(&name, what));
            } else if !names.insert(lower.as_bytes()) {
                reader.warning(at, || duplicate(&name));
            }
        });
        let names = names.build();
        (!names.list().is_empty()).then(|| names.into_list())
    }

    /// What both lists of header names have in common; the name in lower
    /// case.
    fn header_name(&mut self, at: &At<'t, '_>, name: &str) -> Option<String> {
        let (code, what) = (Code::HeaderMalformed, "is not a header name");
        if !self.token(at, name, HEADER_NAME_MAX, (code, what)) {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        if is_cors_header(lower.as_bytes()) {
            let what = "is a CORS header, which libcors generates";
            self.error(at, || Code::HeaderCors.of(name, what));
            return None;
        }
        self.literal_star(at, name, Code::HeaderWildcard);
        Some(lower)
    }

    /// Whether a name is a token of at most `max` bytes.
    fn token(
        &mut self,
        at: &At<'t, '_>,
        name: &str,
        max: usize,
        (malformed, what): (Code, &str),
    ) -> bool {
        let is_token = is_token(name.as_bytes()) && name.len() <= max;
        match (is_token, has_variable(name)) {
            (true, true) => self.warning(at, || variable(name)),
            (true, false) => {}
            (false, true) => self.error(at, || variable(name)),
            (false, false) => self.error(at, || malformed.of(name, what)),
        }
        is_token
    }

    /// A name with a star inside, which has no meaning of its own there.
    fn literal_star(&mut self, at: &At<'t, '_>, name: &str, code: Code) {
        if name.contains('*') {
            let what = "never matches, since \"*\" is a wildcard only when it \
                        is alone";
            self.warning(at, || code.of(name, what));
        }
    }

    /// Lists for which clients and proxies reject the response.
    pub(super) fn long_lists(
        &mut self,
        members: &Members<'t>,
        methods: &Names,
        request_headers: &Names,
        expose_headers: &Option<CString>,
    ) {
        let [methods, headers] =
            [methods, request_headers].map(|names| match names.any() {
                true => 0,
                false => names.list().count_bytes(),
            });
        let preflight = match methods > headers {
            true => &keys::ALLOW_METHODS,
            false => &keys::ALLOW_HEADERS,
        };
        let exposed = expose_headers.as_deref().map_or(0, CStr::count_bytes);
        for (key, bytes, of) in [
            (preflight, methods + headers, "preflight responses"),
            (&keys::EXPOSE_HEADERS, exposed, "responses"),
        ] {
            if let Some(at) = members.get(key) {
                self.long_list(&at, key, bytes, of);
            }
        }
    }

    /// The same for one list, which gives responses so many bytes.
    pub(super) fn long_list(
        &mut self,
        at: &At<'t, '_>,
        key: &Key,
        bytes: usize,
        of: &str,
    ) {
        if bytes > HEADERS_USUAL_MAX {
            let message = format!(
                "{} gives {of} {bytes} bytes of headers, but many clients \
                 and proxies accept no more than {HEADERS_USUAL_MAX}",
                key.name()
            );
            self.warning(at, || Code::ListTooLong.says(message));
        }
    }

    /// Hands each string of an array to `each`, with what all of them are.
    pub(super) fn names(
        &mut self,
        array: Option<At<'t, '_>>,
        mut each: impl FnMut(&mut Self, &At<'t, '_>, Cow<'t, str>, All),
    ) -> Option<All> {
        let array = array?;
        self.expect(&array, Type::Array)?;
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
        Some(all)
    }
}

pub(super) fn duplicate(name: &str) -> Finding {
    Code::Duplicate.of(name, "is listed more than once")
}
