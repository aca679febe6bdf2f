//! Checks of `allow_origins` and `dangerously_allow`.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::names::duplicate;
use super::{At, Reader};
use crate::origin::pattern::{
    HostPattern, Pattern, PortPattern, Range, Wildcard,
};
use crate::origin::ports::is_blocked_port;
use crate::origin::public_suffix::PublicSuffixList;
use crate::origin::set::{Builder, OriginSet};
use crate::origin::special_use;
use crate::origin::syntax::{Scheme, is_loopback};
use crate::policy::correction;
use crate::policy::diagnostic::{Code, quoted};
use crate::policy::document::Type;
use crate::policy::keys;

/// `dangerously_allow`, with what of it was needed.
#[derive(Default)]
pub(super) struct Dangers<'t> {
    null_origin: Option<At<'t, 'static>>,
    null_origin_needed: bool,
    insecure_origins: Named<'t>,
    public_suffix_wildcards: Named<'t>,
    scheme_wildcards: Named<'t>,
    loopback_origins: Named<'t>,
}

/// Domains under which nobody else can get a name. Most wildcards of a policy
/// are under few, and the public suffix list is slow to ask.
#[derive(Default)]
pub(super) struct Closed {
    names: HashSet<String>,
    /// The one that was found last: patterns of one domain are often next to
    /// each other.
    last: String,
    /// The one that was asked for last of those that are not closed.
    last_open: String,
}

impl Closed {
    /// At most this many are remembered.
    const MAX: usize = 4096;

    /// Whether no wildcard to the left of `suffix` can match a name that
    /// anyone can get; `false` if one can, or if `suffix` is to be looked at
    /// closely.
    fn covers(&mut self, suffix: &str, list: &PublicSuffixList) -> bool {
        let rest = suffix.strip_suffix(self.last.as_str());
        if rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            && !self.last.is_empty()
        {
            return true;
        }
        if suffix == self.last_open {
            return false;
        }
        // The last two labels, or three, or four.
        let ends = suffix
            .rmatch_indices('.')
            .skip(1)
            .take(3)
            .map(|(dot, _)| &suffix[dot + 1..]);
        let mut names = ends.chain([suffix]);
        let known = names.clone().find(|name| self.names.contains(*name));
        let closed = known.or_else(|| {
            names.find(|name| {
                list.open_name(&HostPattern::Subdomains(name)).is_none()
            })
        });
        let Some(name) = closed else {
            suffix.clone_into(&mut self.last_open);
            return false;
        };
        name.clone_into(&mut self.last);
        if known.is_none() && self.names.len() < Self::MAX {
            self.names.insert(name.to_owned());
        }
        true
    }
}

/// The patterns that a key lists, each with its location and whether it was
/// needed.
#[derive(Default)]
struct Named<'t>(HashMap<Cow<'t, str>, (At<'t, 'static>, bool)>);

impl Named<'_> {
    /// Whether `pattern` is listed, which is then needed.
    fn covers(&mut self, pattern: &str) -> bool {
        match self.0.get_mut(pattern) {
            Some((_, needed)) => {
                *needed = true;
                true
            }
            None => false,
        }
    }
}

/// What an origin that a rule lists may do beyond reading.
#[derive(Clone, Copy)]
pub(super) struct Trust {
    /// Read what it gets with the user's credentials.
    pub(super) credentials: bool,
    /// Send what `block` keeps others from sending, with whatever cookies the
    /// browser adds. `*` and `null` give no such trust.
    pub(super) blocks: bool,
}

impl Trust {
    fn is_given(self) -> bool {
        self.credentials || self.blocks
    }
}

/// The patterns of all rules.
pub(super) struct Origins<'t> {
    builder: Builder,
    /// `allow_origins` of each rule that has it, and whether it lists `*`.
    lists: Vec<(At<'t, 'static>, bool)>,
    /// How often `null` is listed.
    nulls: usize,
    /// Whether the rule that is read is the last one.
    pub(super) is_last: bool,
}

