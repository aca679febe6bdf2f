//! What a malformed origin pattern was meant to be.
//!
//! The strict parser only says no. Here the same text is read the way people
//! write origins, with paths, uppercase letters, default ports, Unicode; the
//! pieces are put together the way browsers send them; and what the parser
//! then accepts is the fix that the message offers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::diagnostic::{Code, Finding};
use super::unicode_label::in_punycode;
use crate::origin::pattern::{Pattern, PatternError, STARS_MAX};
use crate::origin::ports::default_port;
use crate::origin::ranges::AddressRange;
use crate::origin::syntax;

/// What a browser sends for the origin that the malformed `text` is meant to
/// be, and what is wrong with `text`. Only the parser says whether the result
/// is an origin.
pub(crate) fn correct(text: &str) -> Option<(String, &'static str)> {
    let mut reading = Reading::default();
    let corrected = reading.correct(text)?;
    reading.fault.map(|(_, what)| (corrected, what))
}

/// Why a text is not a pattern, and the pattern that is meant, if that is
/// certain.
type Explained = (Finding, Option<String>);

/// Explains why `text` is not a pattern.
pub(super) fn explain(text: &str, error: PatternError) -> Explained {
    let special = has_variable(text)
        .then(|| variable(text))
        .or_else(|| explain_keyword(text))
        .or_else(|| explain_scheme(text))
        .or_else(|| explain_regex(text))
        .map(|finding| (finding, None))
        .or_else(|| explain_address_range(text))
        .or_else(|| explain_address_wildcard(text));
    if let Some(explained) = special {
        return explained;
    }
    let mut reading = Reading::default();
    let corrected = reading.correct(text).filter(|fix| fix != text);
    let parsed = corrected.as_deref().map(Pattern::parse);
    // If something else is wrong too, the wildcard comes second.
    let wildcard = match parsed {
        Some(Ok(_)) => None,
        Some(Err(error)) => explain_wildcard(text, error),
        None => explain_wildcard(text, error),
    };
    let is_pattern = matches!(parsed, Some(Ok(_)));
    let fix = corrected.filter(|_| is_pattern);
    match (reading.fault, wildcard) {
        (Some((code, what)), Some((wildcard, _)))
            if error != PatternError::File =>
        {
            (code.of(text, what).help(wildcard.help), fix)
        }
        (_, Some(wildcard)) => wildcard,
        (Some((code, what)), None) => {
            let finding = code.of(text, what);
            let has_help = !finding.help.is_empty();
            (if has_help { finding } else { finding.help(FORM) }, fix)
        }
        (None, None) => {
            let what = "is not an origin as browsers send it";
            (Code::OriginMalformed.of(text, what).help(FORM), fix)
        }
    }
}

const FORM: &str = "use the form scheme://host or scheme://host:port";

/// What is wrong with a wildcard, and the fix.
fn explain_wildcard(text: &str, error: PatternError) -> Option<Explained> {
    let mut fix = None;
    let finding = match error {
        PatternError::Malformed => return None,
        PatternError::File => Code::OriginFile
            .of(text, "is sent by any local file and cannot be allowed"),
        PatternError::WildcardScheme
            if text.split("://").next().is_some_and(|s| s.contains('*')) =>
        {
            Code::OriginWildcardScheme
                .of(text, "has a wildcard in its scheme")
                .help(
                    "list the origin once with https:// and once with http://",
                )
        }
        PatternError::WildcardScheme if text.starts_with("ws") => {
            fix = Some(text.replacen("ws", "http", 1));
            Code::OriginWildcardScheme
                .of(text, "has the scheme of a WebSocket, which no page has")
                .help("list the origin of the page, with https or http")
        }
        PatternError::WildcardScheme => {
            let scheme = text.split("://").next().unwrap_or_default();
            let any_host = format!("{scheme}://*");
            if Pattern::parse(&any_host).is_ok() {
                let what = "may have a wildcard only as its whole host, \
                            without a port";
                Code::OriginWildcardScheme.of(text, what).help(format!(
                    "list each origin, or use {any_host} for any host"
                ))
            } else {
                let what = "has a wildcard, which its scheme may not have";
                Code::OriginWildcardScheme.of(text, what)
            }
        }
        PatternError::WildcardAddress => Code::OriginWildcardAddress
            .of(text, "has a wildcard in an IP address"),
        PatternError::WildcardLabels => Code::OriginWildcardLabels
            .of(text, "has wildcards in more than one label"),
        PatternError::WildcardLast => Code::OriginWildcardLast
            .of(text, "has a wildcard with no domain to its right"),
        PatternError::DoubleStar => Code::OriginDoubleStar
            .of(text, "has a ** that is not the whole leftmost label"),
        PatternError::Stars => {
            let what = format!("has more than {STARS_MAX} stars in a label");
            Code::OriginStars.of(text, &what)
        }
        PatternError::FinalDot => {
            let without = text.strip_suffix('.').unwrap_or(text);
            fix = Some(without.replace(".:", ":"));
            Code::OriginWildcardDot
                .of(text, "has a wildcard and a trailing dot")
        }
    };
    Some((finding, fix.filter(|fix| Pattern::parse(fix).is_ok())))
}

