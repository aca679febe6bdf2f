//! Every help is right: what it says to use is taken, and means what the
//! author meant.
//!
//! `PROPTEST_CASES=1000000 cargo test --release helps` looks further than the
//! default does.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use url::Url;

use crate::policy::diagnostic::{Code, Diagnostic, Severity};
use crate::{LoadError, Policy};

fn config() -> ProptestConfig {
    ProptestConfig {
        // A finding becomes a vector, which every host reads.
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        // The same sample each time, and others where more cases are asked
        // for: what a long run finds must not fail a short one by chance.
        rng_seed: match std::env::var_os("PROPTEST_CASES") {
            None => RngSeed::Fixed(14),
            Some(_) => RngSeed::Random,
        },
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// An origin with one mistake or several, of which the host is known.
    #[test]
    fn helps_for_origins_mean_the_host_of_the_author(
        mistake in mistakes(),
        credentials: bool,
    ) {
        let Mistake { text, host } = mistake;
        check_origin(&text, credentials, |offered, _| {
            let offered = host_of(offered);
            let same = offered == host || has_address(&offered, &host);
            same.then_some(()).ok_or(host.clone())
        })?;
    }

    /// Pieces in any order: what a browser's address bar makes of them.
    #[test]
    fn helps_for_origins_mean_what_browsers_make_of_them(
        pieces in vec(select(PIECES), 1..7),
        credentials: bool,
    ) {
        let text = pieces.concat();
        let lower = text.to_lowercase();
        // Where these stand twice, the author's host is a matter of opinion.
        if lower.matches("http").count() >= 2 {
            return Ok(());
        }
        check_origin(&text, credentials, |offered_text, _| {
            let meant = meant_url(&text);
            // Only browsers' tables tell whether a label is encoded right.
            if meant.is_none() && lower.contains("xn--") {
                return Ok(());
            }
            let offered_url = meant_url(offered_text);
            let same = match (&meant, &offered_url) {
                (Some(meant), Some(offered)) => {
                    let range = host_of(offered_text);
                    let meant_host = meant.host_str().map(String::from);
                    (meant.host_str() == offered.host_str()
                        || has_address(&range, &meant_host)
                        || has_address(&range, &filled_address(&text)))
                        && (meant.scheme() != offered.scheme()
                            || port_of(meant) == port_of(offered))
                }
                _ => text.trim().eq_ignore_ascii_case("null"),
            };
            same.then_some(()).ok_or(meant.map(|url| url.to_string()))
        })?;
    }

    /// Method and header names.
    #[test]
    fn helps_for_names_mean_the_name_of_the_author(
        name in names(),
        key in select(&["allow_methods", "allow_headers", "expose_headers"]),
    ) {
        let policy = json!({"allow_origins": ["https://a.example"], key: [name]});
        for diagnostic in diagnostics(&policy) {
            let help = diagnostic.help.clone().unwrap_or_default();
            if let Some(offered) = offered(&help) {
                let name = offered.as_str().unwrap_or_default().to_owned();
                let mut policy = policy.clone();
                policy[key] = json!([name]);
                prop_assert_eq!(diagnostics(&policy), vec![], "{}", help);
                let before = json!(policy[key][0]).to_string();
                prop_assert!(before.eq_ignore_ascii_case(&offered.to_string()));
            }
        }
    }

    /// Numbers.
    #[test]
    fn helps_for_numbers_are_loaded(
        number in prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_map(|n| n.to_string()),
            (-100_000..200_000i64).prop_map(|n| n.to_string()),
            Just("-1".to_owned()),
        ],
        key in select(&["max_age", "preflight_status"]),
    ) {
        let Ok(number) = serde_json::from_str::<Value>(&number) else {
            return Ok(());
        };
        let mut policy = json!({"allow_origins": ["*"], key: number});
        for diagnostic in diagnostics(&policy) {
            let help = diagnostic.help.clone().unwrap_or_default();
            if let Some(offered) = offered(&help) {
                policy[key] = offered;
                prop_assert_eq!(diagnostics(&policy), vec![], "{}", help);
            }
        }
    }

    /// Keys of other configurations, slips of the pen, and nonsense.
    #[test]
    fn helps_for_keys_are_loaded(key in keys(), with_origins: bool) {
        let mut policy = json!({});
        if with_origins {
            policy["allow_origins"] = json!(["https://a.example"]);
        }
        if policy.get(&key).is_some() {
            return Ok(());
        }
        let known = ["description", "$schema"].contains(&key.as_str())
            || VALUES.iter().any(|(name, _)| *name == key);
        if known {
            return Ok(());
        }
        policy[&key] = json!(null);
        let diagnostics = diagnostics(&policy);
        let unknown = diagnostics.iter().find(|d| d.code == Code::UnknownKey);
        let help = unknown.and_then(|unknown| unknown.help.clone());
        let help = help.expect("the key is unknown, and there is a help");
        if let Some(Value::String(meant)) = offered(&help) {
            policy.as_object_mut().expect("it is one").remove(&key);
            prop_assert!(policy.get(&meant).is_none(), "{}", help);
            policy[&meant] = match VALUES.iter().find(|(name, _)| *name == meant)
            {
                Some((_, value)) => {
                    serde_json::from_str(value).expect("it is JSON")
                }
                None => json!("text"),
            };
            let has_own = ["allow_origins", "rules"].contains(&meant.as_str());
            if !with_origins && !has_own {
                policy["allow_origins"] = json!(["https://a.example"]);
            }
            let after = self::diagnostics(&policy);
            prop_assert!(after.is_empty(), "{}: {:?}", help, after);
        }
    }
}