/// After how many patterns a load asks whether to go on: under a millisecond.
const ASK_EVERY: usize = 1024;

impl Origins<'_> {
    /// Makes room for texts of `capacity` bytes in all.
    pub(super) fn with_capacity(capacity: usize, has_rules: bool) -> Self {
        let builder = Builder::with_capacity(capacity, has_rules);
        Self { builder, lists: Vec::new(), nulls: 0, is_last: true }
    }

    pub(super) fn next_rule(&mut self) {
        self.builder.next_rule();
    }
}

impl<'t> Reader<'t> {
    /// Adds the patterns of a rule; returns whether `*` and `null` are among
    /// them.
    pub(super) fn origins(
        &mut self,
        array: &At<'t, 'static>,
        trust: Trust,
        dangers: &mut Dangers<'t>,
        origins: &mut Origins<'t>,
    ) -> [bool; 2] {
        if self.expect(array, Type::Array).is_none() {
            return [false; 2];
        }
        let (mut any, mut null, mut count) = (None, false, 0);
        array.each_element(|at| {
            if count % ASK_EVERY == 0 {
                self.gave_up |= !(self.go_on)();
            }
            count += 1;
            if self.gave_up {
                return;
            }
            let Some(text) = self.string(&at) else { return };
            match Pattern::parse(&text) {
                Ok(pattern) => {
                    match pattern {
                        Pattern::Any => any = any.or(Some(at)),
                        Pattern::Null => {
                            null = true;
                            origins.nulls += 1;
                        }
                        Pattern::Exact(_)
                        | Pattern::Wildcard(_)
                        | Pattern::Range(_)
                        | Pattern::AnyHost(_) => {}
                    }
                    self.origin(&at, &text, &pattern, trust, dangers);
                    origins.builder.push(&text, &pattern);
                }
                Err(error) => {
                    let suffixes = self.suffixes;
                    self.error(&at, || {
                        let (finding, fix) = correction::explain(&text, error);
                        match fix {
                            Some(fix) => finding
                                .help(dangers.offer(&fix, trust, suffixes)),
                            None => finding,
                        }
                    });
                }
            }
        });
        if count == 0 {
            let message = "allow_origins is empty, so no origin is allowed";
            self.error(array, || Code::OriginsEmpty.says(message));
        }
        if let Some(at) = any {
            if count > 1 {
                let message = "\"*\" already covers the other origins";
                self.error(&at, || Code::OriginsAnyNotAlone.says(message));
            }
            if !origins.is_last {
                let message = "\"*\" matches every origin, so the rules after \
                               this one never apply";
                self.error(&at, || Code::OriginsAnyNotLast.says(message));
            }
        }
        origins.lists.push((*array, any.is_some()));
        [any.is_some(), null]
    }

    /// The set of all patterns.
    pub(super) fn origin_set(&mut self, origins: Origins<'t>) -> OriginSet {
        let Origins { builder, lists, nulls, is_last: _ } = origins;
        let (set, repeated) = builder.build();
        let may_be_redundant = lists.len() > 1
            || nulls > 1
            || !repeated.is_empty()
            || set.may_overlap();
        if !may_be_redundant {
            return set;
        }
        let mut repeated = repeated.iter().copied().peekable();
        let (mut place, mut null_rule) = (0, None);
        for (array, any) in lists {
            let rule = array.rule.unwrap_or(0);
            array.each_element(|at| {
                let Some(text) = at.valid_string() else { return };
                if text == "null" {
                    match null_rule {
                        None => null_rule = Some(rule),
                        Some(earlier) if earlier < rule => {
                            self.in_earlier_rule(&at, &text, b"null", earlier);
                        }
                        Some(_) => self.warning(&at, || duplicate(&text)),
                    }
                } else if let Some(after) = set.place_after(place, &text) {
                    let is_repeated =
                        repeated.next_if(|other| *other == place).is_some();
                    place = after;
                    if !any {
                        self.redundant(&at, &text, rule, is_repeated, &set);
                    }
                }
                // Otherwise it is malformed.
            });
        }
        set
    }

