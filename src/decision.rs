//! The decision: which headers a response gets and how a preflight is
//! answered.
//!
//! Everything that does not depend on the request is made when the policy is
//! loaded; a decision only points to it and to the request's own bytes.

use std::ffi::{CStr, CString};

use crate::header_names::{HeadersCheck, RequestHeaders};
use crate::method::{self, MethodCheck, Methods};
use crate::origin::set::OriginSet;
use crate::origin::syntax::{self, Origin};
use crate::policy::Policy;

/// Room for headers in a decision, of which seven at most are used.
pub(crate) const HEADERS_MAX: usize = NAMES.len();

/// What a decision depends on. `None` is an absent header, which is not an
/// empty one. Several lines of one header are joined with commas, spaces and
/// tabs around a value stripped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The request's method, in its own case.
    pub method: Option<&'a [u8]>,
    /// `Origin`
    pub origin: Option<&'a [u8]>,
    /// `Access-Control-Request-Method`
    pub request_method: Option<&'a [u8]>,
    /// `Access-Control-Request-Headers`
    pub request_headers: Option<&'a [u8]>,
}

/// What a response gets. It points to the policy and to the request's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The kind of request, and whether it gets permission.
    pub verdict: Verdict,
    /// Why not.
    pub reason: Reason,
    /// Where not 0: answer now, with this status and no body.
    pub status: u16,
    /// The method or header name that was not allowed. Always a token.
    pub culprit: Option<&'a [u8]>,
    /// The policy's pattern that the origin matched.
    pub pattern: Option<&'a [u8]>,
    values: [Option<&'a [u8]>; HEADERS_MAX],
}

/// A response header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// In lower case.
    pub name: &'static str,
    /// Visible ASCII, spaces and tabs.
    pub value: &'a [u8],
}

/// The kinds of decision. Later versions may have more. The numbers are those
/// of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The request has no `Origin`.
    NotCors = 0,
    /// An actual request whose response the origin may read.
    Allowed = 1,
    /// An actual request that gets no permission header. It is not blocked:
    /// the browser keeps the response from the page. Browsers send `Origin`
    /// with same-origin `POST`, `PUT`, `DELETE` and WebSocket handshakes too,
    /// so a site that does not list its own origin sees its own forms here.
    Refused = 2,
    /// A preflight after which the browser sends the actual request.
    PreflightAllowed = 3,
    /// A preflight after which it does not.
    PreflightRefused = 4,
}

/// Why a decision refuses. Later versions may have more. The numbers are those
/// of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing was refused.
    None = 0,
    /// No pattern of the policy matches.
    OriginNotAllowed = 1,
    /// Not one serialized origin, or too long.
    OriginMalformed = 2,
    /// The requested method is not allowed.
    MethodNotAllowed = 3,
    /// `Access-Control-Request-Method` is not a token, or too long.
    MethodMalformed = 4,
    /// A requested header is not allowed.
    HeaderNotAllowed = 5,
    /// `Access-Control-Request-Headers` is not a list of tokens, or too long.
    HeadersMalformed = 6,
}

/// A policy as [`Policy::evaluate`] needs it.
pub(crate) struct Answers {
    pub(crate) any_origin: bool,
    pub(crate) null_origin: bool,
    pub(crate) origins: OriginSet,
    pub(crate) credentials: bool,
    pub(crate) methods: Methods,
    pub(crate) request_headers: RequestHeaders,
    /// The value of `Access-Control-Expose-Headers`.
    pub(crate) expose_headers: Option<CString>,
    /// The value of `Access-Control-Max-Age`.
    pub(crate) max_age: Option<CString>,
    pub(crate) preflight_status: u16,
}

