//! The rules of a policy file: what its keys mean and what it may not say.
//!
//! Everything that is wrong is reported, not only the first thing. A value
//! that is wrong counts as absent for the rules that come after it.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::net::Ipv4Addr;

use super::diagnostic::{Diagnostic, Diagnostics, Severity, quoted};
use super::document::{self, Type, Value};
use super::{POLICY_DEPTH_MAX, POLICY_MAX, correction};
use crate::decision::Answers;
use crate::header_names::{
    HEADER_NAME_MAX, RequestHeaders, is_cors_header,
    is_forbidden_request_header, is_forbidden_response_header,
};
use crate::method::{self, METHOD_MAX, Methods};
use crate::origin::pattern::{HostPattern, Pattern, Wildcard};
use crate::origin::public_suffix;
use crate::origin::set::{Builder, OriginSet};
use crate::origin::syntax::{self, Origin, Scheme};

/// Browsers keep a preflight answer for at most a day, most of them for less.
const MAX_AGE_MAX: u32 = 86_400;

/// Reads a policy. There are answers where no diagnostic is an error.
pub(super) fn read(json: &[u8]) -> (Option<Answers>, Vec<Diagnostic>) {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let (text, rest) = match std::str::from_utf8(json) {
        Ok(text) => (text, None),
        Err(error) => {
            let (good, rest) = json.split_at(error.valid_up_to());
            (std::str::from_utf8(good).unwrap_or_default(), rest.first())
        }
    };
    let mut rules = Rules { text, diagnostics: Diagnostics::default() };
    let answers = if json.len() > POLICY_MAX {
        let message = format!("the policy has more than {POLICY_MAX} bytes");
        rules.error_at(None, "policy-size", message);
        None
    } else if let Some(byte) = rest {
        let message = format!("the byte 0x{byte:02x} is not UTF-8 here");
        rules.error_at(Some(text.len()), "json-encoding", message);
        None
    } else {
        match document::parse(text) {
            Ok(document) => rules.policy(document),
            Err(error) => {
                rules.error_at(
                    Some(error.offset),
                    "json-syntax",
                    error.message,
                );
                None
            }
        }
    };
    let answers = answers.filter(|_| !rules.diagnostics.has_errors());
    (answers, rules.diagnostics.into_list(text))
}

struct Rules<'t> {
    text: &'t str,
    diagnostics: Diagnostics,
}

/// A value and the way to it.
#[derive(Clone, Copy)]
struct At<'t, 'p> {
    value: Value<'t>,
    /// The pointer of the value, or of the array that it stands in.
    pointer: &'p str,
    index: Option<usize>,
}

/// An object's member, its key without escapes.
struct Member<'t> {
    key: Cow<'t, str>,
    value: Value<'t>,
}

/// The keys of a policy, in the order in which messages list them.
const KEYS: [&str; 10] = [
    "allow_origins",
    "allow_credentials",
    "allow_methods",
    "allow_headers",
    "expose_headers",
    "max_age",
    "preflight_status",
    "dangerously_allow",
    "$schema",
    "description",
];

const DANGER_KEYS: [&str; 3] =
    ["null_origin", "insecure_origins", "public_suffix_wildcards"];

/// `dangerously_allow`, with what of it was needed.
#[derive(Default)]
struct Dangers<'t> {
    null_origin: Option<Value<'t>>,
    null_origin_needed: bool,
    insecure_origins: Named<'t>,
    public_suffix_wildcards: Named<'t>,
}

/// Patterns that a switch names: each with its place, and whether it was
/// needed.
#[derive(Default)]
struct Named<'t>(HashMap<Cow<'t, str>, (At<'t, 'static>, bool)>);

impl Named<'_> {
    /// Whether `pattern` is named, which is then needed.
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

/// What `allow_origins` says.
struct Origins {
    any: bool,
    null: bool,
    set: OriginSet,
}

