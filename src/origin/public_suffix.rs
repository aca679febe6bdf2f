//! The public suffix list: under which names can a stranger register one?
//!
//! The list is in the library, as text. A line holds a name that rules stand
//! right below, with its labels from right to left, and behind spaces the
//! labels that these rules add; where they are many, the name has several
//! lines, as what is searched in should be short. Lines, and the labels in
//! them, are in the order of the bytes. So a rule is found by binary search,
//! and what is below a name stands side by side. The list is only asked when a
//! policy with wildcards is loaded.
//!
//! The rules' meaning is that of the [list's own description].
//!
//! [list's own description]: https://github.com/publicsuffix/list/wiki/Format

use memchr::{memchr, memrchr};

use super::pattern::HostPattern;
use super::set::glob_matches;

/// `tools/public_suffix_list.py` makes it.
const LIST: &str = include_str!("public_suffix_list.txt");

/// The date of the public suffix list that is built in, `2026-10-22`. A newer
/// list can refuse a wildcard that an older one let pass.
pub fn date() -> &'static str {
    LIST.split_once('\n').map_or("", |(date, _)| date)
}

/// Whether a stranger could register a name that this pattern matches.
///
/// What stands to the right of the wildcard must hold a whole registrable
/// domain. And where the list has suffixes below that, as under
/// `amazonaws.com`, the wildcard must not reach one of them.
pub(crate) fn stranger_can_match(host: &HostPattern<'_>) -> bool {
    let (suffix, left) = match host {
        HostPattern::Whole(_) => return false,
        HostPattern::Subdomains(suffix) => (*suffix, None),
        HostPattern::Label { left, suffix } => (*suffix, Some(*left)),
    };
    // RFC 6761, section 6.3: never in the DNS.
    if suffix == "localhost" || suffix.ends_with(".localhost") {
        return false;
    }
    let labels: Vec<&str> = suffix.rsplit('.').collect();
    public_suffix_len(&labels) >= labels.len()
        || rules_below(&labels.join(".")).any(|rule| match left {
            // One or more labels can be those of any rule.
            None => true,
            Some(left) => can_be_spelled(rule, left),
        })
}

/// Whether the labels of a pattern left of its literal end, of which the
/// rightmost has the wildcard, can end in the labels of a rule (given from
/// right to left).
fn can_be_spelled<'r>(
    mut rule: impl Iterator<Item = &'r str>,
    left: &str,
) -> bool {
    let mut pattern = left.rsplit('.');
    rule.all(|label| {
        pattern.next().is_some_and(|pattern| {
            label == "*" || glob_matches(pattern.as_bytes(), label.as_bytes())
        })
    })
}

/// How many labels the public suffix of a name has; the name's labels come
/// from right to left.
fn public_suffix_len(labels: &[&str]) -> usize {
    // The implicit rule "*".
    let mut longest = 1;
    let mut name = String::new();
    for (above, label) in labels.iter().enumerate() {
        if has_rule(&name, &format!("!{label}")) {
            return above;
        }
        if has_rule(&name, "*") || has_rule(&name, label) {
            longest = above + 1;
        }
        if above > 0 {
            name.push('.');
        }
        name.push_str(label);
    }
    longest
}

/// The labels that follow the name in each longer rule that ends in it, but
/// for exceptions, which make no suffix.
fn rules_below(
    name: &str,
) -> impl Iterator<Item = impl Iterator<Item = &'static str>> {
    let (_, lines) = split_at(name);
    lines
        .lines()
        .map_while(move |line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with([' ', '.']))
        .filter_map(|rest| rest.split_once(' '))
        .flat_map(|(between, labels)| {
            labels
                .split(' ')
                .filter(|label| !label.starts_with('!'))
                .map(|label| between.split('.').skip(1).chain([label]))
        })
}

/// Whether there is a rule that is one label longer than the name.
fn has_rule(name: &str, label: &str) -> bool {
    // In the last line that does not begin behind it. "!" is the byte after
    // the space: what only begins with the label is behind.
    let (lines, _) = split_at(&format!("{name} {label}!"));
    lines
        .lines()
        .next_back()
        .and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .is_some_and(|labels| labels.split(' ').any(|other| other == label))
}