/// Replaces an origin by what the help offers, if it offers one, until it is
/// taken; `same` is asked about each offer.
fn check_origin<T: std::fmt::Debug>(
    text: &str,
    credentials: bool,
    same: impl Fn(&str, &Diagnostic) -> Result<(), T>,
) -> Result<(), TestCaseError> {
    let policy = json!({
        "allow_origins": [text],
        "allow_credentials": credentials,
    });
    for diagnostic in diagnostics(&policy) {
        let help = diagnostic.help.clone().unwrap_or_default();
        if let Some((_, example)) = help.split_once(", such as ") {
            let example = example.split(',').next().unwrap_or_default();
            let policy = json!({"allow_origins": [example]});
            prop_assert!(!is_refused(&policy), "{}: {}", text, help);
        }
        let Some(offer) = offered(&help) else { continue };
        let offer = offer.as_str().unwrap_or_default().to_owned();
        let mut fixed = policy.clone();
        fixed["allow_origins"] = json!([offer]);
        prop_assert!(
            !is_refused(&fixed),
            "{:?} is refused: {}: {:?}",
            text,
            help,
            diagnostics(&fixed)
        );
        if let Err(meant) = same(&offer, &diagnostic) {
            prop_assert!(false, "{:?}: {}, not {:?}", text, help, meant);
        }
    }
    Ok(())
}

/// What a help says to use: an origin, or a value in JSON.
fn offered(help: &str) -> Option<Value> {
    let rest = help.strip_prefix("use ")?;
    let first = rest.split([' ', ',']).next()?;
    let is_origin = first.contains("://") || first == "null";
    // A place for a value, as in "use the form scheme://host".
    match serde_json::from_str(first) {
        Ok(value) => Some(value),
        Err(_) => is_origin.then(|| json!(first)),
    }
}

fn diagnostics(policy: &Value) -> Vec<Diagnostic> {
    match Policy::from_json(policy.to_string().as_bytes()) {
        Ok(policy) => policy.warnings().to_vec(),
        Err(LoadError::Policy(diagnostics)) => diagnostics,
        Err(error) => panic!("{error}"),
    }
}

fn is_refused(policy: &Value) -> bool {
    diagnostics(policy).iter().any(|d| d.severity == Severity::Error)
}

