//! Reading a policy file: what its keys mean and what it may not say.
//!
//! All errors are reported, not only the first. A wrong value counts as absent
//! for the checks that come after it.

mod names;
mod origins;
mod timing;

use std::borrow::Cow;
use std::ffi::CString;

use self::origins::{Closed, Dangers, Origins, Trust};
use super::correction::{has_variable, variable};
use super::diagnostic::{
    Code, DIAGNOSTICS_MAX, Diagnostics, Finding, Severity, quoted,
};
use super::document::{self, Type, Value};
use super::keys::{self, Key, Values};
use super::not_json;
use super::{
    LoadError, POLICY_DEPTH_MAX, POLICY_MAX, Permissions, Policy, RULES_MAX,
};
use crate::fetch_metadata::Block;
use crate::origin::public_suffix::PublicSuffixList;

/// Reads a policy. There is one if no diagnostic is an error, and if `go_on`
/// never returns false.
pub(super) fn read(
    json: &[u8],
    suffixes: &PublicSuffixList,
    go_on: &dyn Fn() -> bool,
) -> Result<Policy, LoadError> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let (text, rest) = match std::str::from_utf8(json) {
        Ok(text) => (text, None),
        Err(error) => {
            let (good, rest) = json.split_at(error.valid_up_to());
            (std::str::from_utf8(good).unwrap_or_default(), rest.first())
        }
    };
    let (diagnostics, closed) = Default::default();
    let mut reader = Reader {
        text,
        suffixes,
        diagnostics,
        closed,
        blocks: false,
        go_on,
        gave_up: false,
    };
    let mut error = |offset, finding| {
        reader.diagnostics.push(Severity::Error, offset, || {
            // No pointer leads to a place in what is no JSON.
            (String::new(), finding)
        });
        None
    };
    let policy = if json.len() > POLICY_MAX {
        let message = format!("the policy has more than {POLICY_MAX} bytes");
        error(None, Code::PolicySize.says(message))
    } else if let Some(encoding) = not_json::other_encoding(json) {
        let message = format!("the policy is {encoding}, not UTF-8");
        error(Some(0), Code::JsonEncoding.says(message))
    } else if let Some(byte) = rest {
        let message = format!("the byte 0x{byte:02x} is not UTF-8 here");
        error(Some(text.len()), Code::JsonEncoding.says(message))
    } else {
        match document::parse(text) {
            Ok(document) => reader.policy(document),
            Err(syntax_error) => {
                let (offset, finding) = not_json::explain(text, syntax_error);
                error(Some(offset), finding)
            }
        }
    };
    if reader.gave_up {
        return Err(LoadError::GivenUp);
    }
    let policy = policy.filter(|_| !reader.diagnostics.has_errors());
    let diagnostics = reader.diagnostics.into_list(text);
    match policy {
        Some(policy) => Ok(Policy { warnings: diagnostics, ..policy }),
        None => Err(LoadError::Policy(diagnostics)),
    }
}

struct Reader<'t> {
    text: &'t str,
    suffixes: &'t PublicSuffixList,
    diagnostics: Diagnostics,
    closed: Closed,
    /// Whether the policy blocks requests.
    blocks: bool,
    go_on: &'t dyn Fn() -> bool,
    gave_up: bool,
}

/// A value and the way to it.
#[derive(Clone, Copy)]
struct At<'t, 'p> {
    value: Value<'t>,
    /// The rule that it is in, unless the file itself is the rule.
    rule: Option<usize>,
    /// The pointer in the rule or the file: of the value, or of the array or
    /// object that contains it.
    pointer: &'static str,
    last: Step<'p>,
}

/// From an array or object to a value in it. A pointer is only written if
/// there is something to report.
#[derive(Clone, Copy)]
enum Step<'p> {
    None,
    Index(usize),
    Key(&'p str),
}

/// An object's members that have a meaning, each key once.
#[derive(Default)]
struct Members<'t> {
    list: Vec<Member<'t>>,
    rule: Option<usize>,
}

#[derive(Clone, Copy)]
struct Member<'t> {
    known: &'static Key,
    key: Value<'t>,
    value: Value<'t>,
}

impl<'t> Members<'t> {
    fn get(&self, key: &Key) -> Option<At<'t, 'static>> {
        let mut list = self.list.iter();
        let &Member { value, .. } = list.find(|m| m.known.is(key))?;
        let (rule, pointer) = (self.rule, key.pointer);
        Some(At { value, rule, pointer, last: Step::None })
    }
}

