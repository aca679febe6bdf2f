//! The built-in public suffix list, published lists that are read, and which
//! names are open to anyone.

use std::collections::HashSet;

use crate::PublicSuffixList;
use crate::origin::pattern::{Pattern, Wildcard};
use crate::origin::public_suffix::{LIST, date, is_date, reversed};
use crate::origin::special_use::SPECIAL_USE;

/// The name under which anyone can get one that the pattern matches; a
/// shared domain with a plus.
fn open(pattern: &str) -> Option<String> {
    let Ok(Pattern::Wildcard(Wildcard { host, .. })) = Pattern::parse(pattern)
    else {
        panic!("{pattern} is no pattern with wildcards");
    };
    let open = PublicSuffixList::built_in().open_name(&host)?;
    Some(open.name + if open.shared { "+" } else { "" })
}

#[test]
fn every_rule_is_found_where_it_stands() {
    let list = PublicSuffixList::built_in();
    assert_eq!(LIST.lines().next(), Some(date()));
    assert!(is_date(date()) && date() > "2026-01-01");
    let rules: Vec<(&str, &str)> = list.rules().collect();
    assert!(rules.len() > 8000);
    assert!(rules.is_sorted_by(|one, next| one < next));
    let set: HashSet<(&str, &str)> = rules.iter().copied().collect();
    for (name, marked) in rules {
        let label = marked.trim_end_matches('+');
        assert_eq!(
            list.mark(name, label),
            Some(&marked[label.len()..]),
            "{name} {label}"
        );
        for near in [&format!("{label}x"), &label[..label.len() - 1]] {
            let listed = ["", "+", "++"]
                .iter()
                .any(|mark| set.contains(&(name, &*format!("{near}{mark}"))));
            let found = list.mark(name, near).is_some();
            assert_eq!(found, listed, "{name} {near:?}");
        }
    }
}

