//! The cases in which libcors is stricter than the standards: each row of
//! DESIGN.md's table with an example, and a check that no row is missing.
//!
//! The crate `url` is the URL standard, the crate `browser` the Fetch standard.

use std::sync::LazyLock;

use browser::{AuthorizationStar, Browser, Response, ScriptRequest};
use cors::{Policy, Reason, Request, Verdict};
use url::Url;

/// The labels of a host, without the empty one after a trailing dot.
fn labels(host: &str) -> impl Iterator<Item = &str> {
    host.strip_suffix('.').unwrap_or(host).split('.')
}

/// Whether the row makes an origin malformed.
type Applies = fn(host: &str, port: Option<u16>) -> bool;

/// The row's first cell, an example, and when the row applies.
const ORIGINS: &[(&str, &str, Applies)] = &[
    (
        "other bytes in a host than `a-z 0-9 - _ .`",
        "https://a!b.example",
        |host, _| {
            !host.bytes().all(|byte| {
                byte.is_ascii_lowercase()
                    || byte.is_ascii_digit()
                    || b"-_.".contains(&byte)
            })
        },
    ),
    ("an empty label", "https://a..example", |host, _| {
        labels(host).any(str::is_empty)
    }),
    (
        "a label of more than 63 bytes, a host of more than 253",
        "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
        |host, _| host.len() > 253 || labels(host).any(|l| l.len() > 63),
    ),
    (
        "a last label that begins with `0x` and is no number",
        "https://a.0xyz",
        |host, _| labels(host).last().is_some_and(|l| l.starts_with("0x")),
    ),
    ("port 0", "https://a.example:0", |_, port| port == Some(0)),
];

/// The row's first cell, and an example of a method and a header, for a policy
/// that allows any, without credentials.
fn requests() -> [(&'static str, String, String); 5] {
    let request =
        |row, method: &str, header: &str| (row, method.into(), header.into());
    [
        request("a method of more than 64 bytes", &"M".repeat(65), ""),
        request("a header name of more than 256 bytes", "GET", &long(257)),
        request("a list of headers of more than 4,096 bytes", "GET", ""),
        request("a method that is called `*`, under `*`", "*", ""),
        request("a header that is called `*`, under `*`", "GET", "*"),
    ]
}

fn long(len: usize) -> String {
    "x".repeat(len)
}

/// The rows of DESIGN.md's table, by their first cells.
fn documented() -> Vec<String> {
    let design = include_str!("../../DESIGN.md");
    let (_, section) = design
        .split_once("### Stricter than the standards\n")
        .expect("the section is there");
    let section = section.split("\n#").next().expect("its text");
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    // Without the header and the line below it.
    cells.skip(1).map(|cell| cell[2..].trim().to_owned()).collect()
}

#[test]
fn the_table_has_these_rows() {
    let mut rows: Vec<String> =
        ORIGINS.iter().map(|(row, _, _)| (*row).to_owned()).collect();
    rows.extend(requests().map(|(row, _, _)| row.to_owned()));
    assert_eq!(documented(), rows);
}

fn is_well_formed(origin: &str) -> bool {
    static POLICY: LazyLock<Policy> = LazyLock::new(|| {
        let policy = br#"{ "allow_origins": ["https://app.example.com"] }"#;
        Policy::from_json(policy).expect("it loads")
    });
    let request = Request {
        method: Some(b"GET"),
        origin: Some(origin.as_bytes()),
        ..Request::default()
    };
    POLICY.evaluate(&request).reason != Reason::OriginMalformed
}

/// The origin of the URL, if the URL standard accepts it.
fn origin_of(url: &str) -> Option<(String, Url)> {
    let url = Url::parse(url).ok()?;
    Some((url.origin().ascii_serialization(), url))
}

#[test]
fn each_origin_of_the_table_is_the_standards_and_is_refused() {
    for (row, origin, applies) in ORIGINS {
        let (serialized, url) = origin_of(origin).expect(row);
        assert_eq!(serialized, *origin, "{row}");
        assert!(!is_well_formed(origin), "{row}");
        let host = url.host_str().expect("a host");
        assert!(applies(host, url.port()), "{row}");
    }
}

/// A host that the standard accepts is well-formed unless a row applies.
#[test]
fn no_origin_is_refused_for_a_reason_that_the_table_does_not_have() {
    let pieces = [
        "a",
        "b1",
        "-",
        "_",
        ".",
        "0",
        "1",
        "9",
        "255",
        "256",
        "08",
        "0x",
        "0x1",
        "0xg",
        "xn--bcher-kva",
        "B\u{fc}cher",
        "\u{df}",
        "\u{3002}",
        "%41",
        "%2e",
        "!",
        "$",
        "&",
        "'",
        "(",
        ")",
        "*",
        "+",
        ",",
        ";",
        "=",
        "~",
        "\"",
        "`",
        "{",
        "}",
        "example",
        "com",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "[::1]",
        "[1:0:0:2::3]",
        "[::ffff:1.2.3.4]",
        "[2001:DB8::0:1]",
    ];
    let ends = ["", ":0", ":1", ":80", ":443", ":65535", ":8080", ":008"];
    let schemes = ["http", "https", "ws", "wss", "ftp"];
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut pick = |count: usize| {
        // xorshift: the same cases each time.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % count as u64) as usize
    };
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let host: String =
            (0..=pick(9)).map(|_| pieces[pick(pieces.len())]).collect();
        let end = ends[pick(ends.len())];
        let scheme = schemes[pick(schemes.len())];
        let Some((origin, url)) =
            origin_of(&format!("{scheme}://{host}{end}"))
        else {
            continue;
        };
        let host = url.host_str().expect("a host");
        // Of an address in brackets only the port matters.
        let host = if host.starts_with('[') { "a" } else { host };
        let row = ORIGINS.iter().find(|row| (row.2)(host, url.port()));
        assert_eq!(is_well_formed(&origin), row.is_none(), "{origin} {row:?}");
        match row {
            None => taken += 1,
            Some(_) => refused += 1,
        }
    }
    assert!(taken > 1_000 && refused > 5_000, "{taken} {refused}");
}

