//! Policies: how one is loaded, and what is kept of it.

pub(crate) mod change;
pub(crate) mod correction;
pub(crate) mod diagnostic;
mod document;
pub(crate) mod keys;
mod not_json;
mod reader;
mod unicode_label;

use std::ffi::{CStr, CString};
use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::{error, fmt};

use crate::fetch_metadata::Block;
use crate::names::set::Names;
use crate::origin::public_suffix::PublicSuffixList;
use crate::origin::set::{OriginSet, RULE_NUMBERS};
use diagnostic::{Code, Diagnostic, Severity};

/// Longest policy file, in bytes. A million origins take about 40 MiB.
pub const POLICY_MAX: usize = 256 << 20;

/// Deepest nesting of arrays and objects in a policy file. The format itself
/// needs five.
pub const POLICY_DEPTH_MAX: usize = 8;

/// Most rules of a policy.
pub const RULES_MAX: usize = 1024;

const _: () = assert!(RULES_MAX <= RULE_NUMBERS);

/// A loaded policy. It never changes; any number of threads may use it.
pub struct Policy {
    /// The origin patterns of all rules.
    pub(crate) origins: OriginSet,
    /// The first rule that lists `null`.
    pub(crate) null_origin: Option<usize>,
    /// Whether the last rule is for any origin.
    pub(crate) any_origin: bool,
    /// Whether the only rule is. Such a policy never looks at `Origin`.
    pub(crate) is_for_all: bool,
    /// Most policies have one rule, which is so found without a detour.
    first: Permissions,
    more: Box<[Permissions]>,
    pub(crate) preflight_status: u16,
    /// The value of `Timing-Allow-Origin`.
    pub(crate) timing_allow_origins: Option<CString>,
    /// Which requests are blocked.
    pub(crate) block: Block,
    /// Whether a response to anything but OPTIONS gets the same `Vary`, and
    /// nothing else that does not depend on the request, and none is blocked:
    /// so it is with most policies.
    pub(crate) always_varies: bool,
    warnings: Vec<Diagnostic>,
}

/// What a rule permits to the origins that its patterns match.
pub(crate) struct Permissions {
    /// Whether it is for any origin.
    pub(crate) any_origin: bool,
    pub(crate) null_origin: bool,
    pub(crate) credentials: bool,
    pub(crate) methods: Names,
    pub(crate) request_headers: Names,
    /// The value of `Access-Control-Expose-Headers`.
    pub(crate) expose_headers: Option<CString>,
    /// The value of `Access-Control-Max-Age`.
    pub(crate) max_age: Option<CString>,
}

/// A rule of a policy: some origins and what they may do. A policy file
/// without `rules` is one rule.
#[derive(Clone, Copy)]
pub struct Rule<'p> {
    origins: &'p OriginSet,
    number: usize,
    pub(crate) permissions: &'p Permissions,
}

/// Why a policy was not loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read.
    Io(io::Error, [Diagnostic; 1]),
    /// The policy is rejected: every error and warning, at most
    /// [`DIAGNOSTICS_MAX`](crate::DIAGNOSTICS_MAX) of them.
    Policy(Vec<Diagnostic>),
    /// The load was given up: [`Source::refresh_while`](crate::Source).
    GivenUp,
}

impl Policy {
    /// Loads a policy from JSON (UTF-8; a byte order mark is skipped).
    pub fn from_json(json: &[u8]) -> Result<Self, LoadError> {
        Self::from_json_with(json, PublicSuffixList::built_in())
    }

    /// Loads a policy from JSON, judging its wildcards by another public
    /// suffix list than the built-in one.
    pub fn from_json_with(
        json: &[u8],
        suffixes: &PublicSuffixList,
    ) -> Result<Self, LoadError> {
        reader::read(json, suffixes, &|| true)
    }

    /// Loads a policy from JSON, but gives up soon after `go_on` returns
    /// false.
    pub(crate) fn from_json_while(
        json: &[u8],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self, LoadError> {
        reader::read(json, PublicSuffixList::built_in(), go_on)
    }

    /// Loads a policy from a regular file.
    pub fn from_file(path: &Path) -> Result<Self, LoadError> {
        let (json, _) = read_regular_file(path).map_err(LoadError::io)?;
        Self::from_json(&json)
    }

    /// The rules, at least one, in the order of the file.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = Rule<'_>> {
        (0..self.more.len() + 1).map(|number| Rule {
            origins: &self.origins,
            number,
            permissions: self.permissions(number),
        })
    }

    /// What the only rule permits, if there is only one.
    #[inline]
    pub(crate) fn only_permissions(&self) -> Option<&Permissions> {
        self.more.is_empty().then_some(&self.first)
    }

    /// What the rule of this number, from 0, permits.
    pub(crate) fn permissions(&self, rule: usize) -> &Permissions {
        match rule.checked_sub(1) {
            None => &self.first,
            Some(rule) => &self.more[rule],
        }
    }