    /// A pattern that is listed twice, or that another one covers.
    fn redundant(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        rule: usize,
        is_repeated: bool,
        set: &OriginSet,
    ) {
        let has_rules = at.rule.is_some();
        if !is_repeated && !set.has_wildcards() && !has_rules {
            return;
        }
        let Ok(pattern) = Pattern::parse(text) else { return };
        let covering = set.find_covering(text, &pattern);
        let same = set.find_exact(one_origin(text, &pattern).as_bytes());
        let found = [covering, same].into_iter().flatten();
        let with_rules = found.map(|text| (set.rule_of(text), text));
        if let Some((earlier, text_there)) =
            with_rules.min().filter(|(earlier, _)| *earlier < rule)
        {
            self.in_earlier_rule(at, text, text_there, earlier);
        } else if is_repeated {
            self.warning(at, || duplicate(text));
        } else if let Some(covering) = match pattern {
            Pattern::Exact(_) => covering,
            Pattern::Range(range) => set.find_wider(&range),
            Pattern::Any
            | Pattern::Null
            | Pattern::Wildcard(_)
            | Pattern::AnyHost(_) => None,
        }
        .filter(|covering| set.rule_of(covering) == rule)
        {
            self.warning(at, || {
                let covering = String::from_utf8_lossy(covering);
                let what = format!("is already covered by {covering:?}");
                Code::OriginCovered.of(text, &what)
            });
        }
    }

    /// A pattern whose permissions are never used.
    fn in_earlier_rule(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        covering: &[u8],
        earlier: usize,
    ) {
        self.warning(at, || {
            let covering = String::from_utf8_lossy(covering);
            let number = earlier + 1;
            let what = format!(
                "never gets the permissions of this rule, since rule {number} \
                 lists {covering:?}"
            );
            let help =
                format!("remove it, or move this rule before rule {number}");
            Code::OriginInEarlierRule.of(text, &what).help(help)
        });
    }

    /// Checks one well-formed pattern.
    fn origin(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        pattern: &Pattern<'_>,
        trust: Trust,
        dangers: &mut Dangers<'t>,
    ) {
        let (scheme, host, port) = match pattern {
            Pattern::Any => {
                if trust.credentials {
                    let message = "\"*\" with credentials would let any site \
                                   act as its visitors";
                    self.error(at, || {
                        Code::OriginAnyCredentials.says(message)
                    });
                }
                return;
            }
            Pattern::Null => {
                return self.null_origin(at, trust, dangers);
            }
            Pattern::Exact(tuple) => {
                let host = str::from_utf8(tuple.host);
                let host = host.expect("a host is ASCII");
                (tuple.scheme, host.into(), tuple.port.into())
            }
            Pattern::Wildcard(wildcard) => {
                self.public_suffix(at, text, wildcard, trust, dangers);
                (wildcard.scheme, wildcard.host_text().into(), wildcard.port)
            }
            Pattern::Range(range) => {
                self.public_range(at, text, range, trust, dangers);
                // If the first address is a loopback one, all are.
                (range.scheme, range.addresses.host_text().into(), range.port)
            }
            Pattern::AnyHost(_) => {
                self.any_host(at, text, trust, dangers);
                (Scheme::Other, Cow::Borrowed("*"), PortPattern::Default)
            }
        };
        let host: &str = &host;
        if !matches!(scheme, Scheme::Http | Scheme::Https) {
            return self.other_scheme(at, text, host, trust, dangers);
        }
        if let PortPattern::Number(port) = port
            && is_blocked_port(port)
        {
            self.warning(at, || {
                let what =
                    format!("is never sent: browsers block port {port}");
                Code::OriginPortBlocked.of(text, &what)
            });
        }
        if is_loopback(host) {
            if trust.is_given() && !dangers.loopback_origins.covers(text) {
                let what = match trust.credentials {
                    true => {
                        "lets any program on the user's machine use the \
                         user's credentials"
                    }
                    false => {
                        "lets any program on the user's machine send what \
                         block stops"
                    }
                };
                self.warning(at, || Code::OriginLoopback.of(text, what));
            }
        } else if scheme == Scheme::Http
            && !dangers.insecure_origins.covers(text)
        {
            let suffixes = self.suffixes;
            self.error_if(trust.is_given(), at, || {
                let what = "is not encrypted, so anyone on the network path \
                            can impersonate it";
                let https = with_https(text);
                let list =
                    "list the pattern in dangerously_allow.insecure_origins";
                let help = match dangers.accepts(&https, trust, suffixes) {
                    true => format!("use {https}, or {list}"),
                    false => list.into(),
                };
                Code::OriginInsecure.of(text, what).help(help)
            });
        } else if trust.credentials && port == PortPattern::Any {
            let what = "lets any program on any port of the host use the \
                        user's credentials";
            self.warning(at, || Code::OriginAnyPort.of(text, what));
        }
    }

