//! Errors and warnings of a policy, and the list of all of them.

use std::borrow::Cow;
use std::fmt;

use super::document::Places;

/// Most diagnostics of one load, the last of which may say how many more
/// there are. A file with a million errors has one cause.
pub const DIAGNOSTICS_MAX: usize = 100;

/// One error or warning. All texts are one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Whether it keeps the policy from loading.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// Where, as a JSON pointer (RFC 6901): `/allow_origins/2`.
    pub pointer: String,
    /// The line, from 1; 0 if it has no location in the file.
    pub line: u32,
    /// The character in the line, from 1; 0 if it has no location in the file.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

/// Whether a diagnostic keeps the policy from loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The policy is rejected.
    Error,
    /// The policy loads.
    Warning,
}

/// Declares [`Code`]: each code with its name and, after `=>`, the help that
/// its diagnostics have if nothing better is known.
macro_rules! codes {
    ($($code:ident $name:literal $(=> $help:literal)?,)*) => {
        /// The kinds of diagnostics. Their names never change; later versions
        /// may have more. POLICY.md has an example of each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "POLICY.md describes each")]
        pub enum Code { $($code,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The name: `origin-trailing-slash`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            const fn help(self) -> &'static str {
                match self { $(Self::$code => concat!($($help)?),)* }
            }
        }
    };
}

codes! {
    JsonSyntax "json-syntax",
    JsonEncoding "json-encoding" => "use UTF-8 when you save the file",
    JsonNesting "json-nesting",
    JsonNul "json-nul" => "remove it",
    WrongType "wrong-type",
    VariableNotReplaced "variable-not-replaced" =>
        "use the value itself, or fill it in before the policy is loaded",
    UnknownKey "unknown-key",
    DuplicateKey "duplicate-key" => "remove one of them",
    MissingKey "missing-key" =>
        "add \"allow_origins\": [\"https://app.example.com\"]",
    MisplacedKey "misplaced-key",
    RulesEmpty "rules-empty" => "add a rule, or remove the policy",
    RulesTooMany "rules-too-many" =>
        "put the origins that have the same permissions into one rule",
    OriginsEmpty "origins-empty" => "add an origin, or remove the policy",
    OriginsAnyNotAlone "origins-any-not-alone" =>
        "use \"*\" alone, or remove it",
    OriginsAnyNotLast "origins-any-not-last" =>
        "move the rule to the end",
    OriginAnyCredentials "origin-any-credentials" =>
        "list the origins, or remove allow_credentials",
    OriginNull "origin-null" =>
        "remove it, or add \"dangerously_allow\": {\"null_origin\": true}",
    OriginNullCredentials "origin-null-credentials" =>
        "remove \"null\" or allow_credentials",
    OriginEmpty "origin-empty",
    OriginSeveral "origin-several" => "use one array element per origin",
    OriginSpace "origin-space",
    OriginCase "origin-case",
    OriginSchemeMissing "origin-scheme-missing",
    OriginKeyword "origin-keyword",
    OriginTrailingSlash "origin-trailing-slash",
    OriginPath "origin-path",
    OriginUserinfo "origin-userinfo",
    OriginHost "origin-host",
    OriginUnicode "origin-unicode" =>
        "use the host's Punycode form (xn--...), which location.origin shows in a browser",
    OriginIpv4 "origin-ipv4",
    OriginIpv6 "origin-ipv6",
    OriginPort "origin-port",
    OriginDefaultPort "origin-default-port",
    OriginTooLong "origin-too-long",
    OriginMalformed "origin-malformed",
    OriginFile "origin-file" =>
        "remove it, and open the page from http://localhost",
    OriginRegex "origin-regex" =>
        "use a pattern such as https://*.example.com for one label, or https://**.example.com for one or more",
    OriginWildcardScheme "origin-wildcard-scheme" => "list each origin",
    OriginWildcardAddress "origin-wildcard-address" =>
        "use a range such as http://192.168.0.0/16, with :* at its end for any port",
    OriginAddressRange "origin-address-range" =>
        "use the form http://192.168.0.0/16, with a port or :* at the end",
    OriginRangeNetwork "origin-range-network",
    OriginWildcardLabels "origin-wildcard-labels" =>
        "use a pattern such as https://**.example.com for any depth of subdomains",
    OriginWildcardLast "origin-wildcard-last" =>
        "use a pattern with a domain to its right, such as https://*.example.com, or http://localhost:* for any port, or \"*\" alone for any origin",
    OriginDoubleStar "origin-double-star" =>
        "use ** as in https://**.example.com, or * for part of one label",
    OriginStars "origin-stars" =>
        "use fewer, as in https://*-preview.example.com",
    OriginWildcardDot "origin-wildcard-dot" => "remove the trailing dot",
    OriginInsecure "origin-insecure",
    OriginPublicSuffix "origin-public-suffix" =>
        "use a wildcard under a domain of your own, or add the pattern to dangerously_allow.public_suffix_wildcards",
    OriginPublicRange "origin-public-range" =>
        "list the addresses that are yours, or add the pattern to dangerously_allow.public_suffix_wildcards",
    OriginAnyHost "origin-any-host" =>
        "list each origin, or add the pattern to dangerously_allow.scheme_wildcards",
    OriginLoopback "origin-loopback" =>
        "remove it from the production policy",
    OriginNeverSent "origin-never-sent" => "remove it",
    OriginPortBlocked "origin-port-blocked" => "use another port",
    OriginAnyPort "origin-any-port" =>
        "list the origin once for each port that it uses",
    OriginCovered "origin-covered" => "remove one of them",
    OriginInEarlierRule "origin-in-earlier-rule",
    Duplicate "duplicate" => "remove one of them",
    MethodMalformed "method-malformed" =>
        "use one method name per array element, such as \"PUT\"",
    MethodForbidden "method-forbidden" => "remove it",
    MethodCase "method-case",
    MethodWildcard "method-wildcard" => "list each method",
    MethodsAnyNotAlone "methods-any-not-alone" =>
        "use \"*\" alone, or remove it",
    HeaderMalformed "header-malformed" =>
        "use one header name per array element, such as \"Content-Type\"",
    HeaderForbidden "header-forbidden" => "remove it",
    HeaderCors "header-cors" => "remove it",
    HeaderCovered "header-covered" => "remove it",
    HeaderWildcard "header-wildcard" => "list each header",
    ExposeAnyNotAlone "expose-any-not-alone" =>
        "use \"*\" alone, or remove it",
    ExposeAnyCredentials "expose-any-credentials" => "list the headers",
    ListTooLong "list-too-long" => "list fewer names",
    MaxAgeRange "max-age-range",
    PreflightStatus "preflight-status" =>
        "use 204, or 200 for clients that do not accept 204",
    BlockKind "block-kind" => "use \"unsafe_methods\" or \"websockets\"",
    TimingOrigin "timing-origin" =>
        "list each origin, or use \"*\" alone for any origin",
    TimingAnyNotAlone "timing-any-not-alone" =>
        "use \"*\" alone, or remove it",
    DangerUnneeded "danger-unneeded" => "remove it",
    PolicySize "policy-size" => "list fewer origins",
    Io "io",
    More "more",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A diagnostic before it has a severity and a location.
pub(crate) struct Finding {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Cow<'static, str>,
}

impl Code {
    /// A finding that says so.
    pub(super) fn says(self, message: impl Into<String>) -> Finding {
        let help = self.help().into();
        Finding { code: self, message: message.into(), help }
    }

    /// A finding that says so of a text of the policy.
    pub(super) fn of(self, text: &str, what: &str) -> Finding {
        self.says(format!("{} {what}", quoted(text)))
    }
}

impl Finding {
    pub(super) fn help(self, help: impl Into<Cow<'static, str>>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// The diagnostic, without line and column.
    pub(super) fn at(self, severity: Severity, pointer: String) -> Diagnostic {
        let Self { code, message, help } = self;
        let help = (!help.is_empty()).then(|| help.into_owned());
        Diagnostic {
            severity,
            code,
            pointer,
            line: 0,
            column: 0,
            message,
            help,
        }
    }
}

/// `line 3, column 5: "https://A.example" has … [origin-case]`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        write!(f, " [{}]", self.code)
    }
}