    /// The status of a preflight response: 200 or 204.
    pub fn preflight_status(&self) -> u16 {
        self.preflight_status
    }

    /// The origins of `timing_allow_origins`, each once; `*` alone for any
    /// origin.
    pub fn timing_allow_origins(&self) -> impl Iterator<Item = &str> {
        let list = self.timing_allow_origins.as_deref();
        list.map(names).into_iter().flatten().map(str::trim_ascii_start)
    }

    /// The kinds of requests that `block` lists, each once: `unsafe_methods`,
    /// `websockets`.
    pub fn blocks(&self) -> impl Iterator<Item = &'static str> {
        let Block { unsafe_methods, websockets } = self.block;
        let unsafe_methods = unsafe_methods.then_some(keys::UNSAFE_METHODS);
        let websockets = websockets.then_some(keys::WEBSOCKETS);
        unsafe_methods.into_iter().chain(websockets)
    }

    /// How many origin patterns it has.
    pub(crate) fn pattern_count(&self) -> usize {
        self.rules().map(|rule| rule.allow_origins().count()).sum()
    }

    /// The warnings, in the order of the file.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

impl<'p> Rule<'p> {
    /// Its place in the file, from 1.
    pub fn number(self) -> usize {
        self.number + 1
    }

    /// The origin patterns of `allow_origins`, in the order of the file, but
    /// `null` last; `*` alone for any origin.
    pub fn allow_origins(self) -> impl Iterator<Item = &'p str> {
        let any = self.permissions.any_origin.then_some("*");
        let null = self.permissions.null_origin.then_some("null");
        any.into_iter().chain(self.origins.patterns(self.number)).chain(null)
    }

    /// Whether requests may have credentials.
    pub fn allow_credentials(self) -> bool {
        self.permissions.credentials
    }

    /// The allowed methods: GET, HEAD, POST and those of `allow_methods`, each
    /// once; `*` alone for any method.
    pub fn allow_methods(self) -> impl Iterator<Item = &'p str> {
        match self.permissions.methods.any() {
            true => names(c"*"),
            false => names(self.permissions.methods.list()),
        }
    }

    /// The names of `allow_headers` in lower case, each once, `*` first.
    pub fn allow_headers(self) -> impl Iterator<Item = &'p str> {
        let any = self.permissions.request_headers.any().then_some("*");
        any.into_iter().chain(names(self.permissions.request_headers.list()))
    }

    /// The names of `expose_headers` in lower case, each once; `*` alone for
    /// all headers.
    pub fn expose_headers(self) -> impl Iterator<Item = &'p str> {
        self.permissions
            .expose_headers
            .as_deref()
            .map(names)
            .into_iter()
            .flatten()
    }

    /// For how many seconds browsers may cache a preflight response, if the
    /// rule says so.
    pub fn max_age(self) -> Option<u32> {
        self.permissions
            .max_age
            .as_deref()
            .and_then(|age| age.to_str().ok()?.parse().ok())
    }
}

impl fmt::Debug for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.number()).finish()
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").finish_non_exhaustive()
    }
}

impl LoadError {
    pub(crate) fn io(error: io::Error) -> Self {
        // The system's own words, without Rust's "(os error 2)".
        let text = error.to_string();
        let message = text.split(" (os error").next().unwrap_or(&text);
        let finding = Code::Io.says(message);
        let diagnostic = finding.at(Severity::Error, String::new());
        Self::Io(error, [diagnostic])
    }

    /// Every error and warning, in the order of the file.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Io(_, diagnostic) => diagnostic,
            Self::Policy(diagnostics) => diagnostics,
            Self::GivenUp => &[],
        }
    }

    /// `errno`, if the file could not be read.
    pub(crate) fn os_error(&self) -> Option<i32> {
        match self {
            Self::Io(error, _) => {
                Some(error.raw_os_error().unwrap_or(libc::EINVAL))
            }
            Self::Policy(_) | Self::GivenUp => None,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.diagnostics().iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl error::Error for LoadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error, _) => Some(error),
            Self::Policy(_) | Self::GivenUp => None,
        }
    }
}

/// The names in the value of a header.
fn names(list: &CStr) -> impl Iterator<Item = &str> {
    let names = list.to_str().unwrap_or_default().split(',');
    names.filter(|name| !name.is_empty())
}

/// The bytes of a file, and what it was after they had been read.
pub(crate) fn read_regular_file(
    path: &Path,
) -> io::Result<(Vec<u8>, Metadata)> {
    // A named pipe would block the server's start.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    // One byte too many is enough to be rejected as too large.
    let size = metadata.len().min(POLICY_MAX as u64 + 1);
    let mut json = Vec::with_capacity(size as usize + 1);
    file.by_ref().take(POLICY_MAX as u64 + 1).read_to_end(&mut json)?;
    Ok((json, file.metadata()?))
}