impl<'t> Rules<'t> {
    fn policy(&mut self, document: Value<'t>) -> Option<Answers> {
        let root = At { value: document, pointer: "", index: None };
        let members = self.members(&root, &KEYS)?;
        let member = |key: &str| {
            let found = members.iter().find(|member| member.key == key);
            found.map(|member| member.value)
        };
        for key in ["$schema", "description"] {
            if let Some(value) = member(key) {
                self.string(&At::member(value, &format!("/{key}")));
            }
        }
        let credentials = member("allow_credentials")
            .and_then(|value| {
                self.boolean(&At::member(value, "/allow_credentials"))
            })
            .unwrap_or(false);
        let mut dangers = match member("dangerously_allow") {
            Some(value) => self.dangers(value),
            None => Dangers::default(),
        };
        let origins = match member("allow_origins") {
            Some(value) => self.origins(value, credentials, &mut dangers),
            None => {
                self.error(
                    &root,
                    "missing-key",
                    "allow_origins is missing".into(),
                    r#"write "allow_origins": ["https://app.example.com"]"#,
                );
                None
            }
        };
        self.unneeded_dangers(&dangers);
        let methods = self.methods(member("allow_methods"));
        let request_headers = self.allow_headers(member("allow_headers"));
        let expose_headers =
            self.expose_headers(member("expose_headers"), credentials);
        let max_age =
            member("max_age").and_then(|value| {
                let at = At::member(value, "/max_age");
                self.whole_number(&at, |age| age <= MAX_AGE_MAX, || {
                (
                    "max-age-range",
                    format!("max_age is not from 0 to {MAX_AGE_MAX} seconds"),
                    "write 7200, the most that some browsers keep".into(),
                )
            })
            });
        let preflight_status = member("preflight_status").and_then(|value| {
            let at = At::member(value, "/preflight_status");
            self.whole_number(
                &at,
                |s| s == 200 || s == 204,
                || {
                    (
                        "preflight-status",
                        "preflight_status is neither 200 nor 204".into(),
                        "write 204, or 200 for clients that know no 204"
                            .into(),
                    )
                },
            )
        });
        let Origins { any, null, set } = origins?;
        Some(Answers {
            any_origin: any,
            null_origin: null,
            origins: set,
            credentials,
            methods,
            request_headers,
            expose_headers,
            max_age: max_age.map(|age| c_string(age.to_string())),
            preflight_status: preflight_status.map_or(204, |s| s as u16),
        })
    }

    fn origins(
        &mut self,
        value: Value<'t>,
        credentials: bool,
        dangers: &mut Dangers<'t>,
    ) -> Option<Origins> {
        let array = At::member(value, "/allow_origins");
        self.expect(&array, Type::Array)?;
        let mut builder = Builder::with_capacity(value.raw().len());
        let (mut any, mut null, mut count) = (None, None, 0);
        array.each_element(|at| {
            count += 1;
            let Some(text) = self.string(&at) else { return };
            match Pattern::parse(&text) {
                Ok(pattern) => {
                    match pattern {
                        Pattern::Any => any = any.or(Some(at)),
                        Pattern::Null => null = null.or(Some(at)),
                        _ => {}
                    }
                    self.origin(&at, &text, &pattern, credentials, dangers);
                    builder.push(&text, &pattern);
                }
                Err(error) => {
                    let fault = correction::explain(&text, error);
                    self.report(Severity::Error, &at, fault.code, || {
                        (fault.message, fault.help)
                    });
                }
            }
        });
        if count == 0 {
            self.error(
                &array,
                "origins-empty",
                "allow_origins is empty, which allows nobody".into(),
                "name an origin, or switch CORS off where the policy is used",
            );
        }
        if let Some(at) = any
            && count > 1
        {
            self.error(
                &at,
                "origins-any-not-alone",
                "\"*\" stands beside other origins, which it covers".into(),
                "write \"*\" alone, or leave it out",
            );
        }
        let set = builder.build();
        if any.is_none() {
            self.redundant_origins(&array, &set);
        }
        Some(Origins { any: any.is_some(), null: null.is_some(), set })
    }

