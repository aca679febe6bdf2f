//! What the parts of an origin mean.

use crate::origin::pattern::{Pattern, PatternError};
use crate::origin::ports::BLOCKED_PORTS;
use crate::{is_blocked_port, is_loopback};

#[test]
fn a_loopback_host_is_compared_whole() {
    for host in [
        "localhost",
        "localhost.",
        "app.localhost",
        "a.b.localhost.",
        "127.0.0.1",
        "127.255.255.254",
        "[::1]",
    ] {
        assert!(is_loopback(host), "{host}");
    }
    for host in [
        "",
        ".",
        "localhost.evil.com",
        "evil-localhost",
        "mylocalhost",
        "127.evil.com",
        "127.0.0.1.evil.com",
        "127.0.0.1.nip.io",
        "128.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "[::2]",
        "[::]",
        "::1",
        // A URL writes these as 127.0.0.1.
        "127.1",
        "0x7f.1",
        "2130706433",
    ] {
        assert!(!is_loopback(host), "{host}");
    }
}

#[test]
fn blocked_ports_are_in_order_for_the_search() {
    assert!(BLOCKED_PORTS.is_sorted_by(|one, next| one < next));
    let blocked = [0, 1, 6000, 6667, 10080].map(is_blocked_port);
    assert_eq!(blocked, [true; 5]);
    let open = [80, 443, 3000, 5173, 8080, 8443, 65535];
    assert_eq!(open.map(is_blocked_port), [false; 7]);
}

#[test]
fn a_text_that_is_no_pattern_is_refused_for_its_first_fault() {
    for (text, error) in [
        ("https://*.168.0.1", PatternError::WildcardAddress),
        ("https://**.0x1", PatternError::WildcardAddress),
        ("https://*.1", PatternError::WildcardAddress),
        ("https://[*]", PatternError::WildcardAddress),
        ("https://*", PatternError::WildcardLast),
        ("https://*.", PatternError::WildcardLast),
        ("https://a.b*.", PatternError::WildcardLast),
        ("https://*.example.com.", PatternError::FinalDot),
        ("https://*.*.example.com", PatternError::WildcardLabels),
        ("https://a.**.example.com", PatternError::DoubleStar),
        ("https://*a*b*c*.example.com", PatternError::Stars),
        ("https://*.a..example.com", PatternError::Malformed),
        ("ws://*.example.com", PatternError::WildcardScheme),
        ("file://*", PatternError::File),
    ] {
        assert_eq!(Pattern::parse(text), Err(error), "{text}");
    }
}
