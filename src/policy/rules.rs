//! The rules of a policy file: what its keys mean and what it may not say.
//!
//! Everything that is wrong is reported, not only the first thing. A value
//! that is wrong counts as absent for the rules that come after it.

mod names;
mod origins;

use std::borrow::Cow;
use std::ffi::CString;

use self::origins::{Dangers, Origins};
use super::correction::{self, has_variable};
use super::diagnostic::{
    DIAGNOSTICS_MAX, Diagnostic, Diagnostics, Severity, quoted,
};
use super::document::{self, Type, Value};
use super::keys::{self, Meaning};
use super::not_json;
use super::{POLICY_DEPTH_MAX, POLICY_MAX, Policy};
use crate::origin::public_suffix::PublicSuffixList;

/// Browsers keep a preflight answer for at most a day, most of them for less.
const MAX_AGE_MAX: u32 = 86_400;

/// Reads a policy, without its warnings. There is one if no diagnostic is an
/// error.
pub(super) fn read(
    json: &[u8],
    suffixes: &PublicSuffixList,
) -> (Option<Policy>, Vec<Diagnostic>) {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let (text, rest) = match std::str::from_utf8(json) {
        Ok(text) => (text, None),
        Err(error) => {
            let (good, rest) = json.split_at(error.valid_up_to());
            (std::str::from_utf8(good).unwrap_or_default(), rest.first())
        }
    };
    let mut rules =
        Rules { text, suffixes, diagnostics: Diagnostics::default() };
    let policy = if json.len() > POLICY_MAX {
        let message = format!("the policy has more than {POLICY_MAX} bytes");
        rules.error_at(None, "policy-size", message, None);
        None
    } else if let Some(encoding) = not_json::other_encoding(json) {
        let message = format!("the policy is {encoding}, not UTF-8");
        let help = Some(not_json::ENCODING_HELP.into());
        rules.error_at(Some(0), "json-encoding", message, help);
        None
    } else if let Some(byte) = rest {
        let message = format!("the byte 0x{byte:02x} is not UTF-8 here");
        let help = Some(not_json::ENCODING_HELP.into());
        rules.error_at(Some(text.len()), "json-encoding", message, help);
        None
    } else {
        match document::parse(text) {
            Ok(document) => rules.policy(document),
            Err(error) => {
                let error = not_json::explain(text, error);
                rules.error_at(
                    Some(error.offset),
                    "json-syntax",
                    error.message,
                    Some(error.help),
                );
                None
            }
        }
    };
    let policy = policy.filter(|_| !rules.diagnostics.has_errors());
    (policy, rules.diagnostics.into_list(text))
}

struct Rules<'t> {
    text: &'t str,
    suffixes: &'t PublicSuffixList,
    diagnostics: Diagnostics,
}

/// A value and the way to it.
#[derive(Clone, Copy)]
struct At<'t, 'p> {
    value: Value<'t>,
    /// The pointer of the value, or of what it stands in.
    pointer: &'p str,
    last: Step<'p>,
}