impl<'t> Reader<'t> {
    fn policy(&mut self, document: Value<'t>) -> Option<Policy> {
        let (rule, pointer) = (None, "");
        let root = At { value: document, rule, pointer, last: Step::None };
        let members = self.members(&root, keys::KEYS)?;
        members.get(&keys::SCHEMA).map(|at| self.string(&at));
        let block = match members.get(&keys::BLOCK) {
            Some(at) => self.block(&at),
            None => Block::default(),
        };
        self.blocks = !block.is_empty();
        let rules = members.get(&keys::RULES);
        let capacity = document.raw().len();
        let mut origins = Origins::with_capacity(capacity, rules.is_some());
        let mut permissions = match rules {
            None => vec![self.rule(&root, &members, &mut origins)],
            Some(array) => {
                members.get(&keys::DESCRIPTION).map(|at| self.string(&at));
                self.misplaced(&root, &members);
                self.rules(&array, &mut origins)?
            }
        };
        let preflight_status = members
            .get(&keys::PREFLIGHT_STATUS)
            .and_then(|at| self.whole_number(&at, &keys::PREFLIGHT_STATUS));
        let timing_allow_origins = members
            .get(&keys::TIMING_ALLOW_ORIGINS)
            .and_then(|at| self.timing_allow_origins(&at));
        self.gave_up |= !(self.go_on)();
        if self.gave_up {
            return None;
        }
        let origins = self.origin_set(origins);
        let any_origin = permissions.last()?.any_origin;
        let is_for_all = any_origin && permissions.len() == 1;
        Some(Policy {
            origins,
            null_origin: permissions.iter().position(|rule| rule.null_origin),
            any_origin,
            is_for_all,
            always_varies: !is_for_all
                && timing_allow_origins.is_none()
                && block.is_empty(),
            block,
            first: permissions.remove(0),
            more: permissions.into(),
            preflight_status: preflight_status.map_or(204, |s| s as u16),
            timing_allow_origins,
            warnings: Vec::new(),
        })
    }

    /// Which requests are blocked.
    fn block(&mut self, array: &At<'t, '_>) -> Block {
        let mut block = Block::default();
        self.names(Some(*array), |reader, at, name, _| {
            let kind = match &*name {
                keys::UNSAFE_METHODS => &mut block.unsafe_methods,
                keys::WEBSOCKETS => &mut block.websockets,
                _ => {
                    return reader.error(at, || {
                        let what = "is not a kind of request";
                        Code::BlockKind.of(&name, what)
                    });
                }
            };
            if std::mem::replace(kind, true) {
                reader.warning(at, || names::duplicate(&name));
            }
        });
        block
    }

    /// What each rule of an array permits.
    fn rules(
        &mut self,
        array: &At<'t, '_>,
        origins: &mut Origins<'t>,
    ) -> Option<Vec<Permissions>> {
        self.expect(array, Type::Array)?;
        let (mut rules, mut count) = (Vec::new(), 0);
        array.each_element(|at| {
            count += 1;
            if count <= RULES_MAX {
                rules.push(at.value);
            }
        });
        if count == 0 {
            let message = "rules is empty, so no origin is allowed";
            self.error(array, || Code::RulesEmpty.says(message));
        }
        if count > RULES_MAX {
            let message =
                format!("rules has {count} rules, more than {RULES_MAX}");
            self.error(array, || Code::RulesTooMany.says(message));
            return None;
        }
        let read = |(number, value)| {
            if number > 0 {
                origins.next_rule();
            }
            let (rule, pointer) = (Some(number), "");
            let at = At { value, rule, pointer, last: Step::None };
            let members = self.members(&at, keys::RULE_KEYS);
            let members = members.unwrap_or_default();
            origins.is_last = number + 1 == count;
            self.rule(&at, &members, origins)
        };
        Some(rules.into_iter().enumerate().map(read).collect())
    }

