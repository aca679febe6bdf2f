//! What ports mean: those that URLs omit, and those that browsers block.

/// The port that a URL with this scheme omits ([default port]). The schemes
/// with one are those whose host is as in the URL standard. (`file` has none;
/// its origins are opaque.)
///
/// [default port]: https://url.spec.whatwg.org/#default-port
#[inline]
pub(crate) const fn default_port(scheme: &[u8]) -> Option<u16> {
    match scheme {
        b"http" | b"ws" => Some(80),
        b"https" | b"wss" => Some(443),
        b"ftp" => Some(21),
        _ => None,
    }
}

/// Whether browsers block a port, so that no page with it in its origin can
/// be loaded: the Fetch standard's [bad ports].
///
/// [bad ports]: https://fetch.spec.whatwg.org/#port-blocking
#[doc(hidden)]
pub fn is_blocked_port(port: u16) -> bool {
    BLOCKED_PORTS.binary_search(&port).is_ok()
}

/// In ascending order.
pub(crate) const BLOCKED_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69,
    77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119,
    123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526,
    530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995,
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665,
    6666, 6667, 6668, 6669, 6679, 6697, 10080,
];