    /// The rules that look at one well-formed pattern.
    fn origin(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        pattern: &Pattern<'_>,
        credentials: bool,
        dangers: &mut Dangers<'t>,
    ) {
        let (scheme, host) = match pattern {
            Pattern::Any if credentials => {
                return self.error(
                    at,
                    "origin-any-credentials",
                    "\"*\" with credentials would let every site act for its \
                     visitors"
                        .into(),
                    "list the origins, or leave allow_credentials out",
                );
            }
            Pattern::Any => return,
            Pattern::Null => {
                return self.null_origin(at, credentials, dangers);
            }
            Pattern::Exact(scheme) => match syntax::parse(text.as_bytes()) {
                Some(Origin::Tuple(tuple)) => {
                    (*scheme, String::from_utf8_lossy(tuple.host))
                }
                _ => return,
            },
            Pattern::Wildcard(wildcard) => {
                self.public_suffix(at, text, wildcard, credentials, dangers);
                (wildcard.scheme, wildcard.host_text().into())
            }
        };
        if is_loopback(&host) {
            if credentials {
                self.warning(
                    at,
                    "origin-loopback",
                    format!(
                        "{} lets any program on the visitor's own machine \
                         act for the visitor",
                        quoted(text)
                    ),
                    "leave it out of the policy that is used in production",
                );
            }
        } else if scheme == Scheme::Http
            && !dangers.insecure_origins.covers(text)
        {
            let message = format!(
                "{} is not encrypted: anyone on the way can be that origin",
                quoted(text)
            );
            let https = text.replacen("http:", "https:", 1);
            // A default port is not written.
            let https = https.strip_suffix(":443").unwrap_or(&https);
            self.error_with_credentials(
                credentials,
                at,
                "origin-insecure",
                message,
                &format!(
                    "write {https}, or name the pattern in \
                     dangerously_allow.insecure_origins"
                ),
            );
        }
    }

    fn public_suffix(
        &mut self,
        at: &At<'t, '_>,
        text: &str,
        wildcard: &Wildcard<'_>,
        credentials: bool,
        dangers: &mut Dangers<'t>,
    ) {
        if public_suffix::stranger_can_match(&wildcard.host)
            && !dangers.public_suffix_wildcards.covers(text)
        {
            let message = format!(
                "a stranger could register a name that {} matches (public \
                 suffix list of {})",
                quoted(text),
                public_suffix::date()
            );
            let help = "put a domain of your own to the right of the \
                 wildcard, or name the pattern in \
                 dangerously_allow.public_suffix_wildcards";
            self.error_with_credentials(
                credentials,
                at,
                "origin-public-suffix",
                message,
                help,
            );
        }
    }

    fn null_origin(
        &mut self,
        at: &At<'t, '_>,
        credentials: bool,
        dangers: &mut Dangers<'t>,
    ) {
        dangers.null_origin_needed = true;
        if credentials {
            self.error(
                at,
                "origin-null-credentials",
                "\"null\" with credentials lets every site in: any of them \
                 can send it from a sandboxed iframe"
                    .into(),
                "leave \"null\" or allow_credentials out",
            );
        } else if dangers.null_origin.is_none() {
            self.error(
                at,
                "origin-null",
                "\"null\" is what every sandboxed iframe and local file sends"
                    .into(),
                "leave it out, or write \
                 \"dangerously_allow\": {\"null_origin\": true}",
            );
        }
    }

