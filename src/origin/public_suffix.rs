//! The public suffix list: under which names can anyone register one?
//!
//! The list is in the library, as text. A line contains a name, with its labels
//! from right to left, and, after spaces, the labels that rules directly below
//! it add. A name with many has several lines, since short ones are faster to
//! search. Lines, and the labels in them, are in the order of their bytes, so
//! a rule is found by binary search, and all that is below a name is in one
//! place. The list is only used when a policy with wildcards is loaded.
//!
//! The [list's own description] defines the rules. A label that ends in `+` is
//! not the list's, but a shared domain that the list lacks, from
//! `shared_domains.txt`. One that ends in `++` is open at any depth.
//!
//! [list's own description]: https://github.com/publicsuffix/list/wiki/Format

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::{error, fmt, iter};

use memchr::{memchr, memrchr};

use super::glob::glob_matches;
use super::pattern::HostPattern;
use super::special_use::is_special_use;

/// `tools/public_suffix_list.py` makes it.
pub(crate) const LIST: &str = include_str!("public_suffix_list.txt");

/// The date, which is the first line.
pub(crate) const DATE: &CStr = {
    const BYTES: [u8; DATE_LEN + 1] = {
        let mut date = [0; DATE_LEN + 1];
        let mut i = 0;
        while i < DATE_LEN {
            date[i] = LIST.as_bytes()[i];
            i += 1;
        }
        assert!(LIST.as_bytes()[DATE_LEN] == b'\n');
        date
    };
    match CStr::from_bytes_with_nul(&BYTES) {
        Ok(date) => date,
        Err(_) => panic!("the list begins with its date"),
    }
};

const DATE_LEN: usize = "2026-10-22".len();

/// The longest line, unless a label is longer; as in the tool.
const WIDTH: usize = 160;

/// The date of the built-in public suffix list, `2026-10-22`. A newer list can
/// reject a wildcard that an older one accepts.
pub fn date() -> &'static str {
    &LIST[..DATE_LEN]
}

/// A public suffix list, which says under which names anyone can register one,
/// with the shared domains that libcors adds.
///
/// Policies are loaded with the built-in list, so that the same file loads
/// wherever the same version runs. Another list shows what a newer one would
/// say: see [`Policy::from_json_with`](crate::Policy::from_json_with).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicSuffixList(Cow<'static, str>);

/// Why a text is not a public suffix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicSuffixListError(String);

/// A name under which anyone can register one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OpenName {
    /// It may begin with `*.`, which is any label.
    pub(crate) name: String,
    /// One of the shared domains, not a rule of the list.
    pub(crate) shared: bool,
}

