//! What the writer of a malformed origin pattern meant.
//!
//! The strict parser only says no. Here the same text is read the way people
//! write origins, with paths, capitals, default ports, Unicode; the pieces are
//! put together the way browsers send them; and what the parser then takes is
//! the fix that the message offers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::diagnostic::quoted;
use crate::origin::pattern::{Pattern, PatternError, STARS_MAX};
use crate::origin::syntax;

/// What a browser sends for the origin that `text`, which is none, is meant to
/// be, and what is wrong with `text`. Whether it is an origin then is for the
/// parser to say.
pub(crate) fn correct(text: &str) -> Option<(String, &'static str)> {
    let mut reading = Reading { fault: None };
    let corrected = reading.correct(text)?;
    reading.fault.map(|(_, what)| (corrected, what))
}

/// A malformed pattern explained.
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Explains why `text` is no pattern.
pub(super) fn explain(text: &str, error: PatternError) -> Fault {
    let looks_like_regex = text.starts_with('^')
        || text.ends_with('$')
        || text.contains(['\\', '(', '|'])
        || text.contains("//.*");
    if looks_like_regex {
        return Fault {
            code: "origin-regex",
            message: format!(
                "{} looks like a regular expression; patterns are not",
                quoted(text)
            ),
            help: Some(
                "write https://*.example.com for one label, \
                 https://**.example.com for one or more"
                    .into(),
            ),
        };
    }
    let has_path = text
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
    let (code, what, help) = match error {
        PatternError::File => (
            "origin-file",
            "is sent by any local file and cannot be allowed".into(),
            "serve the page over http://localhost instead",
        ),
        _ if has_path => return explain_malformed(text),
        PatternError::Malformed => return explain_malformed(text),
        PatternError::WildcardScheme => (
            "origin-wildcard-scheme",
            "has a wildcard, which only http and https origins may have"
                .into(),
            "list each origin by itself",
        ),
        PatternError::WildcardAddress => (
            "origin-wildcard-address",
            "has a wildcard in an IP address".into(),
            "list each address by itself; :* stands for any port",
        ),
        PatternError::WildcardLabels => (
            "origin-wildcard-labels",
            "has wildcards in more than one label".into(),
            "write https://**.example.com for any depth of subdomains",
        ),
        PatternError::WildcardLast => (
            "origin-wildcard-last",
            "has a wildcard that no domain follows".into(),
            "write a domain to its right, such as https://*.example.com; \
             http://localhost:* for any port; \"*\" for any origin",
        ),
        PatternError::DoubleStar => (
            "origin-double-star",
            "has a ** that is not the whole leftmost label".into(),
            "write https://**.example.com, or * for a part of one label",
        ),
        PatternError::Stars => (
            "origin-stars",
            format!("has more than {STARS_MAX} stars in a label"),
            "write https://*-preview.example.com and the like",
        ),
        PatternError::FinalDot => (
            "origin-wildcard-dot",
            "has a wildcard and a final dot".into(),
            "leave the dot out",
        ),
    };
    Fault {
        code,
        message: format!("{} {what}", quoted(text)),
        help: Some(help.into()),
    }
}

fn explain_malformed(text: &str) -> Fault {
    let mut reading = Reading { fault: None };
    let corrected = reading.correct(text);
    let (code, what) = reading.fault.unwrap_or((
        "origin-malformed",
        "is not an origin as browsers send it",
    ));
    let usable = corrected
        .filter(|fix| fix != text && Pattern::parse(fix).is_ok())
        .map(|fix| format!("write {fix}"));
    Fault {
        code,
        message: format!("{} {what}", quoted(text)),
        help: usable.or_else(|| {
            Some("write scheme://host or scheme://host:port".into())
        }),
    }
}

/// The first thing that was found wrong names the fault.
struct Reading {
    fault: Option<(&'static str, &'static str)>,
}

impl Reading {
    fn fault(&mut self, code: &'static str, what: &'static str) {
        self.fault.get_or_insert((code, what));
    }