    /// Duplicates, and exact origins that a wildcard covers.
    fn redundant_origins(&mut self, array: &At<'t, '_>, set: &OriginSet) {
        let mut wildcards_seen = HashSet::new();
        let mut null_seen = false;
        let mut place = 0;
        array.each_element(|at| {
            let Some(text) = at.valid_string() else { return };
            let Ok(pattern) = Pattern::parse(&text) else { return };
            let duplicate = match pattern {
                Pattern::Any => return,
                Pattern::Null => std::mem::replace(&mut null_seen, true),
                Pattern::Exact(_) => {
                    set.place_of_exact(text.as_bytes()) != Some(place)
                }
                Pattern::Wildcard(_) => {
                    !wildcards_seen.insert(text.clone().into_owned())
                }
            };
            if pattern != Pattern::Null {
                place += text.len() + 1;
            }
            if duplicate {
                return self.warning(
                    &at,
                    "duplicate",
                    format!("{} is there more than once", quoted(&text)),
                    "leave one of them out",
                );
            }
            if let Some(Origin::Tuple(tuple)) = syntax::parse(text.as_bytes())
                && let Some(wildcard) = set.find_wildcard(&tuple)
            {
                let wildcard = String::from_utf8_lossy(wildcard);
                self.warning(
                    &at,
                    "origin-covered",
                    format!("{} is covered by {wildcard:?}", quoted(&text)),
                    "leave one of them out",
                );
            }
        });
    }