impl PublicSuffixList {
    /// The built-in list.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: PublicSuffixList =
            PublicSuffixList(Cow::Borrowed(LIST));
        &BUILT_IN
    }

    /// Reads a list in the format of
    /// <https://publicsuffix.org/list/public_suffix_list.dat>, and adds the
    /// shared domains of libcors.
    pub fn parse(text: &[u8]) -> Result<Self, PublicSuffixListError> {
        let error = |what: String| Err(PublicSuffixListError(what));
        let Ok(text) = str::from_utf8(text) else {
            return error("not UTF-8".into());
        };
        let version = |line: &str| {
            let date = line.strip_prefix("// VERSION: ")?.get(..DATE_LEN)?;
            is_date(date).then(|| date.to_owned())
        };
        let Some(mut list) = text.lines().find_map(version) else {
            return error("no line \"// VERSION: \" with a date".into());
        };
        for section in ["ICANN", "PRIVATE"] {
            let end = format!("// ===END {section} DOMAINS===");
            if !text.lines().any(|line| line.trim_end() == end) {
                return error(format!("no line {end:?}"));
            }
        }
        let mut rules = BTreeSet::new();
        for (number, line) in (1..).zip(text.lines()) {
            // As the format says: up to the first white space, no comments.
            let rule = line.split_whitespace().next().unwrap_or_default();
            if rule.is_empty() || rule.starts_with("//") {
                continue;
            }
            let Some(rule) = reversed(rule) else {
                return error(format!(
                    "line {number}: {rule:?} is not a rule"
                ));
            };
            rules.insert(rule);
        }
        for (name, label) in Self::built_in().rules() {
            let own = label.trim_end_matches('+');
            let rule = |label: &str| (name.to_owned(), label.to_owned());
            if label.ends_with("++") {
                rules.remove(&rule(own));
                rules.insert(rule(label));
            } else if label != own && !rules.contains(&rule(own)) {
                rules.insert(rule(label));
            }
        }
        let mut start = list.len();
        let mut before = None;
        for (name, label) in &rules {
            if before != Some(name)
                || list.len() - start + label.len() >= WIDTH
            {
                list += "\n";
                start = list.len();
                list += name;
                before = Some(name);
            }
            list += " ";
            list += label;
        }
        list += "\n";
        Ok(Self(list.into()))
    }

    /// The list's date, `2026-10-22`.
    pub fn date(&self) -> &str {
        &self.0[..DATE_LEN]
    }

    /// The registrable domain of a host: its public suffix and one label more.
    /// Two hosts that have the same one are of the same site. The shared
    /// domains do not count, since browsers do not know them.
    ///
    /// ```
    /// let list = cors::PublicSuffixList::built_in();
    /// for (host, domain) in [
    ///     ("app.example.com", Some("example.com")),
    ///     ("a.acme.github.io", Some("acme.github.io")),
    ///     ("github.io", None),
    ///     ("a.b.city.kawasaki.jp", Some("city.kawasaki.jp")),
    ///     ("a.b.c.kawasaki.jp", Some("b.c.kawasaki.jp")),
    ///     ("a.10.0.0.1.nip.io", Some("nip.io")),
    /// ] {
    ///     assert_eq!(list.registrable_domain(host), domain, "{host}");
    /// }
    /// ```
    pub fn registrable_domain<'h>(&self, host: &'h str) -> Option<&'h str> {
        // The implicit rule "*".
        let mut suffix = 1;
        let mut name = String::new();
        for (above, label) in host.rsplit('.').enumerate() {
            let is_rule = |label: &str| self.mark(&name, label) == Some("");
            if is_rule(&format!("!{label}")) {
                suffix = above;
                break;
            }
            if is_rule(label) || is_rule("*") {
                suffix = above + 1;
            }
            if above > 0 {
                name.push('.');
            }
            name.push_str(label);
        }
        let dots = host.rmatch_indices('.').map(|(dot, _)| dot + 1);
        dots.chain([0]).nth(suffix).map(|start| &host[start..])
    }

    /// The name, if any, under which anyone can register one that this pattern
    /// matches.
    ///
    /// What is to the right of the wildcard must contain a whole registrable
    /// domain. If the list has suffixes below that, as under `amazonaws.com`,
    /// the wildcard must not reach one of them.
    pub(crate) fn open_name(
        &self,
        host: &HostPattern<'_>,
    ) -> Option<OpenName> {
        let (suffix, left) = match host {
            HostPattern::Whole(_) => return None,
            HostPattern::Subdomains(suffix) => (*suffix, None),
            HostPattern::Label { left, suffix } => (*suffix, Some(*left)),
        };
        if is_special_use(suffix) {
            return None;
        }
        let labels: Vec<&str> = suffix.rsplit('.').collect();
        let (len, shared) = self.public_suffix(&labels);
        if len >= labels.len() {
            return Some(OpenName { name: suffix.to_owned(), shared });
        }
        // One or more labels can be those of any rule.
        self.open_name_below(suffix, &labels.join("."), left.unwrap_or("**"))
    }

    /// The name of a longer rule that ends in `suffix`, if the labels of a
    /// pattern to the left of it can end in the rule's other labels. `name` is
    /// `suffix` from right to left. Exceptions are not suffixes.
    fn open_name_below(
        &self,
        suffix: &str,
        name: &str,
        left: &str,
    ) -> Option<OpenName> {
        let left_count = match left {
            "**" => usize::MAX,
            _ => left.split('.').count(),
        };
        let rests = lines_of(self.split_at(name).1)
            .map_while(|line| line.strip_prefix(name))
            .filter(|rest| rest.starts_with([' ', '.']))
            .filter(|rest| {
                let between = rest.bytes().take_while(|&byte| byte != b' ');
                let mut dots = between.filter(|&byte| byte == b'.');
                dots.nth(left_count - 1).is_none()
            });
        for (between, labels) in rests.filter_map(|rest| rest.split_once(' '))
        {
            let between = between.split('.').skip(1);
            // What the rules of a line share is looked at once.
            if !can_be_spelled(between.clone(), left) {
                continue;
            }
            let mut rules =
                labels.split(' ').filter(|label| !label.starts_with('!'));
            let found = rules.find_map(|marked| {
                let label = marked.trim_end_matches('+');
                let rule = between.clone().chain([label]);
                let prepend = |name, label| format!("{label}.{name}");
                can_be_spelled(rule.clone(), left).then(|| OpenName {
                    name: rule.fold(suffix.to_owned(), prepend),
                    shared: label != marked,
                })
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// How many labels the public suffix of a name has, and whether that is a
    /// shared domain; the name's labels come from right to left.
    pub(crate) fn public_suffix(&self, labels: &[&str]) -> (usize, bool) {
        // The implicit rule "*".
        let mut longest = (1, false);
        let mut name = String::new();
        for (above, label) in labels.iter().enumerate() {
            if self.mark(&name, &format!("!{label}")).is_some() {
                return (above, false);
            }
            let mark = self.mark(&name, label);
            if mark == Some("++") {
                return (labels.len(), true);
            }
            if let Some(mark) = mark.or_else(|| self.mark(&name, "*")) {
                longest = (above + 1, !mark.is_empty());
            }
            if above > 0 {
                name.push('.');
            }
            name.push_str(label);
        }
        longest
    }

    /// Each rule: a name, and the label below it, with its marks.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines().lines().filter_map(|line| line.split_once(' ')).flat_map(
            |(name, labels)| labels.split(' ').map(move |label| (name, label)),
        )
    }

    /// The mark, which may be empty, of the rule that is one label longer than
    /// the name.
    pub(crate) fn mark(&self, name: &str, label: &str) -> Option<&str> {
        // In the last line that does not begin after it. "," is the byte after
        // "+": what only begins with the label comes later.
        let (lines, _) = self.split_at(&format!("{name} {label},"));
        let labels = lines.lines().next_back()?.strip_prefix(name)?;
        labels
            .strip_prefix(' ')?
            .split(' ')
            .filter_map(|other| other.strip_prefix(label))
            .find(|mark| mark.bytes().all(|byte| byte == b'+'))
    }

    fn lines(&self) -> &str {
        &self.0[DATE_LEN + 1..]
    }

    /// The lines before `text`, and the others, by binary search over bytes.
    fn split_at(&self, text: &str) -> (&str, &str) {
        let lines = self.lines();
        let bytes = lines.as_bytes();
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start =
                memrchr(b'\n', &bytes[..middle]).map_or(0, |at| at + 1);
            let end =
                memchr(b'\n', &bytes[middle..]).map_or(high, |at| middle + at);
            if &bytes[start..end] < text.as_bytes() {
                low = end + 1;
            } else {
                high = start;
            }
        }
        lines.split_at(low.min(lines.len()))
    }
}