/// The shared domains, as `shared_domains.txt` has them: `**.` stands
/// before one that is open at any depth.
fn shared_domains() -> Vec<(&'static str, &'static str)> {
    include_str!("../origin/shared_domains.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .map(|line| line.split_once(' ').expect("a domain, an address"))
        .collect()
}

#[test]
fn shared_domains_have_a_source_and_are_in_the_list() {
    let list = PublicSuffixList::built_in();
    let domains = shared_domains();
    assert!(domains.is_sorted_by(|one, next| one.0 < next.0));
    for (rule, source) in &domains {
        let domain = rule.trim_start_matches("**.");
        let mark = if rule.starts_with("**.") { "++" } else { "+" };
        let (name, label) = reversed(domain).expect("a rule");
        assert_eq!(list.mark(&name, &label), Some(mark), "{rule}");
        assert!(
            source.trim_start().starts_with("https://")
                && !source.trim_start().contains(' '),
            "{rule}: {source:?}"
        );
        let pattern = format!("https://*.{}", domain.replace("*", "x"));
        let domain = domain.replace('*', "x");
        assert_eq!(open(&pattern), Some(domain + "+"), "{pattern}");
    }
    let marked =
        list.rules().filter(|(_, label)| label.ends_with('+')).count();
    assert_eq!(marked, domains.len());
}

/// The list that is built in, in the form in which it was published.
fn published() -> String {
    let mut text = format!(
        "// VERSION: {}_08-36-41_UTC\n\n// ===BEGIN ICANN DOMAINS===\n",
        date()
    );
    for (name, label) in PublicSuffixList::built_in().rules() {
        if label.ends_with('+') {
            continue;
        }
        let (mark, mut rule) = match label.strip_prefix('!') {
            Some(label) => ("!", label.to_owned()),
            None => ("", label.to_owned()),
        };
        for label in name.rsplit('.').filter(|label| !label.is_empty()) {
            rule = format!("{rule}.{label}");
        }
        // As the list writes it.
        let rule: Vec<String> = rule
            .split('.')
            .map(|label| match label.strip_prefix("xn--") {
                Some(code) => punycode::decode(code).expect("Punycode"),
                None => label.to_owned(),
            })
            .collect();
        text += &format!("{mark}{}  comment\n", rule.join("."));
    }
    text + "// ===END ICANN DOMAINS===\n// ===END PRIVATE DOMAINS===\n"
}

#[test]
fn a_published_list_is_read() {
    let mut text = published();
    let list = PublicSuffixList::parse(text.as_bytes());
    assert_eq!(list.as_ref(), Ok(PublicSuffixList::built_in()));

    // What a newer one would have: shared domains too, and a new rule.
    text = text.replacen(date(), "2031-01-02", 1);
    for (rule, _) in shared_domains() {
        text += &format!("{}\n", rule.trim_start_matches("**."));
    }
    text += "NEW.example.com\n";
    let list = PublicSuffixList::parse(text.as_bytes()).expect("a list");
    assert_eq!(list.date(), "2031-01-02");
    assert_eq!(list.mark("com.example", "new"), Some(""));
    assert_eq!(list.mark("com", "zendesk"), Some(""));
    assert_eq!(list.mark("io", "sslip"), Some("++"));
    assert_eq!(
        list.rules().count(),
        PublicSuffixList::built_in().rules().count() + 1
    );
}

#[test]
fn what_is_not_a_list_is_an_error() {
    let start = "// VERSION: 2026-01-02_03-04-05_UTC\n";
    let end = "// ===END ICANN DOMAINS===\n// ===END PRIVATE DOMAINS===\n";
    assert!(
        PublicSuffixList::parse(format!("{start}{end}").as_bytes()).is_ok()
    );
    for (text, expected) in [
        ("".into(), r#"no line "// VERSION: " with a date"#),
        ("<html>".into(), r#"no line "// VERSION: " with a date"#),
        (
            format!("// VERSION: today\n{end}"),
            r#"no line "// VERSION: " with a date"#,
        ),
        (
            format!("// VERSION: 2026-1\u{e4}-02\n{end}"),
            r#"no line "// VERSION: " with a date"#,
        ),
        (format!("{start}com\n"), r#"no line "// ===END ICANN DOMAINS===""#),
        (
            format!("{start}com\n// ===END ICANN DOMAINS===\n"),
            r#"no line "// ===END PRIVATE DOMAINS===""#,
        ),
        (format!("{start}a..b\n{end}"), r#"line 2: "a..b" is not a rule"#),
        (format!("{start}.a\n{end}"), r#"line 2: ".a" is not a rule"#),
        (format!("{start}a.*.b\n{end}"), r#"line 2: "a.*.b" is not a rule"#),
        (format!("{start}!*.b\n{end}"), r#"line 2: "!*.b" is not a rule"#),
        (format!("{start}a*.b\n{end}"), r#"line 2: "a*.b" is not a rule"#),
        (format!("{start}a+\n{end}"), r#"line 2: "a+" is not a rule"#),
        (format!("{start}<p>\n{end}"), r#"line 2: "<p>" is not a rule"#),
    ] {
        let error = PublicSuffixList::parse(text.as_bytes());
        let error = error.expect_err(&text).to_string();
        assert_eq!(error, format!("not a public suffix list: {expected}"));
    }
    let error = PublicSuffixList::parse(b"\xff").expect_err("no UTF-8");
    assert_eq!(error.to_string(), "not a public suffix list: not UTF-8");
}

#[test]
fn names_that_nobody_can_register_are_exempt() {
    for name in SPECIAL_USE {
        for pattern in ["*.", "**.", "a-*.", "*.acme.", "a.*."] {
            let pattern = format!("https://{pattern}{name}");
            assert_eq!(open(&pattern), None, "{pattern}");
        }
        // The whole last labels, and these alone.
        for near in [format!("x{name}"), format!("{name}.com")] {
            let pattern = format!("https://*.{near}");
            let expected = (!near.ends_with(".com")).then(|| near.clone());
            let open = open(&pattern);
            assert_eq!(
                open,
                expected.filter(|_| !near.contains('.')),
                "{pattern}"
            );
        }
    }
    assert_eq!(open("https://*.arpa").as_deref(), Some("arpa"));
    assert_eq!(open("https://*.local").as_deref(), Some("local"));
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
        let list = PublicSuffixList::built_in();
        let actual = list.public_suffix(&labels);
        assert_eq!(actual, (expected, false), "{name}");
    }
}

#[test]
fn wildcards_under_a_suffix_are_open_to_anyone() {
    for (pattern, name) in [
        ("https://*.com", "com"),
        ("https://**.com", "com"),
        ("https://*.co.uk", "co.uk"),
        ("https://www.*.co.uk", "co.uk"),
        ("https://**.github.io", "github.io"),
        ("https://*.github.io", "github.io"),
        ("https://*-acme.vercel.app", "vercel.app"),
        ("https://*.unlisted", "unlisted"),
        // Rules with "*" and "!".
        ("https://*.ck", "ck"),
        ("https://*.kawasaki.jp", "*.kawasaki.jp"),
        ("https://c*.kawasaki.jp", "*.kawasaki.jp"),
        ("https://**.kawasaki.jp", "*.kawasaki.jp"),
        // A domain that is nobody's suffix itself, with suffixes below.
        ("https://s*.amazonaws.com", "s3.amazonaws.com"),
        ("https://a.*.amazonaws.com", "s3.amazonaws.com"),
        ("https://*.core.windows.net", "blob.core.windows.net"),
        ("https://*.compute.amazonaws.com", "*.compute.amazonaws.com"),
        ("https://us-east-1.*.amazonaws.com", "s3.amazonaws.com"),
        (
            "https://acme.auth.eu-west-*.amazoncognito.com",
            "auth.eu-west-1.amazoncognito.com",
        ),
        (
            "https://auth.*.amazoncognito.com",
            "auth.af-south-1.amazoncognito.com",
        ),
        // Shared domains.
        ("https://*.zendesk.com", "zendesk.com+"),
        ("https://acme-*.sharepoint.com", "sharepoint.com+"),
        ("https://*.euw.devtunnels.ms", "euw.devtunnels.ms+"),
        ("https://*.devtunnels.ms", "*.devtunnels.ms+"),
        // Any address can stand at any depth.
        ("https://*.nip.io", "nip.io+"),
        ("https://*.app.sslip.io", "app.sslip.io+"),
        ("https://**.a.b.sslip.io", "a.b.sslip.io+"),
    ] {
        assert_eq!(open(pattern).as_deref(), Some(name), "{pattern}");
    }
    for pattern in [
        "https://**.amazonaws.com",
        "https://*.amazonaws.com",
        "https://**.windows.net",
        "https://**.fastly.net",
    ] {
        assert!(open(pattern).is_some(), "{pattern}");
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
        "https://a.*.amazoncognito.com",
        "https://acme.oauth.eu-west-*.amazoncognito.com",
        "https://*.acme.zendesk.com",
        "https://*.tunnel.euw.devtunnels.ms",
        "https://*.b.compute.amazonaws.com.example.com",
        "http://*.localhost",
        "http://**.localhost:*",
        "http://*.app.localhost",
        "https://example.com:*",
    ] {
        assert_eq!(open(pattern), None, "{pattern}");
    }
}