    fn dangers(&mut self, value: Value<'t>) -> Dangers<'t> {
        let at = At::member(value, "/dangerously_allow");
        let mut dangers = Dangers::default();
        for member in self.members(&at, &DANGER_KEYS).unwrap_or_default() {
            match member.key.as_ref() {
                "null_origin" => {
                    let pointer = "/dangerously_allow/null_origin";
                    let at = At::member(member.value, pointer);
                    if self.boolean(&at) == Some(true) {
                        dangers.null_origin = Some(member.value);
                    }
                }
                "insecure_origins" => {
                    let pointer = "/dangerously_allow/insecure_origins";
                    let at = At::member(member.value, pointer);
                    dangers.insecure_origins = self.named(&at);
                }
                _ => {
                    let pointer = "/dangerously_allow/public_suffix_wildcards";
                    let at = At::member(member.value, pointer);
                    dangers.public_suffix_wildcards = self.named(&at);
                }
            }
        }
        dangers
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
                    Entry::Occupied(known) => self.duplicate(&at, known.key()),
                }
            });
        }
        named
    }

    fn unneeded_dangers(&mut self, dangers: &Dangers<'t>) {
        const HELP: &str = "leave it out";
        if let Some(value) = dangers.null_origin
            && !dangers.null_origin_needed
        {
            self.warning(
                &At::member(value, "/dangerously_allow/null_origin"),
                "danger-unneeded",
                "null_origin is true, and allow_origins has no \"null\""
                    .into(),
                HELP,
            );
        }
        for (name, (at, needed)) in &dangers.insecure_origins.0 {
            if !needed {
                self.warning(
                    at,
                    "danger-unneeded",
                    format!(
                        "{} is not an insecure pattern of allow_origins",
                        quoted(name)
                    ),
                    HELP,
                );
            }
        }
    }

    fn methods(&mut self, value: Option<Value<'t>>) -> Methods {
        let mut any = false;
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        self.names(value, "/allow_methods", |rules, at, name, count| {
            if name == "*" {
                any = true;
                if count > 1 {
                    rules.error(
                        at,
                        "methods-any-not-alone",
                        "\"*\" stands beside other methods, which it covers"
                            .into(),
                        "write [\"*\"], or leave it out",
                    );
                }
                return;
            }
            if !method::is_token(name.as_bytes()) || name.len() > METHOD_MAX {
                return rules.error(
                    at,
                    "method-malformed",
                    format!("{} is not a method name", quoted(&name)),
                    "write names such as \"PUT\", one an element",
                );
            }
            if method::is_forbidden(name.as_bytes()) {
                return rules.error(
                    at,
                    "method-forbidden",
                    format!("no browser sends {}", quoted(&name)),
                    "leave it out",
                );
            }
            let upper = name.to_ascii_uppercase();
            if method::is_normalized_by_browsers(&name) && *name != upper {
                return rules.error(
                    at,
                    "method-case",
                    format!(
                        "{} never matches: browsers send {upper}",
                        quoted(&name)
                    ),
                    &format!("write \"{upper}\""),
                );
            }
            if name == "patch" {
                rules.warning(
                    at,
                    "method-case",
                    "\"patch\" is not PATCH: methods are case-sensitive, and \
                     browsers do not change this one"
                        .into(),
                    "write \"PATCH\", and have scripts write it so",
                );
            }
            if !seen.insert(name.clone()) {
                return rules.duplicate(at, &name);
            }
            names.push(name);
        });
        Methods::new(any, &names)
    }

    fn allow_headers(&mut self, value: Option<Value<'t>>) -> RequestHeaders {
        let mut any = false;
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        self.names(value, "/allow_headers", |rules, at, name, _| {
            if name == "*" {
                if std::mem::replace(&mut any, true) {
                    rules.duplicate(at, &name);
                }
                return;
            }
            let Some(lower) = rules.header_name(at, &name) else { return };
            if is_forbidden_request_header(lower.as_bytes()) {
                return rules.error(
                    at,
                    "header-forbidden",
                    format!(
                        "{} is set by the browser; no script can",
                        quoted(&name)
                    ),
                    "leave it out",
                );
            }
            if !seen.insert(lower.clone()) {
                return rules.duplicate(at, &name);
            }
            names.push((lower, *at));
        });
        for (name, at) in names.iter().filter(|_| any) {
            if name != "authorization" {
                self.warning(
                    at,
                    "header-covered",
                    format!("{} is covered by \"*\"", quoted(name)),
                    "leave it out",
                );
            }
        }
        let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
        RequestHeaders::new(any, &names)
    }

    fn expose_headers(
        &mut self,
        value: Option<Value<'t>>,
        credentials: bool,
    ) -> Option<CString> {
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        self.names(value, "/expose_headers", |rules, at, name, count| {
            if name == "*" {
                if count > 1 {
                    rules.error(
                        at,
                        "expose-any-not-alone",
                        "\"*\" stands beside other headers, which it covers"
                            .into(),
                        "write [\"*\"], or leave it out",
                    );
                }
                if credentials {
                    rules.error(
                        at,
                        "expose-any-credentials",
                        "with credentials browsers read \"*\" as the name of \
                         a header"
                            .into(),
                        "list the headers",
                    );
                }
                return names.push(name.into_owned());
            }
            let Some(lower) = rules.header_name(at, &name) else { return };
            if is_forbidden_response_header(lower.as_bytes()) {
                return rules.error(
                    at,
                    "header-forbidden",
                    format!("no script can read {}", quoted(&name)),
                    "leave it out",
                );
            }
            if !seen.insert(lower.clone()) {
                return rules.duplicate(at, &name);
            }
            names.push(lower);
        });
        (!names.is_empty()).then(|| c_string(names.join(",")))
    }

    /// What both lists of header names have in common; the name in lower
    /// case.
    fn header_name(&mut self, at: &At<'t, '_>, name: &str) -> Option<String> {
        let lower = name.to_ascii_lowercase();
        if !method::is_token(name.as_bytes()) || name.len() > HEADER_NAME_MAX {
            self.error(
                at,
                "header-malformed",
                format!("{} is not a header name", quoted(name)),
                "write names such as \"Content-Type\", one an element",
            );
            return None;
        }
        if is_cors_header(lower.as_bytes()) {
            self.error(
                at,
                "header-cors",
                format!(
                    "{} belongs to CORS itself; the policy makes it",
                    quoted(name)
                ),
                "leave it out",
            );
            return None;
        }
        Some(lower)
    }

    /// Hands each string of an array of names to `each`, with the number of
    /// elements.
    fn names(
        &mut self,
        value: Option<Value<'t>>,
        pointer: &'static str,
        mut each: impl FnMut(&mut Self, &At<'t, 'static>, Cow<'t, str>, usize),
    ) {
        let Some(value) = value else { return };
        let array = At::member(value, pointer);
        if self.expect(&array, Type::Array).is_none() {
            return;
        }
        let mut count = 0;
        array.each_element(|_| count += 1);
        array.each_element(|at| {
            if let Some(name) = self.string(&at) {
                each(self, &at, name, count);
            }
        });
    }

    /// An object's members that are among `keys`, each once.
    fn members(
        &mut self,
        object: &At<'t, '_>,
        keys: &[&str],
    ) -> Option<Vec<Member<'t>>> {
        self.expect(object, Type::Object)?;
        let mut members: Vec<Member<'t>> = Vec::new();
        for (key_value, value) in object.value.members() {
            let at = At::member(key_value, object.pointer);
            let Some(key) = self.string(&at) else { continue };
            let pointer = format!("{}/{}", object.pointer, escape(&key));
            let at = At::member(key_value, &pointer);
            if !keys.contains(&key.as_ref()) {
                self.report(Severity::Error, &at, "unknown-key", || {
                    (
                        format!("{} is not a key here", quoted(&key)),
                        Some(nearest(&key, keys)),
                    )
                });
            } else if members.iter().any(|member| member.key == key) {
                self.error(
                    &at,
                    "duplicate-key",
                    format!("{} is there more than once", quoted(&key)),
                    "leave one of them out",
                );
            } else {
                members.push(Member { key, value });
            }
        }
        Some(members)
    }

    fn boolean(&mut self, at: &At<'t, '_>) -> Option<bool> {
        self.expect(at, Type::Boolean)?;
        Some(at.value.raw() == "true")
    }

    fn string(&mut self, at: &At<'t, '_>) -> Option<Cow<'t, str>> {
        self.expect(at, Type::String)?;
        match at.value.string() {
            None => {
                self.error(
                    at,
                    "json-encoding",
                    "the string holds half of a surrogate pair".into(),
                    "write the character itself",
                );
                None
            }
            Some(text) if text.contains('\0') => {
                self.error(
                    at,
                    "json-nul",
                    "the string holds the character \\u0000".into(),
                    "leave it out",
                );
                None
            }
            Some(text) => Some(text),
        }
    }

    fn whole_number(
        &mut self,
        at: &At<'t, '_>,
        valid: impl Fn(u32) -> bool,
        explain: impl FnOnce() -> (&'static str, String, String),
    ) -> Option<u32> {
        self.expect(at, Type::Number)?;
        if at.value.raw().contains(['.', 'e', 'E']) {
            self.error(
                at,
                "wrong-type",
                "a fraction where a whole number is due".into(),
                Type::Number.example(),
            );
            return None;
        }
        let number = at.value.raw().parse().ok().filter(|&n| valid(n));
        if number.is_none() {
            let (code, message, help) = explain();
            self.error(at, code, message, &help);
        }
        number
    }

    fn expect(&mut self, at: &At<'t, '_>, kind: Type) -> Option<()> {
        let found = at.value.kind();
        if found == kind {
            return Some(());
        }
        let above =
            at.pointer.matches('/').count() + usize::from(at.index.is_some());
        if above + at.value.depth() > POLICY_DEPTH_MAX {
            self.error(
                at,
                "json-nesting",
                format!("nested more than {POLICY_DEPTH_MAX} deep"),
                kind.example(),
            );
        } else {
            self.error(
                at,
                "wrong-type",
                format!("{} where {} is due", found.name(), kind.name()),
                kind.example(),
            );
        }
        None
    }

    fn duplicate(&mut self, at: &At<'t, '_>, name: &str) {
        self.warning(
            at,
            "duplicate",
            format!("{} is there more than once", quoted(name)),
            "leave one of them out",
        );
    }

    fn error_with_credentials(
        &mut self,
        credentials: bool,
        at: &At<'t, '_>,
        code: &'static str,
        message: String,
        help: &str,
    ) {
        let severity = match credentials {
            true => Severity::Error,
            false => Severity::Warning,
        };
        self.report(severity, at, code, || (message, Some(help.into())));
    }

    fn error(
        &mut self,
        at: &At<'t, '_>,
        code: &'static str,
        message: String,
        help: &str,
    ) {
        let severity = Severity::Error;
        self.report(severity, at, code, || (message, Some(help.into())));
    }

    fn warning(
        &mut self,
        at: &At<'t, '_>,
        code: &'static str,
        message: String,
        help: &str,
    ) {
        let severity = Severity::Warning;
        self.report(severity, at, code, || (message, Some(help.into())));
    }

    fn report(
        &mut self,
        severity: Severity,
        at: &At<'t, '_>,
        code: &'static str,
        explain: impl FnOnce() -> (String, Option<String>),
    ) {
        let offset = Some(at.value.offset_in(self.text));
        self.diagnostics.push(severity, offset, || {
            let pointer = match at.index {
                Some(index) => format!("{}/{index}", at.pointer),
                None => at.pointer.to_owned(),
            };
            let (message, help) = explain();
            Diagnostic {
                severity,
                code,
                pointer,
                line: 0,
                column: 0,
                message,
                help,
            }
        });
    }

    /// An error of the text itself, which no pointer leads to.
    fn error_at(
        &mut self,
        offset: Option<usize>,
        code: &'static str,
        message: String,
    ) {
        let severity = Severity::Error;
        self.diagnostics.push(severity, offset, || Diagnostic {
            severity,
            code,
            pointer: String::new(),
            line: 0,
            column: 0,
            message,
            help: None,
        });
    }
}