/// Like `str::lines`, with a fifth of the instructions.
fn lines_of(mut text: &str) -> impl Iterator<Item = &str> {
    iter::from_fn(move || {
        let end = memchr(b'\n', text.as_bytes())?;
        let line = &text[..end];
        text = &text[end + 1..];
        Some(line)
    })
}

/// Whether the labels of a pattern left of its literal end, of which the
/// rightmost has the wildcard, or `**`, can end in the labels of a rule (given
/// from right to left).
fn can_be_spelled<'r>(
    mut rule: impl Iterator<Item = &'r str>,
    left: &str,
) -> bool {
    if left == "**" {
        return true;
    }
    let mut pattern = left.rsplit('.');
    rule.all(|label| {
        pattern.next().is_some_and(|pattern| {
            label == "*" || glob_matches(pattern.as_bytes(), label.as_bytes())
        })
    })
}

/// A published rule: the name that it is below, with its labels from right to
/// left, and its first label, with the mark of an exception.
pub(crate) fn reversed(rule: &str) -> Option<(String, String)> {
    let (mark, rule) = match rule.strip_prefix('!') {
        Some(rule) => ("!", rule),
        None => ("", rule),
    };
    let (first, rest) = match rule.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (rule, None),
    };
    let label = match first {
        "*" if mark.is_empty() => first.to_owned(),
        _ => mark.to_owned() + &in_ascii(first)?,
    };
    let labels: Option<Vec<String>> = rest
        .into_iter()
        .flat_map(|rest| rest.rsplit('.'))
        .map(in_ascii)
        .collect();
    Some((labels?.join("."), label))
}

/// A label in lower case and Punycode, if it is one.
fn in_ascii(label: &str) -> Option<String> {
    let mut label = label.to_lowercase();
    if !label.is_ascii() {
        label = format!("xn--{}", punycode::encode(&label).ok()?);
    }
    let valid = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
    };
    ((1..=63).contains(&label.len()) && label.bytes().all(valid))
        .then_some(label)
}

pub(crate) fn is_date(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}

impl fmt::Display for PublicSuffixListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a public suffix list: {}", self.0)
    }
}

impl error::Error for PublicSuffixListError {}
