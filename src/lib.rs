//! One CORS policy, one matcher, the same decision in every server.
//!
//! A [`Policy`] is loaded from JSON once. It then decides, from a request's
//! origin, method and requested headers, which headers the response gets and
//! how a preflight is answered. Deciding allocates nothing.
//!
//! ```
//! use cors::{Policy, Request, Verdict};
//!
//! let policy = Policy::from_json(
//!     br#"{ "allow_origins": ["https://*.example.com"],
//!           "allow_methods": ["PUT"],
//!           "allow_headers": ["Content-Type"] }"#,
//! )?;
//! let decision = policy.evaluate(&Request {
//!     method: Some(b"OPTIONS"),
//!     origin: Some(b"https://app.example.com"),
//!     request_method: Some(b"PUT"),
//!     request_headers: Some(b"content-type"),
//!     ..Request::default()
//! });
//! assert_eq!(decision.verdict, Verdict::PreflightAllowed);
//! assert_eq!(decision.status, 204);
//! for header in decision.headers() {
//!     println!("{}: {}", header.name, header.value.escape_ascii());
//! }
//! # Ok::<(), cors::LoadError>(())
//! ```
//!
//! A server has three duties on every response to which a policy applies,
//! including errors: it removes the `Access-Control-*` headers that the
//! application sent, and its `Timing-Allow-Origin` if the decision has that
//! header; it adds the decision's headers (of `Vary`, see
//! [`vary_missing`]); and if [`Decision::status`] is not 0, it responds
//! immediately with that status and no body, or with [`BLOCKED_BODY`].
//!
//! The rules are those of the [Fetch standard](https://fetch.spec.whatwg.org/)
//! and RFC 9110; comments link to the sections. The C ABI of `include/cors.h`
//! is the same engine.

#![deny(unsafe_code)]

mod decision;
mod explain;
mod fetch_metadata;
mod ffi;
mod names;
mod origin;
mod policy;
mod request;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod vary;

pub use decision::{BLOCKED_BODY, Decision, Header, Reason, Verdict};
pub use explain::{Explanation, Near};
pub use names::forbidden::is_forbidden_request_header;
pub use names::methods::METHOD_MAX;
pub use names::request_headers::{HEADER_NAME_MAX, REQUEST_HEADERS_MAX};
pub use origin::ports::is_blocked_port;
pub use origin::public_suffix::{
    PublicSuffixList, PublicSuffixListError, date as public_suffix_list_date,
};
pub use origin::syntax::{ORIGIN_MAX, is_loopback};
pub use policy::diagnostic::{Code, DIAGNOSTICS_MAX, Diagnostic, Severity};
pub use policy::keys::{KEYS, Key, KeyDefault, Values};
pub use policy::{
    LoadError, POLICY_DEPTH_MAX, POLICY_MAX, Policy, RULES_MAX, Rule,
};
pub use request::Request;
pub use source::{Fault, Refresh, Source, SourceInfo};
pub use vary::vary_missing;
