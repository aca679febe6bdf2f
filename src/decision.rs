//! The decision: which headers a response gets, and how a preflight is
//! answered.
//!
//! Everything that does not depend on the request is made when the policy is
//! loaded. A decision only points to that and to the request's bytes.

use std::ffi::CStr;

use crate::fetch_metadata;
use crate::names::{Refusal, methods, request_headers};
use crate::origin::syntax::{self, Origin};
use crate::policy::{Permissions, Policy, Rule};
use crate::request::{Received, Request};

/// Room for headers in a decision, of which seven at most are used.
pub(crate) const HEADERS_MAX: usize = 8;

/// The body, as `text/plain`, of the response to a blocked request: a person may
/// see it.
pub const BLOCKED_BODY: &str =
    "This request was blocked, because it came from another site.\n";

/// What a response gets. It points to the policy and to the request's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The kind of request, and whether it gets permission.
    pub verdict: Verdict,
    /// Why it does not.
    pub reason: Reason,
    /// If this is not 0, respond now, with this status, and without a body. A
    /// blocked request gets [`BLOCKED_BODY`].
    pub status: u16,
    /// The method or header name that was not allowed: a token.
    pub culprit: Option<&'a [u8]>,
    /// The policy's pattern that the origin matched.
    pub pattern: Option<&'a [u8]>,
    headers: Headers<'a>,
}

/// A response header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// In lower case.
    pub name: &'static str,
    /// Visible ASCII, spaces and tabs.
    pub value: &'a [u8],
}

/// A decision without its headers.
pub(crate) struct Outcome<'a> {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Reason,
    pub(crate) status: u16,
    pub(crate) culprit: Option<&'a [u8]>,
    pub(crate) pattern: Option<&'a [u8]>,
}

/// The kinds of decision: a decision's verdict. Later versions may add some;
/// a server acts on the status and the headers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The request has no Origin, so it is not a CORS request (Fetch standard,
    /// section "CORS protocol", "HTTP requests").
    NotCors = 0,
    /// An actual request whose response the origin may read.
    Allowed = 1,
    /// An actual request that gets no permission header. It is not blocked.
    /// POLICY.md, "What refused means", says why a site's own requests can be
    /// among these.
    Refused = 2,
    /// A preflight (OPTIONS with Origin and Access-Control-Request-Method).
    /// After its response the browser sends the actual request.
    PreflightAllowed = 3,
    /// A preflight after whose response the browser does not send the actual
    /// request.
    PreflightRefused = 4,
    /// A request from a page of the same origin, which needs no permission, and
    /// gets none since no pattern matches its origin.
    SameOrigin = 5,
    /// A request that the policy's `block` names, from an origin that the
    /// policy does not trust. It must not reach the application.
    Blocked = 6,
}

/// Why a decision refuses: a decision's reason. Later versions may add some.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing was refused.
    None = 0,
    /// No pattern of the policy matches the origin.
    OriginNotAllowed = 1,
    /// Origin is not one serialized origin (HTML standard, "ASCII
    /// serialization of an origin"), or it is too long.
    OriginMalformed = 2,
    /// The requested method is not allowed; it is the culprit.
    MethodNotAllowed = 3,
    /// Access-Control-Request-Method is not a token (RFC 9110, section 5.6.2),
    /// or it is too long.
    MethodMalformed = 4,
    /// A requested header is not allowed; the first such one is the culprit.
    HeaderNotAllowed = 5,
    /// Access-Control-Request-Headers is not a list of tokens (RFC 9110,
    /// section 5.6.1), or it is too long.
    HeadersMalformed = 6,
    /// The request comes from another site's page, and `block` names its kind.
    CrossSite = 7,
}

impl Policy {
    /// Decides. Allocates nothing; linear in the request's bytes.
    ///
    /// The classes are those of the Fetch standard: a [CORS request] has an
    /// `Origin` header, and a [CORS-preflight request] is an OPTIONS request
    /// that also has `Access-Control-Request-Method`.
    ///
    /// [CORS request]: https://fetch.spec.whatwg.org/#cors-request
    /// [CORS-preflight request]: https://fetch.spec.whatwg.org/#cors-preflight-request
    pub fn evaluate<'a>(&'a self, request: &Request<'a>) -> Decision<'a> {
        let mut headers = Headers::default();
        let outcome = self.decide(request, &mut headers);
        let outcome = outcome.expect("a request has all its members");
        let Outcome { verdict, reason, status, culprit, pattern } = outcome;
        Decision { verdict, reason, status, culprit, pattern, headers }
    }