impl Policy {
    /// Decides. Allocates nothing; linear in the request's bytes.
    ///
    /// The classes are those of the Fetch standard: a [CORS request] has an
    /// `Origin` header, a [CORS-preflight request] is an OPTIONS request with
    /// `Access-Control-Request-Method` besides.
    ///
    /// [CORS request]: https://fetch.spec.whatwg.org/#cors-request
    /// [CORS-preflight request]: https://fetch.spec.whatwg.org/#cors-preflight-request
    pub fn evaluate<'a>(&'a self, request: &Request<'a>) -> Decision<'a> {
        let answers = self.answers();
        let options = request.method == Some(b"OPTIONS");
        let mut decision = Decision::new(Verdict::NotCors);
        match (request.origin, request.request_method) {
            (Some(origin), Some(method)) if options => {
                let headers = request.request_headers.unwrap_or_default();
                answers.preflight(&mut decision, origin, method, headers);
            }
            (origin, _) => answers.actual(&mut decision, origin),
        }
        // A shared cache must not hand one origin's answer to another.
        // Some caches store answers to OPTIONS too.
        if options {
            decision.set(Name::Vary, VARY_OPTIONS.to_bytes());
        } else if !answers.any_origin {
            decision.set(Name::Vary, VARY_ORIGIN.to_bytes());
        }
        decision
    }
}

impl<'a> Decision<'a> {
    /// The headers to add; a name can come twice.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> {
        NAMES.iter().zip(self.values).filter_map(|(name, value)| {
            value.map(|value| Header { name, value })
        })
    }

    /// What a host sends when nothing could be decided: no permission, and
    /// nothing that a cache could keep for another request.
    pub(crate) fn denial() -> Self {
        let mut decision = Self::new(Verdict::Refused);
        decision.set(Name::Vary, VARY_OPTIONS.to_bytes());
        decision
    }

    fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            reason: Reason::None,
            status: 0,
            culprit: None,
            pattern: None,
            values: [None; HEADERS_MAX],
        }
    }

    fn set(&mut self, name: Name, value: &'a [u8]) {
        self.values[name as usize] = Some(value);
    }
}