/// The lines that are less than `text`, and the others, by binary search over
/// bytes.
fn split_at(text: &str) -> (&'static str, &'static str) {
    let lines = LIST.split_once('\n').map_or("", |(_, lines)| lines);
    let bytes = lines.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = memrchr(b'\n', &bytes[..middle]).map_or(0, |at| at + 1);
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::origin::pattern::{Pattern, Wildcard};

    fn stranger(pattern: &str) -> bool {
        let Ok(Pattern::Wildcard(Wildcard { host, .. })) =
            Pattern::parse(pattern)
        else {
            panic!("{pattern} is no pattern with wildcards");
        };
        stranger_can_match(&host)
    }

    #[test]
    fn every_rule_is_found_where_it_stands() {
        let mut lines = LIST.lines();
        assert_eq!(lines.next(), Some(date()));
        assert!(date().len() == 10 && date() > "2026-01-01");
        let rules: Vec<(&str, &str)> = lines
            .filter_map(|line| line.split_once(' '))
            .flat_map(|(name, labels)| {
                labels.split(' ').map(move |label| (name, label))
            })
            .collect();
        assert!(rules.len() > 8000);
        assert!(rules.is_sorted_by(|one, next| one < next));
        let set: HashSet<(&str, &str)> = rules.iter().copied().collect();
        for (name, label) in rules {
            assert!(has_rule(name, label), "{name} {label}");
            for near in [&format!("{label}x"), &label[..label.len() - 1]] {
                let listed = set.contains(&(name, near));
                assert_eq!(has_rule(name, near), listed, "{name} {near:?}");
            }
        }
    }

    #[test]
    fn suffixes_are_those_of_the_list() {
        for (name, suffix) in [
            ("example.com", "com"),
            ("example.co.uk", "co.uk"),
            ("b.example.co.uk", "co.uk"),
            ("octocat.github.io", "github.io"),
            ("example.unlisted", "unlisted"),
            ("a.b.ck", "b.ck"),
            ("a.www.ck", "ck"),
            ("a.b.kawasaki.jp", "b.kawasaki.jp"),
            ("a.city.kawasaki.jp", "kawasaki.jp"),
            ("kawasaki.jp", "jp"),
            ("a.s3.amazonaws.com", "s3.amazonaws.com"),
            ("a.b.compute.amazonaws.com", "b.compute.amazonaws.com"),
            ("example.xn--55qx5d.cn", "xn--55qx5d.cn"),
        ] {
            let labels: Vec<&str> = name.rsplit('.').collect();
            let expected = suffix.split('.').count();
            assert_eq!(public_suffix_len(&labels), expected, "{name}");
        }
    }

    #[test]
    fn wildcards_under_a_suffix_are_open_to_strangers() {
        for pattern in [
            "https://*.com",
            "https://**.com",
            "https://*.co.uk",
            "https://www.*.co.uk",
            "https://**.github.io",
            "https://*.github.io",
            "https://*-acme.vercel.app",
            "https://*.unlisted",
            // Rules with "*" and "!".
            "https://*.ck",
            "https://*.kawasaki.jp",
            "https://c*.kawasaki.jp",
            "https://**.kawasaki.jp",
            // A domain that is nobody's suffix itself, with suffixes below.
            "https://**.amazonaws.com",
            "https://*.amazonaws.com",
            "https://s*.amazonaws.com",
            "https://a.*.amazonaws.com",
            "https://**.windows.net",
            "https://*.core.windows.net",
            "https://**.fastly.net",
            "https://*.compute.amazonaws.com",
            "https://us-east-1.*.amazonaws.com",
        ] {
            assert!(stranger(pattern), "{pattern}");
        }
    }

    #[test]
    fn wildcards_under_a_registered_domain_are_not() {
        for pattern in [
            "https://*.example.com",
            "https://**.example.com",
            "https://**.example.co.uk",
            "https://*.octocat.github.io",
            "https://*-git-*.acme.example",
            "https://api.*.example.com",
            "https://*.city.kawasaki.jp",
            "https://*.www.ck",
            "https://*.b.ck.example.com",
            // No suffix below amazonaws.com fits these.
            "https://x-*.amazonaws.com",
            "https://*.bucket.s3.amazonaws.com",
            "https://*.b.compute.amazonaws.com.example.com",
            "http://*.localhost",
            "http://**.localhost:*",
            "http://*.app.localhost",
            "https://example.com:*",
        ] {
            assert!(!stranger(pattern), "{pattern}");
        }
    }
}
