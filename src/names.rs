//! Names of methods and headers: those of a policy, and those of a request.

pub(crate) mod forbidden;
pub(crate) mod methods;
pub(crate) mod request_headers;
pub(crate) mod set;
pub(crate) mod token;

/// Why a request's method or header list does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal<'a> {
    Malformed,
    /// The first name that is not allowed: a token.
    NotAllowed(&'a [u8]),
}