    /// The same, without a copy of the request or of the headers. `None` if
    /// the request cannot be read.
    pub(crate) fn decide<'a>(
        &'a self,
        request: &impl Received<'a>,
        response: &mut impl Response<'a>,
    ) -> Option<Outcome<'a>> {
        let options = request.method() == Some(b"OPTIONS");
        let origin = request.origin();
        // A bug, for tests of what callers do then: `make faulty`.
        #[cfg(cors_faulty)]
        assert_ne!(origin, Some(&b"https://panic.test"[..]));
        if options
            && let Some(origin) = origin
            && let Some(method) = request.request_method()
        {
            let headers = request.request_headers().unwrap_or_default();
            let outcome = self.preflight(origin, method, headers, response);
            response.add(VARY_OPTIONS);
            return Some(outcome);
        }
        let outcome = self.actual(origin, request, response)?;
        if self.always_varies && !options {
            response.add(VARY_ORIGIN);
            return Some(outcome);
        }
        if !self.block.is_empty() {
            let Outcome { verdict, reason, pattern, .. } = outcome;
            if self.stops(verdict, pattern, request)? {
                let reason = match pattern {
                    None if reason != Reason::None => reason,
                    None | Some(_) => Reason::CrossSite,
                };
                return Some(block(reason, pattern, response));
            }
        }
        // The same for all, since browsers send no Origin with most of the
        // requests whose timing is read.
        if let Some(origins) = &self.timing_allow_origins {
            response.add(header(TIMING_ALLOW_ORIGIN, origins.to_bytes()));
        }
        // A shared cache must not serve one origin's response to another.
        // Some caches store responses to OPTIONS, too.
        if options {
            response.add(VARY_OPTIONS);
        } else if !self.is_for_all {
            response.add(VARY_ORIGIN);
        }
        Some(outcome)
    }
}

/// What the headers of a decision are added to, without a copy.
pub(crate) trait Response<'a> {
    /// At most [`HEADERS_MAX`] are added.
    fn add(&mut self, header: Header<'a>);

    /// Removes them.
    fn clear(&mut self);
}

#[derive(Clone, Copy, Debug)]
struct Headers<'a> {
    headers: [Header<'a>; HEADERS_MAX],
    count: usize,
}

impl Default for Headers<'_> {
    fn default() -> Self {
        Self { headers: [header("", b""); HEADERS_MAX], count: 0 }
    }
}

impl<'a> Response<'a> for Headers<'a> {
    fn add(&mut self, header: Header<'a>) {
        self.headers[self.count] = header;
        self.count += 1;
    }

    fn clear(&mut self) {
        self.count = 0;
    }
}

impl<'a> Decision<'a> {
    /// The headers to add; a name can appear twice.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> {
        self.headers.headers.into_iter().take(self.headers.count)
    }
}

#[inline(never)]
fn is_same_origin<'a>(request: &impl Received<'a>) -> Option<bool> {
    Some(fetch_metadata::is_same_origin(&request.read()?))
}

/// What a server sends if nothing can be decided: no permission, and nothing
/// that a cache could serve to another request.
pub(crate) fn denial<'a>(response: &mut impl Response<'a>) -> Outcome<'a> {
    response.add(VARY_OPTIONS);
    Outcome::bare(Verdict::Refused, Reason::None)
}

/// What a server sends instead of the application's response. It is not for a
/// cache, which could serve it to a page that is not blocked.
pub(crate) fn block<'a>(
    reason: Reason,
    pattern: Option<&'a [u8]>,
    response: &mut impl Response<'a>,
) -> Outcome<'a> {
    response.clear();
    response.add(VARY_ORIGIN);
    response.add(header(CACHE_CONTROL, c"no-store".to_bytes()));
    Outcome {
        status: REFUSED_STATUS,
        pattern,
        ..Outcome::bare(Verdict::Blocked, reason)
    }
}