/// What an address bar makes of a text, wildcards being letters.
fn meant_url(text: &str) -> Option<Url> {
    let text = text.trim().trim_matches(['\'', '"', '`', '<', '>']);
    let text = text.strip_prefix("blob:").unwrap_or(text);
    let text = text.replace(":*", "").replace("**", "x").replace('*', "x");
    let mut text = text;
    let lower = text.to_ascii_lowercase();
    for scheme in ["http", "https"] {
        // Nobody has a host of that name.
        if lower.starts_with(&format!("{scheme}//")) {
            text.insert(scheme.len(), ':');
        }
    }
    let lower = text.to_ascii_lowercase();
    let web = ["http:", "https:"].iter().any(|web| lower.starts_with(web));
    // "localhost:3000" is no scheme and path.
    let bare = text.rsplit("://").next().unwrap_or_default();
    let bare = bare.split('/').next().unwrap_or_default();
    let bare = bare.rsplit('@').next().unwrap_or_default();
    if bare.parse::<std::net::Ipv6Addr>().is_ok() {
        text = text.replacen(bare, &format!("[{bare}]"), 1);
    }
    if web || text.contains("://") {
        Url::parse(&text).ok()
    } else {
        Url::parse(&format!("https://{}", text.trim_start_matches('/'))).ok()
    }
}

/// The port, if it is not the default of http or https: without a scheme,
/// that of http is enough to tell which one is meant.
fn port_of(url: &Url) -> Option<u16> {
    url.port().filter(|port| ![80, 443].contains(port))
}

/// The host of an origin or pattern, as it is written.
fn host_of(origin: &str) -> Option<String> {
    let (_, rest) = origin.split_once("://")?;
    let end = match rest.rfind(':') {
        Some(colon) if !rest[colon..].contains(']') => colon,
        _ => rest.len(),
    };
    Some(rest[..end].to_owned())
}

/// The host of a text with a number in place of each wildcard. Like URLs, it
/// may have fewer than four numbers.
fn filled_address(text: &str) -> Option<String> {
    let url = meant_url(&text.replace(":*", "").replace('*', "7"))?;
    url.host_str().map(String::from)
}

/// Whether a host is an address of what is offered, if that is a range.
fn has_address(range: &Option<String>, host: &Option<String>) -> bool {
    use std::net::IpAddr;
    let bits = |host: &str| {
        let address = host.trim_matches(['[', ']']).parse().ok()?;
        Some(match address {
            IpAddr::V4(address) => (32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (128, address.to_bits()),
        })
    };
    let has = || {
        let (network, length) = range.as_ref()?.split_once('/')?;
        let (width, network) = bits(network)?;
        let (host_width, host) = bits(host.as_ref()?)?;
        let length: u32 = length.parse().ok()?;
        let rest = width - length;
        let same = rest == 128 || network >> rest == host >> rest;
        Some(width == host_width && same)
    };
    has().unwrap_or(false)
}

/// The text of an origin, and the host that is meant; none where no host is.
#[derive(Clone, Debug)]
struct Mistake {
    text: String,
    host: Option<String>,
}

/// A host as people write it, and as browsers send it.
fn hosts() -> impl Strategy<Value = (String, Option<String>)> {
    let plain = |host: &str| (host.to_owned(), Some(host.to_owned()));
    let ascii = (
        select(&["", "", "", "*.", "**.", "pr-*."]),
        vec("[a-z0-9_]([a-z0-9-]{0,8}[a-z0-9])?", 1..4),
        select(&["com", "example", "github.io", "localhost", "co.uk"]),
    )
        .prop_map(|(wild, labels, last)| {
            let host = format!("{wild}{}.{last}", labels.join("."));
            (host.clone(), Some(host))
        });
    let address = any::<u32>().prop_map(|bits| {
        let host = std::net::Ipv4Addr::from(bits).to_string();
        (host.clone(), Some(host))
    });
    let private = select(&[
        "localhost",
        "127.0.0.1",
        "192.168.1.5",
        "10.0.0.7",
        "172.16.3.4",
        "[::1]",
        "[fd00::1]",
        "[2001:db8::1]",
        "0.0.0.0",
    ])
    .prop_map(plain);
    let long_ipv6 = any::<u128>().prop_map(|bits| {
        let address = std::net::Ipv6Addr::from(bits & !(0xffff << 64));
        let pieces: Vec<String> =
            address.segments().map(|piece| format!("{piece:04X}")).to_vec();
        let url = Url::parse(&format!("http://[{address}]")).expect("one");
        let host = url.host_str().map(str::to_owned);
        (format!("[{}]", pieces.join(":")), host)
    });
    let unicode = (
        vec(
            prop_oneof![
                3 => select(LETTERS).prop_map(String::from),
                1 => "[a-zA-Z-]{1,3}",
                1 => any::<char>().prop_map(String::from),
            ],
            1..6,
        ),
        select(&[".com", ".example", "", ".\u{65e5}\u{672c}", ".xn--p1ai"]),
    )
        .prop_filter_map("one host", |(letters, last)| {
            let text = format!("{}{last}", letters.concat());
            // These end the host, or are wildcards.
            if text.contains(|c: char| c.is_ascii() && !is_host_character(c))
                || text.trim() != text
            {
                return None;
            }
            let url = Url::parse(&format!("https://{text}"));
            let host = url.ok().and_then(|u| u.host_str().map(String::from));
            Some((text, host))
        });
    prop_oneof![
        4 => ascii,
        1 => address,
        2 => private,
        1 => long_ipv6,
        4 => unicode,
    ]
}

fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')
}