/// From an array or object to a value in it. A pointer is only written where
/// there is something to report.
#[derive(Clone, Copy)]
enum Step<'p> {
    None,
    Index(usize),
    Key(&'p str),
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

impl<'t> Rules<'t> {
    fn policy(&mut self, document: Value<'t>) -> Option<Policy> {
        let root = At::member(document, "");
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
            // If it has another name, the unknown key is reported.
            None if !has_unknown_origins(root.value) => {
                self.error(
                    &root,
                    "missing-key",
                    "allow_origins is missing".into(),
                    r#"add "allow_origins": ["https://app.example.com"]"#,
                );
                None
            }
            None => None,
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
                let help = match value.raw().starts_with('-') {
                    true => "use 0 to have nothing kept",
                    false => "use 7200, the most that some browsers keep",
                };
                (
                    "max-age-range",
                    format!("max_age is not from 0 to {MAX_AGE_MAX} seconds"),
                    help.into(),
                )
            })
            });
        self.long_lists(&member, &methods, &request_headers, &expose_headers);
        let preflight_status = member("preflight_status").and_then(|value| {
            let at = At::member(value, "/preflight_status");
            self.whole_number(
                &at,
                |s| s == 200 || s == 204,
                || {
                    (
                        "preflight-status",
                        "preflight_status is neither 200 nor 204".into(),
                        "use 204, or 200 for clients that know no 204".into(),
                    )
                },
            )
        });
        let Origins { any, null, set } = origins?;
        Some(Policy {
            any_origin: any,
            null_origin: null,
            origins: set,
            credentials,
            methods,
            request_headers,
            expose_headers,
            max_age: max_age.map(|age| c_string(age.to_string())),
            preflight_status: preflight_status.map_or(204, |s| s as u16),
            warnings: Vec::new(),
        })
    }

    /// An object's members that are among `keys`, each once.
    fn members(
        &mut self,
        object: &At<'t, '_>,
        keys: &[&'static str],
    ) -> Option<Vec<Member<'t>>> {
        self.expect(object, Type::Object)?;
        let mut members: Vec<Member<'t>> = Vec::new();
        let present = |known: &str| {
            let mut found = false;
            object.value.members(|key, _| {
                found |= key.string().as_deref() == Some(known);
            });
            found
        };
        object.value.members(|key_value, value| {
            let at = At::member(key_value, object.pointer);
            let Some(key) = self.string(&at) else { return };
            let at = At { last: Step::Key(&key), ..at };
            if !keys.contains(&key.as_ref()) {
                self.report(Severity::Error, &at, "unknown-key", || {
                    let help = match meant(&key, keys) {
                        Some(known) if present(known) => {
                            format!("remove it, since {known} is there too")
                        }
                        _ => unknown_key_help(&key, keys),
                    };
                    (format!("unknown key {}", quoted(&key)), Some(help))
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
        });
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
                    "use the character itself",
                );
                None
            }
            // Unescaped, a NUL is bad JSON already.
            Some(Cow::Owned(text)) if text.contains('\0') => {
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
        let step = usize::from(!matches!(at.last, Step::None));
        let above = at.pointer.matches('/').count() + step;
        if above + at.value.depth() > POLICY_DEPTH_MAX {
            self.error(
                at,
                "json-nesting",
                format!("nested more than {POLICY_DEPTH_MAX} deep"),
                kind.example(),
            );
        } else if found == Type::String && has_variable(at.value.raw()) {
            self.variable(Severity::Error, at, at.value.raw());
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

    /// A variable, which stays what it is. `text` is a JSON string or what it
    /// stands for.
    fn variable(&mut self, severity: Severity, at: &At<'t, '_>, text: &str) {
        self.report(severity, at, correction::VARIABLE_CODE, || {
            let text = quoted(text.trim_matches('\u{22}'));
            let message = format!("{text} {}", correction::VARIABLE_MESSAGE);
            (message, Some(correction::VARIABLE_HELP.into()))
        });
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
        self.fault(severity, at, || {
            let (message, help) = explain();
            (code, message, help)
        });
    }

    /// Reports what `explain` finds, which is only called where there is room
    /// for one more.
    fn fault(
        &mut self,
        severity: Severity,
        at: &At<'t, '_>,
        explain: impl FnOnce() -> (&'static str, String, Option<String>),
    ) {
        let offset = Some(at.value.offset_in(self.text));
        self.diagnostics.push(severity, offset, || {
            let pointer = match at.last {
                Step::None => at.pointer.to_owned(),
                Step::Index(index) => format!("{}/{index}", at.pointer),
                Step::Key(key) => format!("{}/{}", at.pointer, escape(key)),
            };
            let (code, message, help) = explain();
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
        help: Option<String>,
    ) {
        let severity = Severity::Error;
        self.diagnostics.push(severity, offset, || Diagnostic {
            severity,
            code,
            pointer: String::new(),
            line: 0,
            column: 0,
            message,
            help,
        });
    }
}

impl<'t, 'p> At<'t, 'p> {
    fn member(value: Value<'t>, pointer: &'p str) -> Self {
        Self { value, pointer, last: Step::None }
    }

    fn each_element(&self, mut each: impl FnMut(At<'t, 'p>)) {
        let mut index = 0;
        self.value.elements(|value| {
            let last = Step::Index(index);
            each(At { value, pointer: self.pointer, last });
            index += 1;
        });
    }

    /// The string, where [`Rules::string`] finds no fault with it.
    fn valid_string(&self) -> Option<Cow<'t, str>> {
        if self.value.kind() != Type::String {
            return None;
        }
        self.value.string().filter(|text| match text {
            Cow::Borrowed(_) => true,
            Cow::Owned(text) => !text.contains('\0'),
        })
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
            Self::Null => "use null",
            Self::Boolean => "use true or false, without quotes",
            Self::Number => "use a whole number, without quotes",
            Self::String => "use a text in quotes",
            Self::Array => "use a list in brackets, such as [\"...\"]",
            Self::Object => {
                "use an object in braces, such as {\"key\": value}"
            }
        }
    }
}

/// Whether a key that is shown as unknown means `allow_origins`.
fn has_unknown_origins(policy: Value<'_>) -> bool {
    let (mut found, mut count) = (false, 0);
    policy.members(|key, _| {
        count += 1;
        found |= count <= DIAGNOSTICS_MAX
            && key.string().is_some_and(|key| {
                meant(&key, &KEYS) == Some("allow_origins")
            });
    });
    found
}

/// The one of `keys` that an unknown key means.
fn meant(key: &str, keys: &[&'static str]) -> Option<&'static str> {
    // A long one is no slip of the pen, and a distance has its cost.
    if key.len() >= SUGGESTED_MAX {
        return None;
    }
    match keys::meaning(key) {
        Some(Meaning::Key(known)) if keys.contains(&known) => Some(known),
        Some(Meaning::Help(_)) if keys.contains(&"allow_origins") => None,
        _ => {
            let distance =
                |known: &&&str| strsim::damerau_levenshtein(key, known);
            let known = keys.iter().min_by_key(distance)?;
            // Beyond a third of its letters it is another word.
            (distance(&known) <= known.len() / 3).then_some(*known)
        }
    }
}

fn unknown_key_help(key: &str, keys: &[&'static str]) -> String {
    if let Some(known) = meant(key, keys) {
        return format!("use \"{known}\"");
    }
    let is_policy = keys.contains(&"allow_origins");
    if key.len() < SUGGESTED_MAX {
        match keys::meaning(key) {
            Some(Meaning::Help(help)) if is_policy => return help.into(),
            Some(Meaning::Key(known)) if !is_policy => {
                return format!("add it beside dangerously_allow, as {known}");
            }
            _ => {}
        }
    }
    format!("use one of {}", keys.join(", "))
}

/// Keys of so many bytes and more get no suggestion.
const SUGGESTED_MAX: usize = 64;

/// A key as it stands in a JSON pointer (RFC 6901, section 3), on one line.
fn escape(key: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if key.bytes().all(is_plain) {
        return key.to_owned();
    }
    let key: String = key.chars().flat_map(char::escape_debug).collect();
    key.replace('~', "~0").replace('/', "~1")
}

/// For values that have passed the rules, none of which lets a NUL through.
fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_default()
}