impl Answers {
    fn actual<'a>(
        &'a self,
        decision: &mut Decision<'a>,
        origin: Option<&'a [u8]>,
    ) {
        let Some(origin) = origin else {
            if self.any_origin {
                // The same bytes as with an Origin: a cache may keep either.
                decision.pattern = Some(ANY);
                self.push_origin(decision, b"");
                self.push_expose_headers(decision);
            }
            return;
        };
        match self.match_origin(origin) {
            Ok(pattern) => {
                decision.verdict = Verdict::Allowed;
                decision.pattern = Some(pattern);
                self.push_origin(decision, origin);
                self.push_expose_headers(decision);
            }
            Err(reason) => {
                decision.verdict = Verdict::Refused;
                decision.reason = reason;
            }
        }
    }

    fn preflight<'a>(
        &'a self,
        decision: &mut Decision<'a>,
        origin: &'a [u8],
        method: &'a [u8],
        headers: &'a [u8],
    ) {
        let pattern = match self.match_origin(origin) {
            Ok(pattern) => pattern,
            Err(reason) => {
                decision.verdict = Verdict::PreflightRefused;
                decision.reason = reason;
                decision.status = REFUSED_STATUS;
                return;
            }
        };
        let method_check = self.methods.check(method);
        let headers_check = match method_check {
            MethodCheck::Allowed => self.request_headers.check(headers),
            // Never looked at.
            _ => HeadersCheck::Nothing,
        };
        (decision.reason, decision.culprit) =
            match (method_check, headers_check) {
                (MethodCheck::Malformed, _) => (Reason::MethodMalformed, None),
                (MethodCheck::NotAllowed, _) => {
                    (Reason::MethodNotAllowed, Some(method))
                }
                (_, HeadersCheck::Malformed) => {
                    (Reason::HeadersMalformed, None)
                }
                (_, HeadersCheck::NotAllowed(name)) => {
                    (Reason::HeaderNotAllowed, Some(name))
                }
                _ => (Reason::None, None),
            };
        decision.pattern = Some(pattern);
        decision.verdict = match decision.reason {
            Reason::None => Verdict::PreflightAllowed,
            _ => Verdict::PreflightRefused,
        };
        if let Reason::MethodMalformed | Reason::HeadersMalformed =
            decision.reason
        {
            decision.status = REFUSED_STATUS;
            return;
        }
        // A method or header that is not allowed is refused by the browser
        // itself, from the lists that it gets; its console then names it.
        decision.status = self.preflight_status;
        self.push_origin(decision, origin);
        self.push_allow_methods(decision, method);
        self.push_allow_headers(decision, headers_check, headers);
        if decision.verdict == Verdict::PreflightAllowed
            && let Some(max_age) = &self.max_age
        {
            decision.set(Name::MaxAge, max_age.to_bytes());
        }
    }

    /// The pattern that lets `origin` in.
    fn match_origin(&self, origin: &[u8]) -> Result<&[u8], Reason> {
        if self.any_origin {
            return Ok(ANY);
        }
        // An exact pattern passed the parser when the policy was loaded: the
        // same bytes need not pass it again. All others do, before any
        // wildcard is tried.
        if let Some(pattern) = self.origins.find_exact(origin) {
            return Ok(pattern);
        }
        match syntax::parse(origin).ok_or(Reason::OriginMalformed)? {
            Origin::Opaque if self.null_origin => Ok(NULL),
            Origin::Opaque => Err(Reason::OriginNotAllowed),
            Origin::Tuple(tuple) => self
                .origins
                .find_wildcard(&tuple)
                .ok_or(Reason::OriginNotAllowed),
        }
    }

    fn push_origin<'a>(
        &'a self,
        decision: &mut Decision<'a>,
        origin: &'a [u8],
    ) {
        let value = if self.any_origin { ANY } else { origin };
        decision.set(Name::AllowOrigin, value);
        if self.credentials {
            decision.set(Name::AllowCredentials, c"true".to_bytes());
        }
    }

    fn push_expose_headers<'a>(&'a self, decision: &mut Decision<'a>) {
        if let Some(names) = &self.expose_headers {
            decision.set(Name::ExposeHeaders, names.to_bytes());
        }
    }

    /// Always there: without the header a browser takes the requested method
    /// for allowed, where its use-CORS-preflight flag is set ([CORS-preflight
    /// fetch], on "methods is null").
    ///
    /// [CORS-preflight fetch]: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    fn push_allow_methods<'a>(
        &'a self,
        decision: &mut Decision<'a>,
        method: &'a [u8],
    ) {
        if !self.methods.any() {
            return decision
                .set(Name::AllowMethods, self.methods.list().to_bytes());
        }
        if !self.credentials {
            // A method called "*" would be let in by the wildcard: browsers
            // compare the names before they think of wildcards.
            let star = method == b"*";
            let list = if star { method::SAFELISTED } else { c"*" };
            return decision.set(Name::AllowMethods, list.to_bytes());
        }
        // A refusal holds nothing that the request asked for.
        if decision.reason != Reason::None || method::is_safelisted(method) {
            return decision
                .set(Name::AllowMethods, method::SAFELISTED.to_bytes());
        }
        // With credentials browsers do not read "*". The usual methods have a
        // value ready; others come in a line of their own, which RFC 9110,
        // section 5.3, makes the same list.
        match method::with_safelisted(method) {
            Some(list) => decision.set(Name::AllowMethods, list.to_bytes()),
            None => {
                decision
                    .set(Name::AllowMethods, method::SAFELISTED.to_bytes());
                decision.set(Name::AllowMethod, method);
            }
        }
    }

    fn push_allow_headers<'a>(
        &'a self,
        decision: &mut Decision<'a>,
        check: HeadersCheck<'a>,
        headers: &'a [u8],
    ) {
        let names = &self.request_headers;
        if !names.any() {
            if let Some(list) = names.list() {
                decision.set(Name::AllowHeaders, list.to_bytes());
            }
            return;
        }
        match check {
            // Browsers let "*" cover "Authorization", whatever the standard
            // says, so nothing is listed at all.
            HeadersCheck::NotAllowed(culprit)
                if culprit.eq_ignore_ascii_case(b"authorization") => {}
            // And "*" in the list is also the name of a header called "*".
            HeadersCheck::NotAllowed(b"*") if !self.credentials => {}
            _ if !self.credentials => {
                let named = names.lists(b"authorization");
                let list = if named { c"*,authorization" } else { c"*" };
                decision.set(Name::AllowHeaders, list.to_bytes());
            }
            // With credentials browsers do not read "*".
            HeadersCheck::Allowed => {
                decision.set(Name::AllowHeaders, headers);
            }
            _ if decision.reason == Reason::None => {}
            _ => {
                if let Some(list) = names.list() {
                    decision.set(Name::AllowHeaders, list.to_bytes());
                }
            }
        }
    }
}