    fn correct(&mut self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.fault("origin-empty", "is empty");
            return None;
        }
        let mut others = trimmed.split_whitespace().skip(1);
        if trimmed.contains([',', ';'])
            || others.any(|other| other.contains("://"))
        {
            self.fault("origin-several", "holds more than one origin");
            return None;
        }
        if trimmed.contains(char::is_whitespace) || trimmed != text {
            self.fault("origin-space", "has white space in or around it");
        }
        if trimmed.eq_ignore_ascii_case("null") {
            self.fault("origin-case", "has capitals; browsers send none");
            return Some("null".into());
        }
        if text.len() > syntax::ORIGIN_MAX {
            self.fault("origin-too-long", "is longer than any origin");
            return None;
        }
        let (scheme, rest) = if let Some(split) = trimmed.split_once("://") {
            split
        } else if let Some(split) = trimmed.split_once(":/") {
            self.fault("origin-malformed", "has one slash for two");
            split
        } else {
            self.fault("origin-scheme-missing", "has no scheme");
            ("https", trimmed.trim_start_matches("//"))
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        match tail {
            "" => {}
            "/" => self.fault(
                "origin-trailing-slash",
                "ends in a slash; browsers send none",
            ),
            _ => self.fault(
                "origin-path",
                "has a path or query; an origin ends with the host or port",
            ),
        }
        let address = match authority.rsplit_once('@') {
            Some((_, address)) => {
                self.fault("origin-userinfo", "holds a user name");
                address
            }
            None => authority,
        };
        let scheme = self.correct_case(scheme);
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (address, None),
        };
        let host = self.correct_host(&scheme, host)?;
        let port = match port {
            None => String::new(),
            Some(port) => self.correct_port(&scheme, port)?,
        };
        Some(format!("{scheme}://{host}{port}"))
    }

    fn correct_case(&mut self, text: &str) -> String {
        if text.contains(|c: char| c.is_ascii_uppercase()) {
            self.fault("origin-case", "has capitals; browsers send none");
        }
        text.to_ascii_lowercase()
    }

    fn correct_host(&mut self, scheme: &str, host: &str) -> Option<String> {
        if !matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp") {
            if !syntax::is_opaque_host(host.as_bytes()) {
                self.fault(
                    "origin-host",
                    "has a host that no browser sends with this scheme",
                );
            }
            return Some(host.into());
        }
        if host.is_empty() {
            self.fault("origin-host", "has no host");
            return None;
        }
        if host.starts_with('[') || host.matches(':').count() > 1 {
            let address = host.trim_matches(['[', ']']);
            self.fault(
                "origin-ipv6",
                "has an IPv6 address that is not in brackets and in the \
                 shortest form",
            );
            let address: Ipv6Addr = address.parse().ok()?;
            return Some(format!("[{}]", syntax::ipv6_text(address)));
        }
        if host.contains(':') {
            self.fault("origin-port", "has more than one port");
            return None;
        }
        let mut labels = Vec::new();
        for label in host.split('.') {
            if label.is_ascii() {
                labels.push(self.correct_case(label));
            } else {
                self.fault(
                    "origin-unicode",
                    "has a Unicode host; browsers send it in Punycode",
                );
                labels.push(in_punycode(label)?);
            }
        }
        let last = labels.iter().rfind(|label| !label.is_empty())?;
        if syntax::is_number_label(last.as_bytes()) {
            self.fault(
                "origin-ipv4",
                "has an IPv4 address that is not four decimal numbers",
            );
            // Only leading zeros can be mended without a guess at the base.
            let address: Ipv4Addr = host.trim_end_matches('.').parse().ok()?;
            return Some(address.to_string());
        }
        let bad_byte = |label: &String| {
            label.bytes().any(|b| !syntax::is_label_byte(b) && b != b'*')
        };
        if labels.iter().any(bad_byte) {
            self.fault(
                "origin-host",
                "has a host with characters that are not in host names",
            );
        }
        let inner = labels.strip_suffix(&[String::new()]).unwrap_or(&labels);
        if inner.iter().any(String::is_empty) {
            self.fault("origin-host", "has a host with an empty label");
        }
        let too_long = |label: &String| label.len() > syntax::LABEL_MAX;
        if labels.iter().any(too_long) || host.len() > syntax::HOST_MAX {
            self.fault(
                "origin-too-long",
                "has a label of more than 63 or a host of more than 253 bytes",
            );
        }
        Some(labels.join("."))
    }

    /// The port with its colon, or nothing where it is not to be written.
    fn correct_port(&mut self, scheme: &str, port: &str) -> Option<String> {
        if port == "*" {
            return Some(":*".into());
        }
        if port.is_empty() {
            self.fault("origin-port", "has a colon and no port");
            return Some(String::new());
        }
        let digits = port.trim_start_matches('0');
        let Some(number) = syntax::parse_port(digits.as_bytes()) else {
            self.fault(
                "origin-port",
                "has a port that is not a number from 1 to 65535, or *",
            );
            return None;
        };
        if digits.len() != port.len() {
            self.fault("origin-port", "has a port with a leading zero");
        }
        if matches!(
            (scheme, number),
            ("http" | "ws", 80) | ("https" | "wss", 443) | ("ftp", 21)
        ) {
            self.fault(
                "origin-default-port",
                "names its scheme's default port, which browsers leave out",
            );
            return Some(String::new());
        }
        Some(format!(":{number}"))
    }
}

/// A label with letters beyond ASCII, as browsers send it. Only letters and
/// digits that need no mapping but lower case (UTS 46): whoever writes others
/// gets no fix, rather than one that is subtly another name.
fn in_punycode(label: &str) -> Option<String> {
    let lower = label.to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if !lower.chars().all(plain) {
        return None;
    }
    punycode::encode(&lower).ok().map(|text| format!("xn--{text}"))
}