/// A variable, which nothing replaces.
pub(super) fn variable(text: &str) -> Finding {
    let what = "has a variable, but variables are not replaced";
    Code::VariableNotReplaced.of(text, what)
}

/// Whether a text contains a variable of a shell, of a template or of a program:
/// `${NAME}`, `$(name)`, `$NAME`, `{{ name }}`, `<%= name %>`, `%NAME%`.
pub(super) fn has_variable(text: &str) -> bool {
    // Every one of them has one of these: most texts are looked at once.
    if !text.bytes().any(|byte| matches!(byte, b'$' | b'%' | b'{' | b'.')) {
        return false;
    }
    let percent = text.split('%').skip(1).step_by(2).any(|name| {
        let in_name = |b: u8| b.is_ascii_uppercase() || b == b'_';
        !name.is_empty() && name.bytes().all(in_name)
    });
    percent && text.matches('%').count() > 1
        || ["${", "$(", "{{", "{%", "<%", "process.env.", "os.environ"]
            .iter()
            .any(|mark| text.contains(mark))
        || text.split('$').skip(1).any(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        })
}

/// Words of other configurations, such as CSP's `'self'`.
fn explain_keyword(text: &str) -> Option<Finding> {
    let word = text.trim().trim_matches(QUOTES).to_ascii_lowercase();
    let help = match word.replace(['-', '_', ' '], "").as_str() {
        "self" | "sameorigin" | "samesite" => {
            "remove it, since a site's own pages need no entry, or list the \
             site's origin"
        }
        "none" => "remove it, since no origin is allowed that is not listed",
        "any" | "all" | "anyorigin" | "allorigins" | "origin" | "reflect"
        | "true" | "false" => {
            "list the origins, or \"*\" alone for any origin"
        }
        _ => return None,
    };
    let what = "is a keyword, not an origin";
    Some(Code::OriginKeyword.of(text, what).help(help))
}

/// `https:`, `data:` and others that stand for a scheme, as in a
/// Content-Security-Policy, and addresses of pages that have no origin.
fn explain_scheme(text: &str) -> Option<Finding> {
    let (scheme, rest) = text.trim().trim_matches(QUOTES).split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let help = if is_opaque_scheme(&scheme) && web_scheme(rest).is_none() {
        "remove it, since such a page has no origin of its own"
    } else if rest.is_empty()
        && ["http", "https", "ws", "wss", "ftp"].contains(&&*scheme)
    {
        "list each origin, with its scheme and host"
    } else {
        return None;
    };
    let what = "is a scheme, not an origin";
    Some(Code::OriginKeyword.of(text, what).help(help))
}

/// Schemes of pages whose origin is opaque, or that of the page that opened
/// them ([origin] of a URL, HTML's `about:blank` and `javascript:`).
///
/// [origin]: https://url.spec.whatwg.org/#concept-url-origin
pub(super) fn is_opaque_scheme(scheme: &str) -> bool {
    matches!(
        scheme,
        "about"
            | "blob"
            | "data"
            | "filesystem"
            | "javascript"
            | "mailto"
            | "mediastream"
    )
}