impl Verdict {
    pub(crate) const ALL: [Self; 5] = [
        Self::NotCors,
        Self::Allowed,
        Self::Refused,
        Self::PreflightAllowed,
        Self::PreflightRefused,
    ];

    /// `preflight_allowed` and the like, as in the C ABI and in logs.
    pub fn name(self) -> &'static str {
        text(self.c_name())
    }

    pub(crate) fn c_name(self) -> &'static CStr {
        match self {
            Self::NotCors => c"not_cors",
            Self::Allowed => c"allowed",
            Self::Refused => c"refused",
            Self::PreflightAllowed => c"preflight_allowed",
            Self::PreflightRefused => c"preflight_refused",
        }
    }
}

impl Reason {
    pub(crate) const ALL: [Self; 7] = [
        Self::None,
        Self::OriginNotAllowed,
        Self::OriginMalformed,
        Self::MethodNotAllowed,
        Self::MethodMalformed,
        Self::HeaderNotAllowed,
        Self::HeadersMalformed,
    ];

    /// `origin_not_allowed` and the like, as in the C ABI and in logs.
    pub fn name(self) -> &'static str {
        text(self.c_name())
    }

    pub(crate) fn c_name(self) -> &'static CStr {
        match self {
            Self::None => c"none",
            Self::OriginNotAllowed => c"origin_not_allowed",
            Self::OriginMalformed => c"origin_malformed",
            Self::MethodNotAllowed => c"method_not_allowed",
            Self::MethodMalformed => c"method_malformed",
            Self::HeaderNotAllowed => c"header_not_allowed",
            Self::HeadersMalformed => c"headers_malformed",
        }
    }
}

/// The answer to a preflight that gets no permission header at all.
const REFUSED_STATUS: u16 = 403;

/// A place in [`Decision::values`], in the order in which the headers are
/// sent.
#[derive(Clone, Copy)]
enum Name {
    AllowOrigin,
    AllowCredentials,
    AllowMethods,
    /// A second line of the same name.
    AllowMethod,
    AllowHeaders,
    ExposeHeaders,
    MaxAge,
    Vary,
}

/// The headers' names, by [`Name`]. Each ends in a NUL behind its length, for
/// C callers.
const NAMES: [&str; 8] = [
    text(c"access-control-allow-origin"),
    text(c"access-control-allow-credentials"),
    text(c"access-control-allow-methods"),
    text(c"access-control-allow-methods"),
    text(c"access-control-allow-headers"),
    text(c"access-control-expose-headers"),
    text(c"access-control-max-age"),
    text(c"vary"),
];

const ANY: &[u8] = c"*".to_bytes();
const NULL: &[u8] = c"null".to_bytes();

const VARY_ORIGIN: &CStr = c"origin";
const VARY_OPTIONS: &CStr =
    c"origin, access-control-request-method, access-control-request-headers";

const fn text(name: &'static CStr) -> &'static str {
    match name.to_str() {
        Ok(text) => text,
        Err(_) => panic!("header names are ASCII"),
    }
}