#[test]
fn each_request_of_the_table_passes_the_standard_and_is_refused() {
    let policy = br#"{ "allow_origins": ["*"], "allow_methods": ["*"],
                       "allow_headers": ["*"] }"#;
    let policy = Policy::from_json(policy).expect("it loads");
    for (row, method, header) in requests() {
        let mut headers = Vec::new();
        if row.starts_with("a list") {
            headers.extend(
                (0..17).map(|i| (format!("x{i}{}", long(240)), Vec::new())),
            );
        } else if !header.is_empty() {
            headers.push((header, Vec::new()));
        }
        let request = ScriptRequest {
            origin: "https://app.example.com".into(),
            method,
            headers,
            ..ScriptRequest::default()
        };
        let star = |name: &str| (name.to_owned(), b"*".to_vec());
        let mut verdicts = Vec::new();
        let passed = Browser::new(AuthorizationStar::Strict)
            .fetch(&request, |sent| {
                let text = |value: &Option<String>| value.clone();
                let (method, names) =
                    (text(&sent.request_method), text(&sent.request_headers));
                let received = Request {
                    method: Some(sent.method.as_bytes()),
                    origin: Some(sent.origin.as_bytes()),
                    request_method: method.as_deref().map(str::as_bytes),
                    request_headers: names.as_deref().map(str::as_bytes),
                    ..Request::default()
                };
                verdicts.push(policy.evaluate(&received).verdict);
                Response {
                    status: 200,
                    headers: vec![
                        star("Access-Control-Allow-Origin"),
                        star("Access-Control-Allow-Methods"),
                        star("Access-Control-Allow-Headers"),
                    ],
                }
            })
            .is_ok();
        assert!(passed, "{row}: the standard lets it pass");
        assert_eq!(
            verdicts,
            [Verdict::PreflightRefused, Verdict::Allowed],
            "{row}"
        );
    }
}