fn explain_regex(text: &str) -> Option<Finding> {
    // "https:\\a.example" only has its slashes the wrong way.
    let has_backslash = match web_scheme(text) {
        Some(web) => web.rest.contains('\\'),
        None => text.contains('\\'),
    };
    let in_slashes = text.starts_with('/')
        && !text.starts_with("//")
        && [1, 2].iter().any(|&flags| {
            text.len()
                .checked_sub(flags)
                .is_some_and(|at| at > 0 && text.as_bytes()[at] == b'/')
        });
    let looks_like_regex = in_slashes
        || text.starts_with('^')
        || text.ends_with('$')
        || text.starts_with(".*")
        || has_backslash
        || ["(", "|", "//.*", ".+", "[^", "[a-z", "s?://"]
            .iter()
            .any(|piece| text.contains(piece));
    let what = "looks like a regular expression, which is not supported";
    looks_like_regex.then(|| Code::OriginRegex.of(text, what))
}

/// `http://192.168.1.5/24`, `192.168.1.0/255.255.255.0`: a range that is not
/// written as one.
fn explain_address_range(text: &str) -> Option<Explained> {
    let (scheme, rest) = web_scheme_or_http(text);
    let (is_web, rest) = match rest.split_once("://") {
        Some((_, rest)) => (false, rest),
        None => (true, rest),
    };
    let (authority, tail) = rest.split_once('/')?;
    let (address, port) = split_port(authority);
    let address: IpAddr = without_brackets(address).parse().ok()?;
    let (bits, behind) = split_port(tail.trim_end_matches('/'));
    let digits = bits.bytes().take_while(u8::is_ascii_digit).count();
    let (length, is_whole) = match bits.parse::<Ipv4Addr>() {
        Ok(mask)
            if mask.to_bits().leading_ones()
                == mask.to_bits().count_ones() =>
        {
            (mask.to_bits().leading_ones() as u8, true)
        }
        Ok(_) => return None,
        // Of 256 to 999 there is no range, and more is a path.
        Err(_) if (1..=3).contains(&digits) => {
            let length = bits[..digits].parse().unwrap_or(u8::MAX);
            (length, digits == bits.len())
        }
        Err(_) => return None,
    };
    let own = AddressRange::of(address);
    let network = own.truncated(length).filter(|_| is_web && is_whole);
    let port = Reading::default().correct_port(scheme, port.or(behind));
    let pattern = |range: AddressRange, port: &str| {
        format!("{scheme}://{}/{length}{port}", range.host_text())
    };
    let fix = network.zip(port).map(|(range, port)| pattern(range, &port));
    let fix = fix.filter(|fix| Pattern::parse(fix).is_ok());
    // If only the rest of the address is in the way.
    let with_own = behind.map_or(String::new(), |port| format!(":{port}"));
    let finding = match network {
        Some(range)
            if range.network() != address
                && text == pattern(own, &with_own) =>
        {
            let what = format!(
                "must begin with the network's address, {}",
                range.host_text()
            );
            Code::OriginRangeNetwork.of(text, &what)
        }
        _ => {
            let what = "is not a well-formed address range";
            Code::OriginAddressRange.of(text, what)
        }
    };
    Some((finding, fix))
}

/// `http://192.168.*` and `10.0.0.*:3000`.
fn explain_address_wildcard(text: &str) -> Option<Explained> {
    let (scheme, rest) = web_scheme_or_http(text);
    let (host, port) = split_port(rest.trim_end_matches('/'));
    let is_ipv4 = host.contains('*')
        && host.contains('.')
        && host.contains(|c: char| c.is_ascii_digit())
        && host.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '.'));
    let is_ipv6 = host.starts_with('[') && host.contains('*');
    if !is_ipv4 && !is_ipv6 {
        return None;
    }
    let what = "has a wildcard in an IP address";
    let finding = Code::OriginWildcardAddress.of(text, what);
    if is_ipv6 {
        let help = format!("use a range such as {scheme}://[fd00::]/8");
        return Some((finding.help(help), None));
    }
    // Whole numbers at the end are a range.
    let start = host.trim_end_matches(".*");
    let numbers = start.split('.').count();
    let range = || {
        let missing = 4_usize.checked_sub(numbers).filter(|&n| n > 0)?;
        let zeros = ".0".repeat(missing);
        let length = numbers * 8;
        let port = Reading::default().correct_port(scheme, port)?;
        let fix = format!("{scheme}://{start}{zeros}/{length}{port}");
        Pattern::parse(&fix).is_ok().then_some(fix)
    };
    let is_certain = port != Some("");
    Some((finding, if is_certain { range() } else { None }))
}