/// Letters that UTS 46 keeps, maps, ignores and refuses.
const LETTERS: &[char] = &[
    '\u{e9}',
    '\u{fc}',
    '\u{dc}',
    '\u{df}',
    '\u{1e9e}',
    '\u{130}',
    '\u{131}',
    '\u{133}',
    '\u{17f}',
    '\u{149}',
    '\u{3c3}',
    '\u{3c2}',
    '\u{3a3}',
    '\u{392}',
    '\u{439}',
    '\u{419}',
    '\u{4f8b}',
    '\u{3048}',
    '\u{30fc}',
    '\u{d55c}',
    '\u{1112}',
    '\u{1161}',
    '\u{ff45}',
    '\u{fb01}',
    '\u{301}',
    '\u{308}',
    '\u{200c}',
    '\u{200d}',
    '\u{ad}',
    '\u{3002}',
    '\u{5d0}',
    '\u{627}',
    '\u{661}',
    '\u{915}',
    '\u{94d}',
    '\u{e01}',
    '\u{2126}',
    '\u{212a}',
    '\u{212b}',
    '\u{1f600}',
    '\u{10d0}',
    '\u{1c90}',
    '\u{13a0}',
    '\u{f900}',
    '\u{b7}',
    '\u{2019}',
    '\u{feff}',
    '\u{a0}',
];

fn mistakes() -> impl Strategy<Value = Mistake> {
    let scheme = select(&[
        "https://",
        "https://",
        "http://",
        "http://",
        "",
        "",
        "HTTPS://",
        "Http://",
        "https:/",
        "https:///",
        "https//",
        "http:\\\\",
        "//",
        "https://https://",
        "http://https://",
        "https:",
        "wss://",
        "ws://",
        "htttps://",
        "htp://",
        "blob:https://",
    ]);
    let user = select(&["", "", "", "", "", "me@", "me:secret@"]);
    let port = prop_oneof![
        4 => Just(String::new()),
        2 => Just(":*".to_owned()),
        2 => select(&[
            ":80", ":443", ":3000", ":08443", ":0", ":65536", ":", ":x",
            ":80*", ":6000", ":21", ":1:2",
        ]).prop_map(String::from),
        1 => any::<u16>().prop_map(|port| format!(":{port}")),
    ];
    let tail = select(&[
        "", "", "", "", "/", "/", "/app", "/app/", "?q", "#x", "/*", "//",
        "/24", "/*?a=b@c",
    ]);
    let around = select(&[
        ("", ""),
        ("", ""),
        ("", ""),
        ("", ""),
        (" ", ""),
        ("", " "),
        ("\t", "\n"),
        ("\"", "\""),
        ("'", "'"),
        ("", ";"),
        ("", ","),
    ]);
    (scheme, user, hosts(), port, tail, around, any::<bool>()).prop_map(
        |(scheme, user, (host, meant), port, tail, around, upper)| {
            let host = match upper && host.is_ascii() {
                true => host.to_ascii_uppercase(),
                false => host,
            };
            let (left, right) = around;
            Mistake {
                text: format!("{left}{scheme}{user}{host}{port}{tail}{right}"),
                host: meant,
            }
        },
    )
}

