//! Names of methods and headers: those of a policy, and those of a request.

pub(crate) mod forbidden;
pub(crate) mod methods;
pub(crate) mod request_headers;
pub(crate) mod set;
pub(crate) mod token;