/// The diagnostics of one load. Errors have the first right to a place: a
/// thousand warnings must not hide the one error.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Kept,
    warnings: Kept,
}

/// The first ones in the file, in whatever order they are found, each with
/// its offset in the text.
#[derive(Default)]
struct Kept {
    list: Vec<(Option<usize>, Diagnostic)>,
    count: usize,
}

impl Diagnostics {
    /// Adds one, whose line and column follow from `offset`. `find` is only
    /// called if there is room for another; it returns the pointer too.
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        offset: Option<usize>,
        find: impl FnOnce() -> (String, Finding),
    ) {
        let Kept { list, count } = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        let at = list.partition_point(|(other, _)| *other <= offset);
        if at < DIAGNOSTICS_MAX {
            let (pointer, finding) = find();
            list.truncate(DIAGNOSTICS_MAX - 1);
            list.insert(at, (offset, finding.at(severity, pointer)));
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors.count > 0
    }

    /// In the order of the file, with lines and columns in `text`; where there
    /// are more than [`DIAGNOSTICS_MAX`], the last one says how many more.
    pub(crate) fn into_list(self, text: &str) -> Vec<Diagnostic> {
        let Self { errors, warnings } = self;
        let total = errors.count + warnings.count;
        let room = match total {
            0..=DIAGNOSTICS_MAX => DIAGNOSTICS_MAX,
            _ => DIAGNOSTICS_MAX - 1,
        };
        let mut list = errors.list;
        list.truncate(room);
        let more_errors = errors.count - list.len();
        list.extend(warnings.list);
        list.truncate(room);
        let more_warnings = total - more_errors - list.len();
        list.sort_by_key(|(offset, _)| *offset);
        let mut places = Places::new(text);
        let mut list: Vec<Diagnostic> = list
            .into_iter()
            .map(|(offset, mut diagnostic)| {
                if let Some(offset) = offset {
                    let place = places.place(offset);
                    diagnostic.line = place.line;
                    diagnostic.column = place.column;
                }
                diagnostic
            })
            .collect();
        if total > room {
            let severity = match more_errors {
                0 => Severity::Warning,
                _ => Severity::Error,
            };
            let more = Code::More.says(format!(
                "{more_errors} more errors and {more_warnings} more warnings"
            ));
            list.push(more.at(severity, String::new()));
        }
        list
    }
}

/// A text of the policy as a message shows it: in quotes, control and
/// invisible characters escaped, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 100;
    match text.char_indices().nth(SHOWN_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}