/// A text that begins with `http:` or `https:`, in any case, and with slashes
/// that may be too many, too few, or backslashes.
struct WebScheme<'t> {
    scheme: &'static str,
    rest: &'t str,
    /// Whether it is followed by exactly two slashes.
    right: bool,
}

fn web_scheme(text: &str) -> Option<WebScheme<'_>> {
    let (scheme, behind) =
        ["https", "http"].into_iter().find_map(|scheme| {
            let (name, behind) = text.split_at_checked(scheme.len())?;
            name.eq_ignore_ascii_case(scheme).then_some((scheme, behind))
        })?;
    let (colon, behind) = match behind.strip_prefix(':') {
        Some(behind) => (true, behind),
        None => (false, behind),
    };
    let rest = behind.trim_start_matches(['/', '\\']);
    let slashes = behind.len() - rest.len();
    let is_scheme = match (colon, slashes) {
        // "http:example.com", but not the host and port "http:8080".
        (true, 0) => rest.starts_with(|c: char| c.is_ascii_alphabetic()),
        (true, _) => true,
        (false, _) => behind.starts_with("//"),
    };
    let right = colon && behind.starts_with("//") && slashes == 2;
    is_scheme.then_some(WebScheme { scheme, rest, right })
}

fn web_scheme_or_http(text: &str) -> (&'static str, &str) {
    match web_scheme(text.trim()) {
        Some(WebScheme { scheme, rest, .. }) => (scheme, rest),
        None => ("http", text.trim()),
    }
}

/// `htttps`, `htp`: the scheme that is meant.
pub(super) fn misspelt_web_scheme(scheme: &str) -> Option<&'static str> {
    // The distance is slow, and at least the difference of the lengths.
    let is_near = |web: &&str| {
        scheme.len().abs_diff(web.len()) <= 1
            && strsim::damerau_levenshtein(scheme, web) == 1
    };
    // "http" is near "https", and what stands before it is no misspelling.
    let is_slip = !matches!(scheme, "http" | "https")
        && scheme.bytes().all(|b| b.is_ascii_lowercase());
    ["https", "http"].into_iter().find(is_near).filter(|_| is_slip)
}

/// Host and port; no colon inside an IPv6 address belongs to a port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port))
            if !port.contains(']')
                && (host.ends_with(']') || !host.contains(':')) =>
        {
            (host, Some(port))
        }
        _ => (text, None),
    }
}