impl Outcome<'_> {
    fn bare(verdict: Verdict, reason: Reason) -> Self {
        Self { verdict, reason, status: 0, culprit: None, pattern: None }
    }
}

impl Policy {
    fn actual<'a>(
        &'a self,
        origin: Option<&'a [u8]>,
        request: &impl Received<'a>,
        response: &mut impl Response<'a>,
    ) -> Option<Outcome<'a>> {
        let Some(origin) = origin else {
            // With `*`, the same bytes as with an Origin: a cache may store
            // either.
            let pattern = self.any_origin.then(|| {
                self.permit(b"", ANY, response);
                ANY
            });
            let not_cors = Outcome::bare(Verdict::NotCors, Reason::None);
            return Some(Outcome { pattern, ..not_cors });
        };
        Some(match self.match_origin(origin) {
            Ok(pattern) => {
                self.permit(origin, pattern, response);
                let pattern = Some(pattern);
                let allowed = Outcome::bare(Verdict::Allowed, Reason::None);
                Outcome { pattern, ..allowed }
            }
            Err(_) if request.tells_site() && is_same_origin(request)? => {
                Outcome::bare(Verdict::SameOrigin, Reason::None)
            }
            Err(reason) => Outcome::bare(Verdict::Refused, reason),
        })
    }

    /// Permits to read the response.
    #[inline(always)]
    fn permit<'a>(
        &'a self,
        origin: &'a [u8],
        pattern: &[u8],
        response: &mut impl Response<'a>,
    ) {
        let permissions = self.permissions_of(pattern);
        permissions.send_origin(origin, response);
        if let Some(names) = &permissions.expose_headers {
            response.add(header(EXPOSE_HEADERS, names.to_bytes()));
        }
    }

    /// Whether `block` keeps an actual request from the application. `None` if
    /// the request cannot be read.
    #[inline(never)]
    fn stops<'a>(
        &self,
        verdict: Verdict,
        pattern: Option<&[u8]>,
        request: &impl Received<'a>,
    ) -> Option<bool> {
        // Any page can have an origin that `*` or `null` matches.
        let is_listed = !matches!(pattern, None | Some(ANY | NULL));
        if is_listed || verdict == Verdict::SameOrigin {
            return Some(false);
        }
        Some(self.block.stops(&request.read()?))
    }

    fn preflight<'a>(
        &'a self,
        origin: &'a [u8],
        method: &'a [u8],
        headers: &'a [u8],
        response: &mut impl Response<'a>,
    ) -> Outcome<'a> {
        let refused = |reason, pattern| Outcome {
            status: REFUSED_STATUS,
            pattern,
            ..Outcome::bare(Verdict::PreflightRefused, reason)
        };
        let pattern = match self.match_origin(origin) {
            Ok(pattern) => pattern,
            Err(reason) => return refused(reason, None),
        };
        let permissions = self.permissions_of(pattern);
        let pattern = Some(pattern);
        let names = &permissions.request_headers;
        let checked = methods::check(&permissions.methods, method);
        let (reason, culprit) = match checked {
            Err(Refusal::Malformed) => {
                return refused(Reason::MethodMalformed, pattern);
            }
            Err(Refusal::NotAllowed(name)) => {
                (Reason::MethodNotAllowed, Some(name))
            }
            Ok(()) => match request_headers::check(names, headers) {
                Err(Refusal::Malformed) => {
                    return refused(Reason::HeadersMalformed, pattern);
                }
                Err(Refusal::NotAllowed(name)) => {
                    (Reason::HeaderNotAllowed, Some(name))
                }
                Ok(()) => (Reason::None, None),
            },
        };
        // The browser itself refuses a method or header that is not allowed:
        // the lists do not have it, and its console names it.
        permissions.send_origin(origin, response);
        permissions.send_methods(method, reason, response);
        permissions.send_headers(headers, reason, culprit, response);
        let verdict = if reason == Reason::None {
            if let Some(max_age) = &permissions.max_age {
                response.add(header(MAX_AGE, max_age.to_bytes()));
            }
            Verdict::PreflightAllowed
        } else {
            Verdict::PreflightRefused
        };
        let status = self.preflight_status;
        Outcome { verdict, reason, status, culprit, pattern }
    }

    /// The pattern that allows `origin`, in the first rule that does.
    #[inline(always)]
    fn match_origin(&self, origin: &[u8]) -> Result<&[u8], Reason> {
        if self.is_for_all {
            return Ok(ANY);
        }
        // An exact pattern passed the parser when the policy was loaded, so
        // the same bytes need not pass it again. All others must, before any
        // wildcard is tried. No earlier rule has a wildcard that matches an
        // exact pattern of the set.
        if let Some(pattern) = self.origins.find_exact(origin) {
            return Ok(pattern);
        }
        let (found, reason) = match &syntax::parse(origin) {
            None => (None, Reason::OriginMalformed),
            Some(Origin::Opaque) => {
                let null = self.null_origin.map(|_| NULL);
                (null, Reason::OriginNotAllowed)
            }
            Some(Origin::Tuple(tuple)) => {
                let found = self.origins.find_wildcard(origin, tuple);
                (found, Reason::OriginNotAllowed)
            }
        };
        // After all others, the last rule may be for any origin.
        found.or(self.any_origin.then_some(ANY)).ok_or(reason)
    }

    /// What the rule permits that a pattern which was matched is of.
    #[inline]
    fn permissions_of(&self, pattern: &[u8]) -> &Permissions {
        self.only_permissions()
            .unwrap_or_else(|| self.permissions(self.number_of(pattern)))
    }

    /// The number, from 0, of the rule that a matched pattern is of.
    #[inline(never)]
    fn number_of(&self, pattern: &[u8]) -> usize {
        match (pattern, self.null_origin) {
            (ANY, _) => self.rules().len() - 1,
            (NULL, Some(rule)) => rule,
            _ => self.origins.rule_of(pattern),
        }
    }

    /// The rule that decides about a request: the first one of which a pattern
    /// matches the origin.
    pub fn rule_for(&self, request: &Request<'_>) -> Option<Rule<'_>> {
        let pattern = match request.origin {
            Some(origin) => self.match_origin(origin).ok()?,
            None => self.any_origin.then_some(ANY)?,
        };
        self.rules().nth(self.number_of(pattern))
    }
}

