//! A naive browser, written straight from the Fetch standard: what a browser
//! sends across origins, and what it concludes from a response.
//!
//! The library's tests compare the engine with it, and the command `cors`
//! explains and probes with it. It shares no code with the engine, takes
//! requests and lists of headers, and follows the standard's steps one by one,
//! slow as they are. Not in the model: redirects, bodies, service workers and
//! time.

mod fetch;
mod headers;
mod main_fetch;
mod methods;
mod page;
mod request;
mod response;
mod values;

pub use fetch::{Browser, Failure};
pub use headers::{
    forbidden_request_header, forbidden_response_header_name, non_wildcard,
    safelisted_request_header, unsafe_request_header_names,
};
pub use main_fetch::{BeforeCors, Target, bad_port, before_cors};
pub use methods::{forbidden_method, normalize_method, safelisted_method};
pub use page::{Initiator, PageRequest, Site, host, page_request};
pub use request::{
    ScriptRequest, SentRequest, header_list, needs_preflight,
    preflight_headers,
};
pub use response::{
    AuthorizationStar, Fault, Response, cors_check, exposed, preflight_faults,
    redirect_status, tao_check,
};
pub use values::{Malformed, extract_list_values, lines};

/// One header line; a name may occur on several lines.
pub type Header = (String, Vec<u8>);