    /// What a rule permits. If there are errors, that is not used.
    fn rule(
        &mut self,
        object: &At<'t, '_>,
        members: &Members<'t>,
        origins: &mut Origins<'t>,
    ) -> Permissions {
        members.get(&keys::DESCRIPTION).map(|at| self.string(&at));
        let credentials = members
            .get(&keys::ALLOW_CREDENTIALS)
            .and_then(|at| self.boolean(&at))
            .unwrap_or(false);
        let mut dangers = match members.get(&keys::DANGEROUSLY_ALLOW) {
            Some(at) => self.dangers(&at),
            None => Dangers::default(),
        };
        let [any_origin, null_origin] = match members.get(&keys::ALLOW_ORIGINS)
        {
            Some(at) => {
                let trust = Trust { credentials, blocks: self.blocks };
                self.origins(&at, trust, &mut dangers, origins)
            }
            None => {
                // If it has another name, the unknown key is reported.
                if object.value.kind() == Type::Object
                    && !has_unknown_origins(object.value)
                {
                    let finding =
                        Code::MissingKey.says("allow_origins is missing");
                    self.error(object, || finding);
                }
                [false; 2]
            }
        };
        self.unneeded_dangers(&dangers);
        let methods = self.methods(members.get(&keys::ALLOW_METHODS));
        let request_headers =
            self.allow_headers(members.get(&keys::ALLOW_HEADERS));
        let expose_headers = self
            .expose_headers(members.get(&keys::EXPOSE_HEADERS), credentials);
        self.long_lists(members, &methods, &request_headers, &expose_headers);
        let max_age = members
            .get(&keys::MAX_AGE)
            .and_then(|at| self.whole_number(&at, &keys::MAX_AGE));
        Permissions {
            any_origin,
            null_origin,
            credentials,
            methods,
            request_headers,
            expose_headers,
            max_age: max_age.map(|age| c_string(age.to_string())),
        }
    }

    /// Keys of a rule next to `rules`.
    fn misplaced(&mut self, root: &At<'t, '_>, members: &Members<'t>) {
        for Member { known, key, .. } in &members.list {
            let is_of_both = known.is(&keys::DESCRIPTION);
            if is_of_both || !keys::RULE_KEYS.iter().any(|k| k.is(known)) {
                continue;
            }
            let last = Step::Key(known.name());
            self.error(&At { value: *key, last, ..*root }, || {
                let what = "belongs in a rule, not next to \"rules\"";
                let help = match known.is(&keys::ALLOW_ORIGINS) {
                    true => "move it into a rule, or remove \"rules\"",
                    false => "move it into each rule that needs it",
                };
                Code::MisplacedKey.of(known.name(), what).help(help)
            });
        }
    }