fn without_brackets(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// Marks that people put around an origin.
const QUOTES: [char; 5] = ['\'', '\u{22}', '`', '<', '>'];

const IPV6_FAULT: &str =
    "must have its IPv6 address in brackets and in the shortest form";

/// The first thing that was found wrong is what the message says.
#[derive(Default)]
struct Reading {
    fault: Option<(Code, &'static str)>,
}

impl Reading {
    fn fault(&mut self, code: Code, what: &'static str) {
        self.fault.get_or_insert((code, what));
    }

    fn correct(&mut self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.fault(Code::OriginEmpty, "is empty");
            return None;
        }
        let mut others = trimmed.split_whitespace().skip(1);
        if trimmed.contains([',', ';'])
            || others.any(|other| other.contains("://"))
        {
            self.fault(Code::OriginSeveral, "contains more than one origin");
            return None;
        }
        if trimmed.contains(char::is_whitespace) || trimmed != text {
            self.fault(Code::OriginSpace, "has white space in or around it");
        }
        if trimmed.eq_ignore_ascii_case("null") {
            self.fault(
                Code::OriginCase,
                "has uppercase letters, which browsers never send",
            );
            return Some("null".into());
        }
        if text.len() > syntax::ORIGIN_MAX {
            self.fault(Code::OriginTooLong, "is longer than any origin");
            return None;
        }
        let unquoted = trimmed.trim_matches(QUOTES);
        if unquoted.len() != trimmed.len() {
            self.fault(Code::OriginMalformed, "has quotation marks around it");
        }
        let (scheme, rest) = self.split_scheme(unquoted);
        match scheme {
            None if unquoted.contains("://") => return None,
            None => self.fault(Code::OriginSchemeMissing, "has no scheme"),
            // It may as well be a host, without its scheme.
            Some(scheme) if rest.is_empty() || rest.contains("://") => {
                self.correct_case(scheme);
                self.fault(Code::OriginHost, "has no host");
                return None;
            }
            Some(_) => {}
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        match tail {
            "" => {}
            "/" => self.fault(
                Code::OriginTrailingSlash,
                "has a trailing slash, which browsers omit",
            ),
            _ => self.fault(
                Code::OriginPath,
                "has a path or query, but an origin ends with the host or port",
            ),
        }
        let address = match authority.rsplit_once('@') {
            Some((_, address)) => {
                self.fault(Code::OriginUserinfo, "contains a user name");
                address
            }
            None => authority,
        };
        let (host, port) = self.split_host_and_port(address)?;
        // Where an IPv6 address without brackets begins and ends is a guess if
        // there is more than the address.
        let is_ipv6 = host.parse::<Ipv6Addr>().is_ok();
        let whole = scheme.map_or(unquoted, |_| rest);
        if is_ipv6 && host != whole {
            return None;
        }
        if host.is_empty() && !authority.is_empty() {
            self.fault(Code::OriginHost, "has no host");
            return None;
        }
        let scheme = match scheme {
            Some(scheme) => self.correct_case(scheme),
            // "https:3000" is neither a host and port nor an origin.
            None if ["http", "https"]
                .iter()
                .any(|scheme| host.eq_ignore_ascii_case(scheme)) =>
            {
                return None;
            }
            None if is_plain_http(host, port) => "http".into(),
            None => "https".into(),
        };
        let host = self.correct_host(&scheme, host)?;
        let port = self.correct_port(&scheme, port)?;
        Some(format!("{scheme}://{host}{port}"))
    }

    /// Host and port. Without brackets an IPv6 address may end in what looks
    /// like a port: what can be read both ways is nothing.
    fn split_host_and_port<'t>(
        &mut self,
        address: &'t str,
    ) -> Option<(&'t str, Option<&'t str>)> {
        let is_ipv6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => return Some((address, None)),
        };
        match (is_ipv6(address), is_ipv6(host)) {
            (true, false) => Some((address, None)),
            (false, false) => Some((host, Some(port))),
            (false, true) if !port.is_empty() => Some((host, Some(port))),
            (_, true) => {
                self.fault(Code::OriginIpv6, IPV6_FAULT);
                None
            }
        }
    }

    /// The scheme, if there is one, and what follows its slashes.
    fn split_scheme<'t>(
        &mut self,
        text: &'t str,
    ) -> (Option<&'t str>, &'t str) {
        for wrapper in ["blob:", "filesystem:", "view-source:"] {
            if let Some(inner) = text.strip_prefix(wrapper)
                && web_scheme(inner).is_some()
            {
                self.fault(Code::OriginPath, "is an address inside an origin");
                return self.split_scheme(inner);
            }
        }
        let Some(WebScheme { scheme, rest, right }) = web_scheme(text) else {
            let Some((scheme, rest)) = text.split_once("://") else {
                return (None, text.trim_start_matches('/'));
            };
            let web = misspelt_web_scheme(scheme);
            if web.is_some() {
                self.fault(Code::OriginMalformed, "has a misspelled scheme");
            }
            return (Some(web.unwrap_or(scheme)), rest);
        };
        if web_scheme(rest).is_some() {
            self.fault(Code::OriginMalformed, "has more than one scheme");
            return self.split_scheme(rest);
        }
        if !right {
            self.fault(
                Code::OriginMalformed,
                "does not have a colon and two slashes after its scheme",
            );
        }
        (text.get(..scheme.len()), rest)
    }

    fn correct_case(&mut self, text: &str) -> String {
        if text.contains(|c: char| c.is_ascii_uppercase()) {
            self.fault(
                Code::OriginCase,
                "has uppercase letters, which browsers never send",
            );
        }
        text.to_ascii_lowercase()
    }

    fn correct_host(&mut self, scheme: &str, host: &str) -> Option<String> {
        if !matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp") {
            let literal = host.replace('*', "");
            if !syntax::is_opaque_host(literal.as_bytes()) {
                self.fault(
                    Code::OriginHost,
                    "has a host that browsers never send with this scheme",
                );
            }
            return Some(host.into());
        }
        if host.is_empty() {
            self.fault(Code::OriginHost, "has no host");
            return None;
        }
        if host.starts_with('[') || host.matches(':').count() > 1 {
            let address = without_brackets(host);
            self.fault(Code::OriginIpv6, IPV6_FAULT);
            let address: Ipv6Addr = address.parse().ok()?;
            return Some(format!("[{}]", syntax::ipv6_text(address)));
        }
        if host.contains(':') {
            self.fault(Code::OriginPort, "has more than one port");
            return None;
        }
        let mut labels = Vec::new();
        for label in host.split('.') {
            if label.is_ascii() {
                labels.push(self.correct_case(label));
            } else {
                self.fault(
                    Code::OriginUnicode,
                    "has a Unicode host, which browsers send in Punycode",
                );
                labels.push(in_punycode(label)?);
            }
        }
        // What is encoded already may be invalid, and so the whole host.
        let encoded = labels.iter().filter(|label| label.starts_with("xn--"));
        if !host.is_ascii()
            && encoded.count()
                > host.split('.').filter(|label| !label.is_ascii()).count()
        {
            return None;
        }
        let last = labels.iter().rfind(|label| !label.is_empty())?;
        if syntax::is_number_label(last.as_bytes()) {
            self.fault(
                Code::OriginIpv4,
                "has an IPv4 address that is not four decimal numbers",
            );
            // Only leading zeros can be fixed without a guess at the base.
            let host = host.strip_suffix('.').unwrap_or(host);
            let address: Ipv4Addr = host.parse().ok()?;
            return Some(address.to_string());
        }
        let bad_byte = |label: &String| {
            label.bytes().any(|b| !syntax::is_label_byte(b) && b != b'*')
        };
        if labels.iter().any(bad_byte) {
            self.fault(
                Code::OriginHost,
                "has a host with characters that are not in host names",
            );
        }
        let inner = labels.strip_suffix(&[String::new()]).unwrap_or(&labels);
        if inner.iter().any(String::is_empty) {
            self.fault(Code::OriginHost, "has a host with an empty label");
        }
        let too_long = |label: &String| label.len() > syntax::LABEL_MAX;
        if labels.iter().any(too_long) || host.len() > syntax::HOST_MAX {
            self.fault(
                Code::OriginTooLong,
                "has a label of more than 63 or a host of more than 253 bytes",
            );
        }
        Some(labels.join("."))
    }

    /// The port with its colon, or nothing if it must be omitted.
    fn correct_port(
        &mut self,
        scheme: &str,
        port: Option<&str>,
    ) -> Option<String> {
        let Some(port) = port else { return Some(String::new()) };
        if port == "*" {
            return Some(":*".into());
        }
        if port.is_empty() {
            self.fault(Code::OriginPort, "has a colon but no port");
            return Some(String::new());
        }
        let digits = port.trim_start_matches('0');
        let Some(number) = syntax::parse_port(digits.as_bytes()) else {
            self.fault(
                Code::OriginPort,
                "has a port that is not a number from 1 to 65535, or *",
            );
            return None;
        };
        if digits.len() != port.len() {
            self.fault(Code::OriginPort, "has a port with a leading zero");
        }
        if default_port(scheme.as_bytes()) == Some(number) {
            self.fault(
                Code::OriginDefaultPort,
                "includes the scheme's default port, which browsers omit",
            );
            return Some(String::new());
        }
        Some(format!(":{number}"))
    }
}

/// Whether a host without a scheme speaks http rather than https, as
/// development servers do: one on the same machine or in a private network.
fn is_plain_http(host: &str, port: Option<&str>) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let local = match without_brackets(host).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
        }
        Ok(IpAddr::V6(address)) => {
            address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_unspecified()
        }
        Err(_) => syntax::is_loopback(host),
    };
    match port {
        Some("80") => true,
        Some("443") => false,
        _ => local,
    }
}