impl<'t, 'p> At<'t, 'p> {
    fn member(value: Value<'t>, pointer: &'p str) -> Self {
        Self { value, pointer, index: None }
    }

    fn each_element(&self, mut each: impl FnMut(At<'t, 'p>)) {
        let mut indexes = 0..;
        self.value.elements(|value| {
            let index = indexes.next();
            each(At { value, pointer: self.pointer, index });
        });
    }

    /// The string, where [`Rules::string`] finds no fault with it.
    fn valid_string(&self) -> Option<Cow<'t, str>> {
        if self.value.kind() != Type::String {
            return None;
        }
        self.value.string().filter(|text| !text.contains('\0'))
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Null => "write null",
            Self::Boolean => "write true or false, without quotes",
            Self::Number => "write a whole number, without quotes",
            Self::String => "write a text in quotes",
            Self::Array => "write [\"...\"], a list in brackets",
            Self::Object => "write {\"key\": value}",
        }
    }
}

impl Wildcard<'_> {
    /// The literal end of the host.
    fn host_text(&self) -> &str {
        let (HostPattern::Whole(text)
        | HostPattern::Subdomains(text)
        | HostPattern::Label { suffix: text, .. }) = self.host;
        text
    }
}

/// Whether only programs on the visitor's own machine can be this host (RFC
/// 6761, section 6.3; RFC 5735, section 3). Given the literal end of a
/// pattern's host, whether all hosts that it matches are.
fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// The key that was meant, or all that there are.
fn nearest(key: &str, keys: &[&str]) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(key, known);
    match keys.iter().min_by_key(distance) {
        // Beyond a third of its letters it is another word.
        Some(known) if distance(&known) <= known.len() / 3 => {
            format!("write \"{known}\"")
        }
        _ => format!("the keys are {}", keys.join(", ")),
    }
}

/// A key as it stands in a JSON pointer (RFC 6901, section 3), on one line.
fn escape(key: &str) -> String {
    let key: String = key.chars().flat_map(char::escape_debug).collect();
    key.replace('~', "~0").replace('/', "~1")
}

/// For values that have passed the rules, none of which lets a NUL through.
fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_default()
}
