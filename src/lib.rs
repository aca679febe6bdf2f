//! One CORS policy, one matcher, the same decision in every server.
//!
//! A policy is loaded from JSON once; a decision then takes a request's
//! origin, method and requested headers, and says which headers the response
//! gets and how a preflight is answered. Deciding allocates nothing.
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
//! });
//! assert_eq!(decision.verdict, Verdict::PreflightAllowed);
//! assert_eq!(decision.status, 204);
//! for header in decision.headers() {
//!     println!("{}: {}", header.name, header.value.escape_ascii());
//! }
//! # Ok::<(), cors::LoadError>(())
//! ```
//!
//! A host has three duties, on every response that a policy governs, whatever
//! its status: drop the `Access-Control-*` headers that the application sent;
//! add the decision's (of `Vary`, the names that are not there yet); and where
//! [`Decision::status`] is not 0, answer at once with that status and no body.
//!
//! The rules are those of the [Fetch standard](https://fetch.spec.whatwg.org/)
//! and RFC 9110; comments link to the sections. The same engine stands behind
//! the C ABI of `include/cors.h`.

#![deny(unsafe_code)]

mod decision;
mod explain;
mod ffi;
mod names;
mod origin;
mod policy;
mod table;
#[cfg(test)]
mod tests;
mod vary;

pub use decision::{Decision, Header, Reason, Request, Verdict};
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
pub use policy::keys::{KEYS, Key, Values};
pub use policy::{LoadError, POLICY_DEPTH_MAX, POLICY_MAX, Policy};
pub use vary::vary_missing;