impl Permissions {
    fn send_origin<'a>(
        &'a self,
        origin: &'a [u8],
        response: &mut impl Response<'a>,
    ) {
        let value = if self.any_origin { ANY } else { origin };
        response.add(header(ALLOW_ORIGIN, value));
        if self.credentials {
            response.add(header(ALLOW_CREDENTIALS, c"true".to_bytes()));
        }
    }

    /// On a refusal (method_not_allowed, header_not_allowed), nothing is copied
    /// from the request: vectors/methods.json, "refused and not echoed".
    ///
    /// Always sends a list: without the header, a browser takes the requested
    /// method for allowed if its use-CORS-preflight flag is set
    /// ([CORS-preflight fetch], on "methods is null").
    ///
    /// [CORS-preflight fetch]: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    fn send_methods<'a>(
        &'a self,
        method: &'a [u8],
        reason: Reason,
        response: &mut impl Response<'a>,
    ) {
        let (list, more) = if !self.methods.any() {
            (self.methods.list(), None)
        } else if !self.credentials {
            // The wildcard would allow a method called "*": browsers compare
            // the names before they look for a wildcard.
            let star = method == b"*";
            (if star { methods::SAFELISTED } else { c"*" }, None)
        } else if reason != Reason::None || methods::is_safelisted(method) {
            // A refusal repeats neither the method nor the headers.
            (methods::SAFELISTED, None)
        } else {
            // With credentials, "*" is not a wildcard. The usual methods have
            // a value ready; any other is in a field of its own, which makes
            // the same list (RFC 9110, section 5.3).
            match methods::with_safelisted(method) {
                Some(list) => (list, None),
                None => (methods::SAFELISTED, Some(method)),
            }
        };
        response.add(header(ALLOW_METHODS, list.to_bytes()));
        if let Some(method) = more {
            response.add(header(ALLOW_METHODS, method));
        }
    }

    fn send_headers<'a>(
        &'a self,
        headers: &'a [u8],
        reason: Reason,
        culprit: Option<&'a [u8]>,
        response: &mut impl Response<'a>,
    ) {
        let names = &self.request_headers;
        let list = || match names.list().to_bytes() {
            [] => None,
            list => Some(list),
        };
        let is_refused = |name: &[u8]| {
            reason == Reason::HeaderNotAllowed
                && culprit.is_some_and(|c| c.eq_ignore_ascii_case(name))
        };
        let value = if !names.any() {
            list()
        } else if is_refused(b"authorization") {
            // Browsers let "*" cover "Authorization", whatever the standard
            // says, so nothing is listed at all.
            None
        } else if self.credentials {
            // With credentials, "*" is not a wildcard.
            match reason == Reason::None {
                true => has_names(headers).then_some(headers),
                false => list(),
            }
        } else if is_refused(b"*") {
            // In the list, "*" is also the name of a header called "*".
            None
        } else {
            let named = names.contains(b"authorization");
            let list = if named { c"*,authorization" } else { c"*" };
            Some(list.to_bytes())
        };
        if let Some(value) = value {
            response.add(header(ALLOW_HEADERS, value));
        }
    }
}