    /// Schemes whose pages have no origin, or another.
    fn other_scheme(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        host: &str,
        trust: Trust,
        dangers: &Dangers<'t>,
    ) {
        let Some((scheme, rest)) = text.split_once("://") else { return };
        let meant = match scheme {
            "ws" => Some("http"),
            "wss" => Some("https"),
            _ => correction::misspelt_web_scheme(scheme),
        };
        let what = "is an origin that browsers never send";
        let finding = || Code::OriginNeverSent.of(text, what);
        let finding = if let Some(meant) = meant {
            let fix = format!("{meant}://{rest}");
            let fix = correction::correct(&fix).map_or(fix, |(fix, _)| fix);
            finding().help(match Pattern::parse(&fix) {
                Ok(_) => dangers.offer(&fix, trust, self.suffixes),
                Err(_) => "add a host".into(),
            })
        } else if correction::is_opaque_scheme(scheme) || scheme == "ftp" {
            finding()
        } else if scheme.ends_with("-extension") && host.is_empty() {
            finding().help("add the extension's identifier")
        } else {
            return;
        };
        self.warning(at, || finding);
    }

    fn public_suffix(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        wildcard: &Wildcard<'_>,
        trust: Trust,
        dangers: &mut Dangers<'t>,
    ) {
        let suffix = wildcard.host_text();
        if self.closed.covers(suffix, self.suffixes) {
            return;
        }
        let Some(open) = self.suffixes.open_name(&wildcard.host) else {
            return;
        };
        if dangers.public_suffix_wildcards.covers(text) {
            return;
        }
        let suffixes = self.suffixes;
        self.error_if(trust.is_given(), at, || {
            let source = match open.shared {
                true => "libcors's list of shared domains".into(),
                false => format!("public suffix list of {}", suffixes.date()),
            };
            let (name, text) = (open.name, quoted(text));
            Code::OriginPublicSuffix.says(format!(
                "anyone can get a name under {name} that {text} matches \
                 ({source})"
            ))
        });
    }

    fn public_range(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        range: &Range,
        trust: Trust,
        dangers: &mut Dangers<'t>,
    ) {
        if special_use::is_open(range.addresses)
            && !dangers.public_suffix_wildcards.covers(text)
        {
            let what = "has public addresses, so anyone can get one of them";
            self.error_if(trust.is_given(), at, || {
                Code::OriginPublicRange.of(text, what)
            });
        }
    }

    fn any_host(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        trust: Trust,
        dangers: &mut Dangers<'t>,
    ) {
        if !dangers.scheme_wildcards.covers(text) {
            let what = "matches every page with this scheme, whoever wrote it";
            self.error_if(trust.is_given(), at, || {
                Code::OriginAnyHost.of(text, what)
            });
        }
    }

