//! A whole fetch from another origin, with its preflight and the cache of
//! preflights.

use crate::headers::{non_wildcard, unsafe_request_header_names};
use crate::methods::{normalize_method, safelisted_method};
use crate::request::{header_list, throws};
use crate::response::max_age;
use crate::values::extract_list_values;
use crate::{
    AuthorizationStar, Fault, Header, Response, ScriptRequest, SentRequest,
    cors_check, exposed, needs_preflight, preflight_faults, preflight_headers,
};

/// Why a fetch fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The script's call throws, and nothing is sent.
    Script,
    /// The preflight fails, so the request is not sent.
    Preflight(Fault),
    /// The request is sent, but the script cannot read the response.
    Response(Fault),
}

/// A browser with its cache of preflights, for one URL.
#[derive(Clone, Debug)]
pub struct Browser {
    star: AuthorizationStar,
    cache: Vec<CacheEntry>,
}

impl Browser {
    /// A browser that has cached no preflight yet.
    pub fn new(star: AuthorizationStar) -> Self {
        Browser { star, cache: Vec::new() }
    }

    /// Fetches from another origin: `server` responds to the preflight, if
    /// there is one, and then to the request. Returns the names of the
    /// response headers that the script can read.
    /// <https://fetch.spec.whatwg.org/#concept-main-fetch> and
    /// <https://fetch.spec.whatwg.org/#concept-http-fetch>
    pub fn fetch(
        &mut self,
        request: &ScriptRequest,
        mut server: impl FnMut(&SentRequest) -> Response,
    ) -> Result<Vec<String>, Failure> {
        if throws(request) {
            return Err(Failure::Script);
        }
        let result = self.http_fetch(request, &mut server);
        if result.is_err() && needs_preflight(request) {
            self.clear_entries(request);
        }
        result
    }

    fn http_fetch(
        &mut self,
        request: &ScriptRequest,
        server: &mut impl FnMut(&SentRequest) -> Response,
    ) -> Result<Vec<String>, Failure> {
        if let Some((request_method, request_headers)) =
            preflight_headers(request)
            && !self.cached(request)
        {
            let response = server(&SentRequest {
                method: "OPTIONS".to_owned(),
                origin: request.origin.clone(),
                request_method: Some(request_method),
                request_headers,
            });
            let faults = preflight_faults(request, self.star, &response);
            if let Some(fault) = faults.into_iter().next() {
                return Err(Failure::Preflight(fault));
            }
            self.remember(request, &response.headers);
        }
        let response = server(&SentRequest {
            method: normalize_method(&request.method),
            origin: request.origin.clone(),
            request_method: None,
            request_headers: None,
        });
        cors_check(request, &response.headers).map_err(Failure::Response)?;
        Ok(exposed(&response.headers, request.credentials))
    }

    /// Do earlier preflights allow all that this request asks for?
    fn cached(&self, request: &ScriptRequest) -> bool {
        let method = normalize_method(&request.method);
        let method_asked =
            !safelisted_method(&method) || request.use_cors_preflight;
        if method_asked && !self.method_cached(request, &method) {
            return false;
        }
        unsafe_request_header_names(&header_list(request))
            .iter()
            .all(|name| self.header_cached(request, name))
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-match-method>
    fn method_cached(&self, request: &ScriptRequest, method: &str) -> bool {
        self.cache.iter().any(|entry| {
            entry.matches(request)
                && match &entry.allows {
                    Allows::Method(name) => name == method || name == "*",
                    Allows::Header(_) => false,
                }
        })
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-match-header>
    fn header_cached(&self, request: &ScriptRequest, name: &str) -> bool {
        self.cache.iter().any(|entry| {
            entry.matches(request)
                && match &entry.allows {
                    Allows::Method(_) => false,
                    Allows::Header(allowed) => {
                        allowed.eq_ignore_ascii_case(name)
                            || (allowed == "*"
                                && (self.star == AuthorizationStar::Lax
                                    || !non_wildcard(name)))
                    }
                }
        })
    }

    /// The end of <https://fetch.spec.whatwg.org/#cors-preflight-fetch>, for a
    /// response that has passed. The model has no time, so entries never
    /// expire, a response with a max-age of 0 adds none, and no earlier entry
    /// gets a new age.
    fn remember(&mut self, request: &ScriptRequest, headers: &[Header]) {
        if max_age(headers) == 0 {
            return;
        }
        let methods =
            extract_list_values("Access-Control-Allow-Methods", headers);
        let names =
            extract_list_values("Access-Control-Allow-Headers", headers);
        let mut methods = methods.unwrap_or_default();
        if methods.is_none() && request.use_cors_preflight {
            methods = Some(vec![normalize_method(&request.method)]);
        }
        let methods = methods.unwrap_or_default().into_iter();
        let names = names.unwrap_or_default().unwrap_or_default().into_iter();
        let all = methods.map(Allows::Method).chain(names.map(Allows::Header));
        for allows in all {
            self.cache.push(CacheEntry {
                origin: request.origin.clone(),
                credentials: request.credentials,
                allows,
            });
        }
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-clear>
    fn clear_entries(&mut self, request: &ScriptRequest) {
        self.cache.retain(|entry| entry.origin != request.origin);
    }
}

/// <https://fetch.spec.whatwg.org/#concept-cache>
#[derive(Clone, Debug)]
struct CacheEntry {
    origin: String,
    credentials: bool,
    allows: Allows,
}

#[derive(Clone, Debug)]
enum Allows {
    Method(String),
    Header(String),
}

impl CacheEntry {
    /// <https://fetch.spec.whatwg.org/#concept-cache-match>
    fn matches(&self, request: &ScriptRequest) -> bool {
        self.origin == request.origin
            && (self.credentials || !request.credentials)
    }
}