const PIECES: &[&str] = &[
    "https",
    "http",
    "HTTPS",
    "ws",
    "ftp",
    "file",
    "app",
    "data",
    "blob",
    "://",
    "://",
    "://",
    ":",
    "/",
    "//",
    "\\",
    "*",
    "**",
    "*.",
    ".",
    "..",
    "example",
    "example.com",
    "Example.COM",
    "localhost",
    "192.168.1.1",
    "10.0.0",
    "192.168",
    "0",
    "0x7f",
    "1",
    "/24",
    "/32",
    ":3000",
    ":443",
    ":80",
    ":*",
    ":0",
    "@",
    "me@",
    "self",
    "'self'",
    "null",
    "NULL",
    "$X",
    "${X}",
    "{{x}}",
    "%41",
    "%",
    "\u{fc}",
    "\u{df}",
    "\u{ff45}",
    "\u{3a3}",
    "\u{200d}",
    "[::1]",
    "[",
    "]",
    "[::A]",
    "[1:0::2]",
    " ",
    "^",
    "$",
    "(",
    "|",
    ".*",
    "'",
    "\"",
    "<",
    ">",
    "xn--",
    "xn--bcher-kva",
    "-",
    "_",
    "?",
    "#",
    ",",
    ";",
    "=",
    "+",
    "!",
];

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&[
            "put",
            "Put",
            "PUT",
            "patch",
            "Patch",
            "query",
            "Query",
            "get",
            "TRACE",
            "trace",
            "PUT*",
            "*",
            "PUT, PATCH",
            "PUT PATCH",
            "",
            " PUT",
            "PUT ",
            "propfind",
            "x-amz-*",
            "Content-Type",
            "Content-Type, Accept",
            "Cookie",
            "DNT",
            "Origin",
            "Sec-Fetch-X",
            "Set-Cookie",
            "Access-Control-Max-Age",
            "X-\u{e9}",
            "$NAME",
            "${NAME}",
            "content type",
            "content-type:",
        ])
        .prop_map(String::from),
        "[A-Za-z*$ -]{1,12}",
        any::<String>(),
    ]
}