    /// An object's members that are among `keys`.
    fn members(
        &mut self,
        object: &At<'t, '_>,
        keys: &[&'static Key],
    ) -> Option<Members<'t>> {
        self.expect(object, Type::Object)?;
        let rule = object.rule;
        let mut members = Members { rule, ..Members::default() };
        let is_present = |known: &Key| {
            let mut found = false;
            object.value.members(|key, _| {
                found |= key.string().as_deref() == Some(known.name());
            });
            found
        };
        object.value.members(|key_value, value| {
            let at = At { value: key_value, ..*object };
            let Some(key) = self.string(&at) else { return };
            let at = At { last: Step::Key(&key), ..at };
            match keys.iter().find(|known| known.is_called(&key)) {
                None if keys::is_of_the_file(&key, keys) => {
                    self.error(&at, || {
                        let what = "belongs next to \"rules\", not in a rule";
                        let help = match key == keys::RULES.name() {
                            true => "add its rules to the array around it",
                            false => "move it out of the rule",
                        };
                        Code::MisplacedKey.of(&key, what).help(help)
                    });
                }
                None => self.error(&at, || {
                    let help = keys::unknown_key_help(&key, keys, is_present);
                    let message = format!("unknown key {}", quoted(&key));
                    Code::UnknownKey.says(message).help(help)
                }),
                Some(known) if members.get(known).is_some() => {
                    self.error(&at, || {
                        let what = format!("duplicate key {}", quoted(&key));
                        Code::DuplicateKey.says(what)
                    });
                }
                Some(&known) => {
                    members.list.push(Member { known, key: key_value, value });
                }
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
                let what = "the string contains half of a surrogate pair";
                let finding = Code::JsonEncoding.says(what);
                self.error(at, || finding.help("use the character itself"));
                None
            }
            // Unescaped, a NUL is bad JSON already.
            Some(Cow::Owned(text)) if text.contains('\0') => {
                let what = "the string contains the character \\u0000";
                self.error(at, || Code::JsonNul.says(what));
                None
            }
            Some(text) => Some(text),
        }
    }

    /// A number that the key takes.
    fn whole_number(&mut self, at: &At<'t, '_>, key: &Key) -> Option<u32> {
        self.expect(at, Type::Number)?;
        let text = at.value.raw();
        if text.contains(['.', 'e', 'E']) {
            let finding = Code::WrongType
                .says("expected a whole number, found a fraction")
                .help(Type::Number.example());
            self.error(at, || finding);
            return None;
        }
        let number = text.parse().ok();
        let name = key.name();
        let finding = match key.values {
            Values::Seconds(max) if number.is_none_or(|n| n > max) => {
                let message =
                    format!("{name} must be between 0 and {max} seconds");
                let help = match text.starts_with('-') {
                    true => "use 0 to disable caching",
                    false => "use 7200, the most that Chromium caches",
                };
                Code::MaxAgeRange.says(message).help(help)
            }
            Values::Status(known)
                if !known.iter().any(|&s| number == Some(s.into())) =>
            {
                let [first, second] = known;
                let message = format!("{name} must be {first} or {second}");
                Code::PreflightStatus.says(message)
            }
            Values::Text
            | Values::Boolean
            | Values::Seconds(_)
            | Values::Status(_)
            | Values::Origins
            | Values::ExactOrigins
            | Values::Patterns
            | Values::Names
            | Values::Choices(_)
            | Values::Rules(_)
            | Values::Object(_) => return number,
        };
        self.error(at, || finding);
        None
    }

    fn expect(&mut self, at: &At<'t, '_>, kind: Type) -> Option<()> {
        let found = at.value.kind();
        if found == kind {
            return Some(());
        }
        let step = usize::from(!matches!(at.last, Step::None));
        let rule = if at.rule.is_some() { 2 } else { 0 };
        let above = rule + at.pointer.matches('/').count() + step;
        self.error(at, || {
            if above + at.value.depth() > POLICY_DEPTH_MAX {
                Code::JsonNesting
                    .says(format!("nested more than {POLICY_DEPTH_MAX} deep"))
                    .help(kind.example())
            } else if found == Type::String && has_variable(at.value.raw()) {
                variable(at.value.raw().trim_matches('"'))
            } else {
                let (kind_name, found) = (kind.name(), found.name());
                Code::WrongType
                    .says(format!("expected {kind_name}, found {found}"))
                    .help(kind.example())
            }
        });
        None
    }

    fn error(&mut self, at: &At<'t, '_>, find: impl FnOnce() -> Finding) {
        self.report(Severity::Error, at, find);
    }

    fn warning(&mut self, at: &At<'t, '_>, find: impl FnOnce() -> Finding) {
        self.report(Severity::Warning, at, find);
    }

    /// For what is an error only with credentials.
    fn error_if(
        &mut self,
        credentials: bool,
        at: &At<'t, '_>,
        find: impl FnOnce() -> Finding,
    ) {
        match credentials {
            true => self.error(at, find),
            false => self.warning(at, find),
        }
    }

    /// Reports what `find` finds, which is only called if there is room for
    /// one more.
    fn report(
        &mut self,
        severity: Severity,
        at: &At<'t, '_>,
        find: impl FnOnce() -> Finding,
    ) {
        let offset = Some(at.value.offset_in(self.text));
        self.diagnostics.push(severity, offset, || {
            let mut pointer = match at.rule {
                Some(rule) => format!("{}/{rule}", keys::RULES.pointer),
                None => String::new(),
            };
            pointer += at.pointer;
            match at.last {
                Step::None => {}
                Step::Index(index) => pointer += &format!("/{index}"),
                Step::Key(key) => pointer += &format!("/{}", escape(key)),
            }
            (pointer, find())
        });
    }
}

impl<'t, 'p> At<'t, 'p> {
    fn each_element(&self, mut each: impl FnMut(At<'t, 'p>)) {
        let mut index = 0;
        self.value.elements(|value| {
            let last = Step::Index(index);
            each(At { value, last, ..*self });
            index += 1;
        });
    }

    /// The string, if [`Reader::string`] accepts it.
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
            Self::String => "use a string in double quotes",
            Self::Array => "use an array, such as [\"...\"]",
            Self::Object => "use an object, such as {\"key\": value}",
        }
    }
}

/// Whether a key that is reported as unknown means `allow_origins`.
fn has_unknown_origins(policy: Value<'_>) -> bool {
    let (mut found, mut count) = (false, 0);
    policy.members(|key, _| {
        count += 1;
        found |= count <= DIAGNOSTICS_MAX
            && key
                .string()
                .and_then(|key| keys::meant(&key, keys::KEYS))
                .is_some_and(|key| key.is(&keys::ALLOW_ORIGINS));
    });
    found
}

/// A key as it is in a JSON pointer (RFC 6901, section 3), on one line.
fn escape(key: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if key.bytes().all(is_plain) {
        return key.to_owned();
    }
    let key: String = key.chars().flat_map(char::escape_debug).collect();
    key.replace('~', "~0").replace('/', "~1")
}

/// For values that have passed the checks, none of which lets a NUL through.
fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_default()
}
