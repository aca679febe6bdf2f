//! What the browser decides before it comes to CORS.

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    /// The URL's origin, serialized.
    pub origin: &'t str,
    /// The URL's port, or its scheme's default.
    pub port: u16,
    /// Is the URL potentially trustworthy?
    /// <https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy>
    pub trustworthy: bool,
}

/// Why there is no CORS request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeforeCors {
    /// The port is blocked, so nothing is sent.
    BadPort,
    /// An https page fetches an http URL, so nothing is sent.
    MixedContent,
    /// The URL has the page's origin, so CORS does not apply.
    SameOrigin,
}

/// The steps before CORS: is the request blocked, or of the same origin?
/// <https://fetch.spec.whatwg.org/#concept-main-fetch>
pub fn before_cors(origin: &str, target: Target<'_>) -> Option<BeforeCors> {
    if bad_port(target.port) {
        Some(BeforeCors::BadPort)
    } else if origin.starts_with("https:") && !target.trustworthy {
        // <https://w3c.github.io/webappsec-mixed-content/#should-block-fetch>
        Some(BeforeCors::MixedContent)
    } else if origin == target.origin {
        Some(BeforeCors::SameOrigin)
    } else {
        None
    }
}

/// Is it a port that browsers never connect to, because its server may speak
/// another protocol?
/// <https://fetch.spec.whatwg.org/#bad-port>
pub fn bad_port(port: u16) -> bool {
    [
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53,
        69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117,
        119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
        515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989,
        990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
        6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    ]
    .contains(&port)
}