/// The keys of a policy, each with a value that loads without a word.
const VALUES: [(&str, &str); 10] = [
    ("rules", r#"[{"allow_origins": ["https://a.example"]}]"#),
    ("allow_origins", r#"["https://a.example"]"#),
    ("allow_credentials", "false"),
    ("allow_methods", r#"["PUT"]"#),
    ("allow_headers", r#"["X-A"]"#),
    ("expose_headers", r#"["X-A"]"#),
    ("max_age", "600"),
    ("preflight_status", "204"),
    ("timing_allow_origins", r#"["https://a.example"]"#),
    ("dangerously_allow", "{}"),
];

fn keys() -> impl Strategy<Value = String> {
    let words = select(&[
        "allow",
        "allowed",
        "origin",
        "origins",
        "method",
        "methods",
        "header",
        "headers",
        "expose",
        "exposed",
        "credentials",
        "max",
        "age",
        "preflight",
        "status",
        "dangerously",
        "private",
        "network",
        "regex",
        "cors",
        "access",
        "control",
        "supports",
        "comment",
        "patterns",
        "success",
        "options",
        "list",
        "vary",
        "debug",
        "enable",
        "all",
    ]);
    let joined = (vec(words, 1..5), 0..5usize).prop_map(|(words, style)| {
        let upper = |word: &&str| word[..1].to_uppercase() + &word[1..];
        match style {
            0 => words.join("_"),
            1 => words.join("-"),
            2 => words.join("_").to_uppercase(),
            3 => words.iter().map(upper).collect(),
            _ => words.iter().map(upper).collect::<Vec<_>>().join("-"),
        }
    });
    let slip = (select(&VALUES), any::<prop::sample::Index>(), any::<char>())
        .prop_map(|((key, _), at, c)| {
            let mut key = key.to_owned();
            let at = at.index(key.len());
            key.remove(at);
            if c.is_ascii_alphabetic() {
                key.insert(at, c);
            }
            key
        });
    prop_oneof![4 => joined, 2 => slip, 1 => any::<String>()]
        .prop_filter("a NUL is another error", |key| !key.contains('\0'))
}

/// Where the parser stumbles, the place and the help lead to a file that
/// loads.
#[test]
fn helps_for_json_lead_to_a_file_that_loads() {
    for (text, fixed) in [
        ("{\"allow_origins\": [\"*\",]}", "{\"allow_origins\": [\"*\"]}"),
        ("{\"allow_origins\": [\"*\"],\n}", "{\"allow_origins\": [\"*\"]\n}"),
        (
            "{\"allow_origins\": [\"*\"],,\n \"max_age\": 5}",
            "{\"allow_origins\": [\"*\"],\n \"max_age\": 5}",
        ),
        ("{\u{20}allow_origins: [\"*\"]}", "{ \"allow_origins\": [\"*\"]}"),
        (
            "{\"allow_origins\": [\"*\"],\n  max_age : 5}",
            "{\"allow_origins\": [\"*\"],\n  \"max_age\" : 5}",
        ),
        (
            "{\"description\": \"\u{e9}\", \"allow_credentials\": True,\n\
             \"allow_origins\": [\"https://a.example\"]}",
            "{\"description\": \"\u{e9}\", \"allow_credentials\": true,\n\
             \"allow_origins\": [\"https://a.example\"]}",
        ),
        (
            "{\"allow_credentials\": no, \"allow_origins\": [\"*\"]}",
            "{\"allow_credentials\": false, \"allow_origins\": [\"*\"]}",
        ),
        (
            "{\"allow_origins\": [\"*\"]\n\"max_age\": 5}",
            "{\"allow_origins\": [\"*\"]\n,\"max_age\": 5}",
        ),
        ("{\"allow_origins\": [\"*\"]", "{\"allow_origins\": [\"*\"]}"),
        (
            "{\"allow_origins\": [\"*\"]  \n",
            "{\"allow_origins\": [\"*\"]}  \n",
        ),
        (" ", "{\"allow_origins\": [\"https://app.example.com\"]}"),
    ] {
        let error = Policy::from_json(text.as_bytes()).expect_err(text);
        let [diagnostic] = error.diagnostics() else { panic!("{error}") };
        assert_eq!(apply(text, diagnostic), fixed, "{error}");
        assert!(Policy::from_json(fixed.as_bytes()).is_ok(), "{fixed}");
    }
}

/// Does what the help says, at its place.
fn apply(text: &str, diagnostic: &Diagnostic) -> String {
    let line = diagnostic.line as usize - 1;
    let start: usize =
        text.split_inclusive('\n').take(line).map(str::len).sum();
    let column = diagnostic.column as usize - 1;
    let at = text[start..]
        .char_indices()
        .nth(column)
        .map_or(text.len(), |(at, _)| start + at);
    let (before, rest) = text.split_at(at);
    let help = diagnostic.help.as_deref().unwrap_or_default();
    if let Some(value) = help.strip_prefix("use {") {
        return format!("{{{value}");
    }
    if let Some(value) = help.strip_prefix("use ") {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        return format!("{before}{value}{}", &rest[end.unwrap_or(0)..]);
    }
    match help {
        "remove the comma" => format!("{before}{}", &rest[1..]),
        "add a comma" => format!("{before},{rest}"),
        "add the missing }" => format!("{before}}}{rest}"),
        _ => panic!("{help}"),
    }
}

/// What a text is that is no JSON, and where.
#[test]
fn helps_for_json_say_what_the_file_is() {
    for (text, message, line, column) in [
        ("", "the policy is empty", 1, 1),
        ("\n\nallow_origins: []", "the policy is YAML, not JSON", 3, 1),
        ("---\n", "the policy is YAML, not JSON", 1, 1),
        ("a = 1", "the policy is TOML or INI, not JSON", 1, 1),
        ("<xml/>", "the policy is XML or HTML, not JSON", 1, 1),
        ("export default {}", "the policy is JavaScript, not JSON", 1, 1),
        ("cors.json", "the policy is not JSON", 1, 1),
        ("// any\n{}", "JSON has no comments", 1, 1),
        ("{\n  # any\n}", "JSON has no comments", 2, 3),
        ("{\n\"a\": 1, /* any */ }", "JSON has no comments", 2, 9),
        ("{'a': 1}", "JSON strings have double quotes", 1, 2),
        ("{\"a\": {{ b }}}", "variables are not replaced", 1, 7),
        ("{\"a\": ${B}}", "variables are not replaced", 1, 7),
        ("{\"a\": 1} x", "unexpected text after the end of the policy", 1, 10),
        ("{\"a\": \"b", "the file ends inside a string", 1, 9),
        ("{\"a\": 5; \"b\": 1}", "a semicolon between values", 1, 8),
        ("{\"a\": 5]", "expected , or }", 1, 8),
        ("[true}", "expected , or ]", 1, 6),
        ("{\"a\": 5 \"b\": 1}", "missing comma before this", 1, 9),
    ] {
        let error = Policy::from_json(text.as_bytes()).expect_err(text);
        let [diagnostic] = error.diagnostics() else { panic!("{error}") };
        let Diagnostic { line: at_line, column: at, .. } = *diagnostic;
        assert_eq!(diagnostic.message, message, "{text}");
        assert_eq!((at_line, at), (line, column), "{text}");
    }
}

#[test]
fn helps_name_an_encoding_that_is_not_utf_8() {
    let utf_16 = |mark: bool, big: bool| -> Vec<u8> {
        let text = "{\"allow_origins\": [\"*\"]}";
        mark.then_some(0xfeff)
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(|unit| match big {
                true => unit.to_be_bytes(),
                false => unit.to_le_bytes(),
            })
            .collect()
    };
    let files = [
        (utf_16(true, true), "the policy is UTF-16, not UTF-8"),
        (utf_16(true, false), "the policy is UTF-16, not UTF-8"),
        (utf_16(false, true), "the policy is UTF-16, not UTF-8"),
        (utf_16(false, false), "the policy is UTF-16, not UTF-8"),
        (b"{\"a\": \"\xe9\"}".to_vec(), "the byte 0xe9 is not UTF-8 here"),
    ];
    for (file, message) in files {
        let error = Policy::from_json(&file).expect_err(message);
        let [diagnostic] = error.diagnostics() else { panic!("{error}") };
        assert_eq!(diagnostic.message, message);
        assert_eq!(diagnostic.code, Code::JsonEncoding);
        let help = diagnostic.help.as_deref();
        assert_eq!(help, Some("use UTF-8 when you save the file"));
    }
}

/// A key that is commented out is a comment, and not the key.
#[test]
fn helps_never_bring_back_what_is_commented_out() {
    for key in ["//", "#", "//allow_credentials", "# max_age", "/*methods*/"] {
        let json = format!(r#"{{"allow_origins": ["*"], "{key}": true}}"#);
        let error = Policy::from_json(json.as_bytes()).expect_err(key);
        let [diagnostic] = error.diagnostics() else { panic!("{error}") };
        let help = diagnostic.help.as_deref();
        assert_eq!(help, Some("use \"description\""), "{key}");
    }
}