    fn null_origin(
        &mut self,
        at: &At<'t, '_>,
        trust: Trust,
        dangers: &mut Dangers<'t>,
    ) {
        dangers.null_origin_needed = true;
        if trust.credentials {
            let message = "\"null\" with credentials allows every site, since \
                           any site can send it from a sandboxed iframe";
            self.error(at, || Code::OriginNullCredentials.says(message));
        } else if dangers.null_origin.is_none() {
            let message =
                "every sandboxed iframe and local file sends \"null\"";
            self.error(at, || Code::OriginNull.says(message));
        }
    }

    pub(super) fn dangers(&mut self, at: &At<'t, '_>) -> Dangers<'t> {
        let keys::Values::Object(known) = keys::DANGEROUSLY_ALLOW.values
        else {
            return Dangers::default();
        };
        let members = self.members(at, known).unwrap_or_default();
        let null_origin = members
            .get(&keys::NULL_ORIGIN)
            .filter(|at| self.boolean(at) == Some(true));
        let mut named = |key| match members.get(key) {
            Some(array) => self.named(&array),
            None => Named::default(),
        };
        Dangers {
            null_origin,
            insecure_origins: named(&keys::INSECURE_ORIGINS),
            public_suffix_wildcards: named(&keys::PUBLIC_SUFFIX_WILDCARDS),
            scheme_wildcards: named(&keys::SCHEME_WILDCARDS),
            loopback_origins: named(&keys::LOOPBACK_ORIGINS),
            ..Dangers::default()
        }
    }

    fn named(&mut self, array: &At<'t, 'static>) -> Named<'t> {
        let mut named = Named::default();
        if self.expect(array, Type::Array).is_some() {
            array.each_element(|at| {
                let Some(text) = self.string(&at) else { return };
                match named.0.entry(text) {
                    Entry::Vacant(place) => {
                        place.insert((at, false));
                    }
                    Entry::Occupied(known) => {
                        self.warning(&at, || duplicate(known.key()));
                    }
                }
            });
        }
        named
    }

    pub(super) fn unneeded_dangers(&mut self, dangers: &Dangers<'t>) {
        if let Some(at) = dangers.null_origin
            && !dangers.null_origin_needed
        {
            let message = "null_origin is true, but allow_origins does not list \"null\"";
            self.warning(&at, || Code::DangerUnneeded.says(message));
        }
        // Diagnostics come in the order of the file, whatever the map's is.
        for (named, what) in [
            (
                &dangers.insecure_origins,
                "is not an insecure pattern of allow_origins",
            ),
            (
                &dangers.public_suffix_wildcards,
                "is not a wildcard of allow_origins under which anyone can get \
                 a name, nor a range in which anyone can get an address",
            ),
            (
                &dangers.scheme_wildcards,
                "is not a whole scheme of allow_origins",
            ),
            (
                &dangers.loopback_origins,
                "is not a loopback pattern of allow_origins with credentials or \
                 block",
            ),
        ] {
            for (name, (at, needed)) in &named.0 {
                if !needed {
                    self.warning(at, || Code::DangerUnneeded.of(name, what));
                }
            }
        }
    }
}

