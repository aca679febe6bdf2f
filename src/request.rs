//! What a decision depends on.

/// What a decision depends on. `None` is an absent header, which is not an
/// empty one. Repeated header fields are joined with commas, and the spaces
/// and tabs around a value are stripped.
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
    /// `Host`, or the pseudo-header `:authority` (RFC 9113, section 8.3.1), as
    /// the client sent it; never `X-Forwarded-Host`.
    pub host: Option<&'a [u8]>,
    /// `Sec-Fetch-Site`
    pub fetch_site: Option<&'a [u8]>,
    /// `Upgrade`; `websocket` for an extended CONNECT with that `:protocol`
    /// (RFC 8441, RFC 9220), whose method is then GET.
    pub upgrade: Option<&'a [u8]>,
    /// `https` or `http`: the scheme that the client used, if the server or a
    /// proxy that it trusts knows it.
    pub scheme: Option<&'a [u8]>,
}

/// A request as a caller has it. A decision reads no more than it needs.
pub(crate) trait Received<'a> {
    fn method(&self) -> Option<&'a [u8]>;
    fn origin(&self) -> Option<&'a [u8]>;
    fn request_method(&self) -> Option<&'a [u8]>;
    fn request_headers(&self) -> Option<&'a [u8]>;

    /// Whether it has what can tell that a page of the same origin sent it.
    fn tells_site(&self) -> bool;

    /// All members; `None` if they cannot be read.
    fn read(&self) -> Option<Request<'a>>;
}

impl<'a> Received<'a> for Request<'a> {
    fn method(&self) -> Option<&'a [u8]> {
        self.method
    }

    fn origin(&self) -> Option<&'a [u8]> {
        self.origin
    }

    fn request_method(&self) -> Option<&'a [u8]> {
        self.request_method
    }

    fn request_headers(&self) -> Option<&'a [u8]> {
        self.request_headers
    }

    fn tells_site(&self) -> bool {
        self.fetch_site.is_some() || self.host.is_some()
    }

    fn read(&self) -> Option<Request<'a>> {
        Some(*self)
    }
}