/// Whether a well-formed list of names has any.
fn has_names(list: &[u8]) -> bool {
    list.iter().any(|byte| !b", \t".contains(byte))
}

/// Each variant once, with its name.
macro_rules! names {
    ($type:ident: $($variant:ident $name:literal,)*) => {
        impl $type {
            /// By number.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// `preflight_allowed` and the like, as in the C ABI and in logs.
            pub fn name(self) -> &'static str {
                text(self.c_name())
            }

            pub(crate) fn c_name(self) -> &'static CStr {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

names! { Verdict:
    NotCors c"not_cors",
    Allowed c"allowed",
    Refused c"refused",
    PreflightAllowed c"preflight_allowed",
    PreflightRefused c"preflight_refused",
    SameOrigin c"same_origin",
    Blocked c"blocked",
}

names! { Reason:
    None c"none",
    OriginNotAllowed c"origin_not_allowed",
    OriginMalformed c"origin_malformed",
    MethodNotAllowed c"method_not_allowed",
    MethodMalformed c"method_malformed",
    HeaderNotAllowed c"header_not_allowed",
    HeadersMalformed c"headers_malformed",
    CrossSite c"cross_site",
}

/// Of a preflight response without permission headers, and of a blocked request.
const REFUSED_STATUS: u16 = 403;

/// The headers' names. For C callers, a NUL follows each of them, and each
/// value that belongs to the policy or the library.
const ALLOW_ORIGIN: &str = text(c"access-control-allow-origin");
const ALLOW_CREDENTIALS: &str = text(c"access-control-allow-credentials");
const ALLOW_METHODS: &str = text(c"access-control-allow-methods");
const ALLOW_HEADERS: &str = text(c"access-control-allow-headers");
const EXPOSE_HEADERS: &str = text(c"access-control-expose-headers");
const TIMING_ALLOW_ORIGIN: &str = text(c"timing-allow-origin");
const CACHE_CONTROL: &str = text(c"cache-control");
const MAX_AGE: &str = text(c"access-control-max-age");
const VARY: &str = text(c"vary");

const ANY: &[u8] = c"*".to_bytes();
const NULL: &[u8] = c"null".to_bytes();

const VARY_ORIGIN: Header<'_> = header(VARY, c"origin".to_bytes());
const VARY_OPTIONS: Header<'_> = header(
    VARY,
    c"origin, access-control-request-method, access-control-request-headers"
        .to_bytes(),
);

const fn header<'a>(name: &'static str, value: &'a [u8]) -> Header<'a> {
    Header { name, value }
}

const fn text(name: &'static CStr) -> &'static str {
    match name.to_str() {
        Ok(text) => text,
        Err(_) => panic!("header names are ASCII"),
    }
}