impl Dangers<'_> {
    /// The help that offers a pattern in place of another. If the policy would
    /// be rejected with it, the help says what else is needed.
    fn offer(
        &self,
        fix: &str,
        trust: Trust,
        suffixes: &PublicSuffixList,
    ) -> String {
        if self.accepts(fix, trust, suffixes) {
            return format!("use {fix}");
        }
        if fix == "null" {
            return match trust.credentials {
                true => "remove it",
                false => "remove it, or see null_origin of dangerously_allow",
            }
            .into();
        }
        let https = with_https(fix);
        match self.accepts(&https, trust, suffixes) {
            true => format!(
                "use {https}, or list {fix} in dangerously_allow.insecure_origins"
            ),
            false => {
                "use a domain of your own to the right of the wildcard".into()
            }
        }
    }

    /// Whether a policy would not be rejected for a pattern.
    fn accepts(
        &self,
        text: &str,
        trust: Trust,
        suffixes: &PublicSuffixList,
    ) -> bool {
        let (scheme, host) = match Pattern::parse(text) {
            Err(_) => return false,
            Ok(Pattern::Any) => return !trust.credentials,
            Ok(Pattern::Null) => {
                return !trust.credentials && self.null_origin.is_some();
            }
            Ok(Pattern::Exact(tuple)) => {
                let host = str::from_utf8(tuple.host).unwrap_or_default();
                (tuple.scheme, host.into())
            }
            Ok(Pattern::Range(Range { scheme, addresses, .. })) => {
                let named = &self.public_suffix_wildcards;
                if trust.is_given()
                    && special_use::is_open(addresses)
                    && !named.0.contains_key(text)
                {
                    return false;
                }
                (scheme, addresses.host_text().into())
            }
            Ok(Pattern::AnyHost(_)) => {
                return !trust.is_given()
                    || self.scheme_wildcards.0.contains_key(text);
            }
            Ok(Pattern::Wildcard(wildcard)) => {
                let named = &self.public_suffix_wildcards;
                if trust.is_given()
                    && suffixes.open_name(&wildcard.host).is_some()
                    && !named.0.contains_key(text)
                {
                    return false;
                }
                (wildcard.scheme, Cow::Borrowed(wildcard.host_text()))
            }
        };
        !trust.is_given()
            || scheme != Scheme::Http
            || is_loopback(&host)
            || self.insecure_origins.0.contains_key(text)
    }
}

/// A range of one address as the exact origin that it is; any other pattern as
/// it is.
fn one_origin<'t>(text: &'t str, pattern: &Pattern<'_>) -> Cow<'t, str> {
    match (pattern, text.rsplit_once('/')) {
        (Pattern::Range(range), Some((origin, tail)))
            if range.addresses.host().is_some() =>
        {
            let port = tail.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{origin}{port}").into()
        }
        _ => text.into(),
    }
}

/// An http pattern with https, without the default port.
fn with_https(text: &str) -> String {
    let https = text.replacen("http:", "https:", 1);
    https.strip_suffix(":443").unwrap_or(&https).to_owned()
}

impl<'a> Wildcard<'a> {
    /// The literal end of the host.
    fn host_text(&self) -> &'a str {
        let (HostPattern::Whole(text)
        | HostPattern::Subdomains(text)
        | HostPattern::Label { suffix: text, .. }) = self.host;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_as_closed_is_what_the_list_says() {
        let names = [
            "com",
            "example.com",
            "a.example.com",
            "b.a.example.com",
            "co.uk",
            "example.co.uk",
            "github.io",
            "octocat.github.io",
            "amazonaws.com",
            "s3.amazonaws.com",
            "x.s3.amazonaws.com",
            "compute.amazonaws.com",
            "b.compute.amazonaws.com",
            "ck",
            "www.ck",
            "b.ck",
            "a.b.ck",
            "kawasaki.jp",
            "city.kawasaki.jp",
            "c.kawasaki.jp",
            "windows.net",
            "core.windows.net",
            "blob.core.windows.net",
            "x.blob.core.windows.net",
            "localhost",
            "app.localhost",
            "unlisted",
            "example.unlisted",
            "fastly.net",
        ];
        let hosts = names.map(|suffix| {
            let lefts = ["*", "a*", "s*", "x.*", "*-b"];
            let labels = lefts.map(|left| HostPattern::Label { left, suffix });
            (suffix, labels, HostPattern::Subdomains(suffix))
        });
        // Asked in either order, so that each is asked with and without
        // others known.
        let list = PublicSuffixList::built_in();
        let mut closed = Closed::default();
        for (suffix, labels, subdomains) in
            hosts.iter().chain(hosts.iter().rev())
        {
            if closed.covers(suffix, list) {
                for host in labels.iter().chain([subdomains]) {
                    assert_eq!(list.open_name(host), None, "{host:?}");
                }
            } else {
                assert!(list.open_name(subdomains).is_some());
            }
        }
        assert!(closed.names.len() < names.len());
    }
}
