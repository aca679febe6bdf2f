//! `block` compared with `net/http.CrossOriginProtection` of Go: on every
//! request of a grid they agree, or a row of BLOCKING.md says why not.

use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::json;

use super::intents::load;
use crate::{Policy, Request, Verdict};

const LISTED: &str = "https://app.example";

/// A request that one of the two lets through. The grid says of each of its
/// members what it is, so that no row has to parse it.
#[derive(Clone, Copy, Debug)]
struct Case {
    method: Method,
    origin: (Origin, &'static [&'static str]),
    host: (Host, Option<&'static str>),
    fetch_site: (Site, &'static [&'static str]),
    scheme: Option<&'static str>,
}

/// With `Access-Control-Request-Method` and `Upgrade`.
type Method = (Kind, &'static str, Option<&'static str>, Option<&'static str>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Safe,
    Preflight,
    Unsafe,
    WebSocket,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    Absent,
    Empty,
    Listed,
    OwnHttps,
    OwnHttp,
    /// Has the server's host, but no page of the server has it.
    Odd,
    Foreign,
    /// `null`, or no URL with a host.
    Hostless,
    Twice,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Host {
    Site,
    /// Not as browsers write it, or with a default port.
    Alike(&'static str),
    Other,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Site {
    Absent,
    Empty,
    Own,
    NoPage,
    Other,
    Twice,
}

const METHODS: &[Method] = &[
    (Kind::Safe, "GET", None, None),
    (Kind::Safe, "HEAD", None, Some("websocket")),
    (Kind::Safe, "OPTIONS", None, None),
    (Kind::Preflight, "OPTIONS", Some("PUT"), None),
    (Kind::Unsafe, "POST", None, None),
    (Kind::Unsafe, "DELETE", Some("PUT"), Some("websocket")),
    (Kind::Unsafe, "get", None, None),
    (Kind::WebSocket, "GET", None, Some("websocket")),
    (Kind::WebSocket, "OPTIONS", None, Some("h2c, WebSocket")),
];

const ORIGINS: &[(Origin, &[&str])] = &[
    (Origin::Absent, &[]),
    (Origin::Empty, &[""]),
    (Origin::Listed, &[LISTED]),
    (Origin::OwnHttps, &["https://site.example"]),
    (Origin::OwnHttp, &["http://site.example"]),
    (Origin::Odd, &["https://site.example/"]),
    (Origin::Odd, &["https://site.example?a"]),
    (Origin::Odd, &["https://user@site.example"]),
    (Origin::Odd, &["https://site.example:443"]),
    (Origin::Odd, &["HTTPS://site.example"]),
    (Origin::Odd, &["wss://site.example"]),
    (Origin::Odd, &["//site.example"]),
    (Origin::Foreign, &["https://evil.example"]),
    (Origin::Foreign, &["http://evil.example"]),
    (Origin::Foreign, &["https://blog.site.example"]),
    (Origin::Foreign, &["https://site.example:8443"]),
    (Origin::Foreign, &["https://site.example.evil.example"]),
    (Origin::Foreign, &["http://app.example"]),
    (Origin::Foreign, &["https://APP.example"]),
    (Origin::Foreign, &["https://app.example, https://app.example"]),
    (Origin::Hostless, &["null"]),
    (Origin::Hostless, &["file://"]),
    (Origin::Hostless, &["site.example:8443"]),
    (Origin::Twice, &[LISTED, "https://evil.example"]),
    (Origin::Twice, &["https://site.example", "https://evil.example"]),
    (Origin::Twice, &["https://evil.example", LISTED]),
];

const HOSTS: &[(Host, Option<&str>)] = &[
    (Host::Site, Some("site.example")),
    (Host::Alike("https http"), Some("SITE.example")),
    (Host::Alike("https"), Some("site.example:443")),
    (Host::Alike("http"), Some("site.example:80")),
    (Host::Other, Some("10.0.0.5:8080")),
    (Host::Other, Some("other.example")),
    (Host::Absent, None),
    (Host::Absent, Some("")),
];

const SITES: &[(Site, &[&str])] = &[
    (Site::Absent, &[]),
    (Site::Empty, &[""]),
    (Site::Own, &["same-origin"]),
    (Site::NoPage, &["none"]),
    (Site::Other, &["same-site"]),
    (Site::Other, &["cross-site"]),
    (Site::Other, &["same-party"]),
    (Site::Other, &["Same-Origin"]),
    (Site::Twice, &["same-origin", "same-origin"]),
    (Site::Twice, &["same-origin", "cross-site"]),
    (Site::Twice, &["none", "cross-site"]),
    (Site::Twice, &["cross-site", "same-origin"]),
];

const SCHEMES: &[Option<&str>] = &[None, Some("http"), Some("https")];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Passes,
    Blocked,
}

/// What differs, in the words of BLOCKING.md, and what `block` does.
type Row = (&'static str, Answer, fn(&Case) -> bool);

const ROWS: &[Row] = &[
    ("a WebSocket handshake of another site", Answer::Blocked, |case| {
        case.method.0 == Kind::WebSocket
            && !case.has_no_page()
            && !case.is_own()
            && case.origin.0 != Origin::Listed
    }),
    (
        "`Origin` is that of the site on https, `Sec-Fetch-Site` is \
         `cross-site`",
        Answer::Passes,
        |case| {
            case.is_unsafe()
                && case.origin.0 == Origin::OwnHttps
                && case.is_own()
                && matches!(case.fetch_site.0, Site::Other | Site::Twice)
        },
    ),
    (
        "`Host` has uppercase letters or the default port",
        Answer::Passes,
        |case| {
            case.is_unsafe()
                && matches!(case.host.0, Host::Alike(_))
                && case.is_own()
                && matches!(case.fetch_site.0, Site::Absent | Site::Empty)
        },
    ),
    (
        "`Origin` is that of the site on http, and the client used https",
        Answer::Blocked,
        |case| {
            case.is_unsafe()
                && case.origin.0 == Origin::OwnHttp
                && case.fetch_site.0 == Site::Absent
                && case.scheme == Some("https")
        },
    ),
    (
        "`Origin` has the site's host, but with a path, a user name, the \
         default port or another scheme",
        Answer::Blocked,
        |case| {
            case.is_unsafe()
                && case.origin.0 == Origin::Odd
                && matches!(case.fetch_site.0, Site::Absent | Site::Empty)
        },
    ),
    ("`Origin` or `Sec-Fetch-Site` is empty", Answer::Blocked, |case| {
        case.is_unsafe()
            && !case.is_own()
            && match case.fetch_site.0 {
                Site::Empty => matches!(
                    case.origin.0,
                    Origin::Absent | Origin::Empty | Origin::OwnHttp
                ),
                Site::Absent => case.origin.0 == Origin::Empty,
                Site::Own | Site::NoPage | Site::Other | Site::Twice => false,
            }
    }),
    ("`Origin` or `Sec-Fetch-Site` is repeated", Answer::Blocked, |case| {
        let is_own_page = case.origin.0 == Origin::OwnHttps && case.is_own();
        case.is_unsafe()
            && !is_own_page
            && (case.origin.0 == Origin::Twice
                || case.fetch_site.0 == Site::Twice)
    }),
    (
        "`Origin` has no host, such as `null`, and `Host` is missing",
        Answer::Blocked,
        |case| {
            case.is_unsafe()
                && case.origin.0 == Origin::Hostless
                && case.host.0 == Host::Absent
                && matches!(case.fetch_site.0, Site::Absent | Site::Empty)
        },
    ),
];

impl Case {
    fn is_unsafe(&self) -> bool {
        self.method.0 == Kind::Unsafe
    }

    fn has_no_page(&self) -> bool {
        self.fetch_site.0 == Site::NoPage
            || self.fetch_site.0 == Site::Absent
                && self.origin.0 == Origin::Absent
    }

    /// The contract, from what the members are.
    fn passes(&self) -> bool {
        match self.method.0 {
            Kind::Safe | Kind::Preflight => true,
            Kind::Unsafe | Kind::WebSocket => {
                self.origin.0 == Origin::Listed
                    || self.is_own()
                    || self.has_no_page()
            }
        }
    }

    /// Whether `Origin` and `Host` are one, or the browser says so.
    fn is_own(&self) -> bool {
        let is_host_of = |scheme: &str| match self.host.0 {
            Host::Site => true,
            Host::Alike(schemes) => schemes.split(' ').any(|s| s == scheme),
            Host::Other | Host::Absent => false,
        };
        let is_opening = self.method.0 == Kind::WebSocket;
        let says_so = self.fetch_site.0 == Site::Own;
        match self.origin.0 {
            _ if says_so && !is_opening => true,
            Origin::OwnHttps => is_host_of("https"),
            Origin::OwnHttp => {
                is_host_of("http")
                    && (says_so || self.fetch_site.0 == Site::Absent)
                    && self.scheme != Some("https")
            }
            Origin::Absent
            | Origin::Empty
            | Origin::Listed
            | Origin::Odd
            | Origin::Foreign
            | Origin::Hostless
            | Origin::Twice => false,
        }
    }

    fn answer(&self, policy: &Policy) -> Answer {
        let (_, method, request_method, upgrade) = self.method;
        // As servers join the lines of a header.
        let join = |lines: &[&str]| {
            (!lines.is_empty()).then(|| lines.join(", ").into_bytes())
        };
        let (origin, fetch_site) =
            (join(self.origin.1), join(self.fetch_site.1));
        let bytes = |text: Option<&'static str>| text.map(str::as_bytes);
        let decision = policy.evaluate(&Request {
            method: Some(method.as_bytes()),
            origin: origin.as_deref(),
            request_method: bytes(request_method),
            request_headers: None,
            host: bytes(self.host.1),
            fetch_site: fetch_site.as_deref(),
            upgrade: bytes(upgrade),
            scheme: bytes(self.scheme),
        });
        match decision.verdict {
            Verdict::Blocked => Answer::Blocked,
            _ => Answer::Passes,
        }
    }

    /// As tests/go/main.go reads it.
    fn json(&self) -> String {
        let (_, method, request_method, upgrade) = self.method;
        let lines = |line: Option<&'static str>| Vec::from_iter(line);
        let headers = [
            ("Origin", self.origin.1.to_vec()),
            ("Sec-Fetch-Site", self.fetch_site.1.to_vec()),
            ("Access-Control-Request-Method", lines(request_method)),
            ("Upgrade", lines(upgrade)),
        ];
        let headers: serde_json::Map<_, _> = headers
            .into_iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(name, lines)| (name.to_owned(), json!(lines)))
            .collect();
        json!({
            "Method": method,
            "Host": self.host.1.unwrap_or_default(),
            "Header": headers,
        })
        .to_string()
    }
}

fn grid() -> Vec<Case> {
    let mut grid = Vec::new();
    for &method in METHODS {
        for &origin in ORIGINS {
            for &host in HOSTS {
                for &fetch_site in SITES {
                    grid.extend(SCHEMES.iter().map(|&scheme| Case {
                        method,
                        origin,
                        host,
                        fetch_site,
                        scheme,
                    }));
                }
            }
        }
    }
    grid
}

/// What Go answers to each.
fn ask_go(grid: &[Case]) -> Vec<Answer> {
    let mut go = Command::new("go")
        .args(["run", ".", LISTED])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/go"))
        .env("GOTOOLCHAIN", "local")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Go 1.25 or later is installed");
    let mut requests = BufWriter::new(go.stdin.take().expect("a pipe"));
    let output = thread::scope(|scope| {
        scope.spawn(move || {
            for case in grid {
                writeln!(requests, "{}", case.json()).expect("Go reads");
            }
        });
        go.wait_with_output().expect("Go answers")
    });
    assert!(output.status.success(), "{}", output.status);
    let lines = String::from_utf8(output.stdout).expect("words");
    lines
        .lines()
        .map(|line| match line {
            "allow" => Answer::Passes,
            "deny" => Answer::Blocked,
            _ => panic!("Go says {line}"),
        })
        .collect()
}

fn policy() -> Policy {
    load(&json!({
        "rules": [
            { "allow_origins": [LISTED] },
            { "allow_origins": ["*"] },
        ],
        "block": ["unsafe_methods", "websockets"],
    }))
}

#[test]
fn what_passes_is_listed_the_sites_own_or_sent_by_no_page() {
    let policy = policy();
    for case in grid() {
        let passes = case.answer(&policy) == Answer::Passes;
        assert_eq!(passes, case.passes(), "{case:?}");
    }
}

#[test]
#[ignore = "needs Go: make test-go"]
fn go_answers_the_same_but_for_the_documented_differences() {
    let policy = policy();
    let grid = grid();
    let answers = ask_go(&grid);
    assert_eq!(answers.len(), grid.len());
    let mut counts = vec![0; ROWS.len()];
    for (case, go) in grid.iter().zip(answers) {
        let ours = case.answer(&policy);
        let row =
            ROWS.iter().position(|(_, block, is)| *block == ours && is(case));
        match (ours == go, row) {
            (true, _) => {}
            (false, Some(row)) => counts[row] += 1,
            (false, None) => panic!("Go {go:?}, block {ours:?}: {case:?}"),
        }
    }
    println!("{} requests, differences {counts:?}", grid.len());
    for (count, (row, ..)) in counts.iter().zip(ROWS) {
        assert!(*count > 0, "there is no difference: {row}");
    }
}

#[test]
fn the_rows_are_those_of_the_document() {
    let blocking = include_str!("../../BLOCKING.md");
    let (_, chapter) = blocking
        .split_once("\n## Compared with Go's CrossOriginProtection\n")
        .expect("the chapter");
    let count = grid().len();
    let count = format!("{},{:03} requests", count / 1000, count % 1000);
    assert!(chapter.replace('\n', " ").contains(&count), "{count}");
    let rows: Vec<&str> = chapter
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(rows.len(), ROWS.len());
    for ((request, block, _), row) in ROWS.iter().zip(rows) {
        let answers = match block {
            Answer::Blocked => "passes | blocked",
            Answer::Passes => "blocked | passes",
        };
        let expected = format!("| {request} | {answers} | ");
        assert!(row.starts_with(&expected), "{row}\n{expected}");
    }
}
