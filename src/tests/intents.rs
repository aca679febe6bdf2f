//! Policies in the tests' own words, patterns over an alphabet so small that
//! they often overlap, and origins near them.

use std::net::{Ipv4Addr, Ipv6Addr};

use browser::{forbidden_method, forbidden_request_header, safelisted_method};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::Policy;

/// What one rule is meant to say.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) origins: Vec<String>,
    pub(super) credentials: bool,
    pub(super) methods: Vec<String>,
    pub(super) headers: Vec<String>,
    pub(super) expose: Vec<String>,
    pub(super) max_age: Option<u32>,
}

impl Intent {
    pub(super) fn of_origins(origins: &[String]) -> Self {
        Self {
            origins: origins.to_vec(),
            credentials: false,
            methods: vec![],
            headers: vec![],
            expose: vec![],
            max_age: None,
        }
    }

    /// The rule's keys, and every permission that its patterns may need.
    pub(super) fn json(&self) -> Value {
        let insecure: Vec<&String> = self
            .origins
            .iter()
            .filter(|origin| origin.starts_with("http:"))
            .collect();
        let mut rule = json!({
            "allow_origins": self.origins,
            "allow_credentials": self.credentials,
            "allow_methods": self.methods,
            "allow_headers": self.headers,
            "expose_headers": self.expose,
            "dangerously_allow": {
                "null_origin": true,
                "insecure_origins": insecure,
                "public_suffix_wildcards": self.origins,
                "scheme_wildcards": self.origins,
            },
        });
        if let Some(age) = self.max_age {
            rule["max_age"] = age.into();
        }
        rule
    }

    pub(super) fn load(&self) -> Policy {
        load(&self.json())
    }

    pub(super) fn allows_method(&self, method: &str) -> bool {
        let listed = self.methods.iter().any(|one| one == method);
        safelisted_method(method)
            || (method != "*"
                && !forbidden_method(method)
                && (listed || has_star(&self.methods)))
    }

    pub(super) fn allows_header(&self, name: &str) -> bool {
        let listed =
            self.headers.iter().any(|one| one.eq_ignore_ascii_case(name));
        // A policy may list a forbidden name, which is dropped.
        if name == "*" || forbidden_request_header(name, b"1") {
            return false;
        }
        listed || (has_star(&self.headers) && name != "authorization")
    }

    pub(super) fn exposes(&self, name: &str) -> bool {
        has_star(&self.expose)
            || self.expose.iter().any(|one| one.eq_ignore_ascii_case(name))
    }
}

/// What a policy file is meant to say.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) rules: Vec<Intent>,
    pub(super) preflight_status: u16,
    pub(super) timing: Vec<String>,
}

impl File {
    pub(super) fn json(&self) -> Value {
        let rules: Vec<Value> = self.rules.iter().map(Intent::json).collect();
        self.with_top(json!({ "rules": rules }))
    }

    /// A file without `rules`, made of one of them.
    pub(super) fn json_of(&self, rule: usize) -> Value {
        self.with_top(self.rules[rule].json())
    }

    fn with_top(&self, mut file: Value) -> Value {
        file["preflight_status"] = self.preflight_status.into();
        if !self.timing.is_empty() {
            file["timing_allow_origins"] = json!(self.timing);
        }
        file
    }

    pub(super) fn patterns(&self) -> Vec<Vec<String>> {
        self.rules.iter().map(|rule| rule.origins.clone()).collect()
    }
}

pub(super) fn load(file: &Value) -> Policy {
    let json = file.to_string();
    Policy::from_json(json.as_bytes())
        .unwrap_or_else(|error| panic!("{json}\n{error}"))
}

fn has_star(list: &[String]) -> bool {
    list.iter().any(|one| one == "*")
}

/// Of one to four rules, the last of which may be `*`.
pub(super) fn files() -> impl Strategy<Value = File> {
    let listed = || intents_of(vec(patterns(), 1..5));
    let everyone = intents_of(Just(vec!["*".to_owned()]));
    let rules =
        (vec(listed(), 0..4), prop_oneof![listed().boxed(), everyone.boxed()])
            .prop_map(|(first, last)| [first, vec![last]].concat());
    (rules, select(&[200, 204]), timing()).prop_map(
        |(rules, preflight_status, timing)| File {
            rules,
            preflight_status,
            timing,
        },
    )
}

pub(super) fn intents() -> impl Strategy<Value = Intent> {
    intents_of(prop_oneof![
        4 => vec(patterns(), 1..5),
        1 => Just(vec!["*".to_owned()]),
    ])
}

fn intents_of(
    origins: impl Strategy<Value = Vec<String>>,
) -> impl Strategy<Value = Intent> {
    let methods = prop_oneof![
        3 => subsequence(
            &["PUT", "PATCH", "DELETE", "patch", "FOO", "OPTIONS", "GET"],
            0..5,
        ),
        1 => Just(vec!["*"]),
    ];
    let headers = subsequence(
        &[
            "*",
            "Authorization",
            "X-A",
            "x-b",
            "Content-Type",
            "Range",
            "Cookie",
            "sec-a",
        ],
        0..7,
    );
    let expose = prop_oneof![
        3 => subsequence(&["X-A", "x-b"], 0..3),
        1 => Just(vec!["*"]),
    ];
    let rest = (any::<bool>(), option::of(0..=86_400u32));
    (origins, methods, headers, expose, rest).prop_map(
        |(origins, methods, headers, expose, (credentials, max_age))| {
            let owned = |list: Vec<&str>| -> Vec<String> {
                list.into_iter().map(str::to_owned).collect()
            };
            let special = ["*", "null"]
                .iter()
                .any(|special| origins.iter().any(|origin| origin == special));
            Intent {
                // Neither goes with credentials.
                credentials: credentials && !special && !expose.contains(&"*"),
                origins,
                methods: owned(methods),
                headers: owned(headers),
                expose: owned(expose),
                max_age,
            }
        },
    )
}

pub(super) fn timing() -> impl Strategy<Value = Vec<String>> {
    let origins = select(&[
        "https://a.com",
        "http://localhost:3000",
        "app://",
        "https://[::1]:8443",
    ]);
    prop_oneof![
        2 => Just(vec![]),
        1 => Just(vec!["*"]),
        2 => vec(origins, 1..5),
    ]
    .prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

/// Well-formed patterns over a small alphabet, so that they meet.
pub(super) fn patterns() -> impl Strategy<Value = String> {
    let label = || select(&["a", "b", "ab", "a-b", "1", "xn--a", "localhost"]);
    let suffix = (vec(label(), 0..2), select(&["com", "localhost", "a"]))
        .prop_map(|(labels, last)| [labels, vec![last]].concat().join("."));
    let wild = select(&[
        "*", "a*", "*a", "a*b", "*-*", "a-*-b", "*b*", "*a*b*", "ab*", "a*b*a",
    ]);
    let left = (vec(label(), 0..2), wild)
        .prop_map(|(labels, wild)| [labels, vec![wild]].concat().join("."));
    let host = prop_oneof![
        3 => suffix.clone().boxed(),
        2 => (left, suffix.clone())
            .prop_map(|(left, suffix)| format!("{left}.{suffix}"))
            .boxed(),
        2 => suffix.prop_map(|suffix| format!("**.{suffix}")).boxed(),
        1 => select(&["127.0.0.1", "10.0.0.1", "[::1]", "[1:0:0:2::3]"])
            .prop_map(str::to_owned)
            .boxed(),
    ];
    let special = select(&[
        "null",
        "capacitor://localhost",
        "capacitor://localhost:3000",
        "chrome-extension://aBc",
        "ws://a.com",
        "app://",
        "app://*",
        "capacitor://*",
        "chrome-extension://*",
    ]);
    prop_oneof![
        20 => origin_of(host),
        5 => ranges(),
        2 => special.prop_map(str::to_owned),
    ]
}

/// Globs of one domain over two letters, so that they share heads, tails and
/// middles, and meet in every order.
pub(super) fn globs() -> impl Strategy<Value = String> {
    let piece = || "[ab]{0,2}";
    let middle = || "[ab-]{1,2}";
    let label = prop_oneof![
        (piece(), piece()).prop_map(|(head, tail)| format!("{head}*{tail}")),
        (piece(), middle(), piece())
            .prop_map(|(head, one, tail)| format!("{head}*{one}*{tail}")),
        (piece(), middle(), middle(), piece()).prop_map(
            |(head, one, two, tail)| format!("{head}*{one}*{two}*{tail}")
        ),
    ];
    (select(&["", "", "a.", "ab."]), label)
        .prop_map(|(left, label)| format!("https://{left}{label}.example.com"))
}

/// Ranges that lie in each other, end where others begin, and are wide, narrow
/// or anything else.
pub(super) fn ranges() -> impl Strategy<Value = String> {
    let length = |bits: u32| {
        prop_oneof![
            2 => select(vec![0, 1, 7, 8, 9, 16, 24]),
            2 => select(vec![bits / 2, bits / 2 + 1, bits - 1, bits]),
            1 => 0..=bits,
        ]
    };
    let ipv4 = prop_oneof![
        4 => select(&[
            0u32, !0, 0x0a00_0001, 0x0a01_0203, 0x0a80_0000, 0x7f00_0001,
            0xc0a8_0105, 0x8000_0000,
        ]),
        1 => any::<u32>(),
    ];
    let ipv6 = prop_oneof![
        4 => select(&[
            0u128,
            !0,
            1,
            0x0001_0000_0000_0002_0000_0000_0000_0003,
            0xfd00_0000_0000_0000_0000_0000_0000_0001,
            // The IPv4 address 10.0.0.1 in another dress.
            0xffff_0a00_0001,
            1 << 127,
        ]),
        1 => any::<u128>(),
    ];
    let ipv4 = (ipv4, length(32)).prop_map(|(address, length)| {
        let network = address & u32::MAX.checked_shl(32 - length).unwrap_or(0);
        format!("{}/{length}", Ipv4Addr::from(network))
    });
    let ipv6 = (ipv6, length(128)).prop_map(|(address, length)| {
        let network =
            address & u128::MAX.checked_shl(128 - length).unwrap_or(0);
        format!("[{}]/{length}", ipv6_text(network))
    });
    origin_of(prop_oneof![ipv4, ipv6])
}

fn origin_of(
    host: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    let port = prop_oneof![
        2 => Just(""),
        1 => Just(":*"),
        1 => select(&[":1", ":8080", ":65535"]),
    ];
    (select(&["http", "https"]), host, port)
        .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

/// As RFC 5952 has it, and without an embedded IPv4 address.
fn ipv6_text(number: u128) -> String {
    let address = Ipv6Addr::from(number);
    match address.to_ipv4_mapped() {
        Some(_) => {
            let [.., left, right] = address.segments();
            format!("::ffff:{left:x}:{right:x}")
        }
        None => address.to_string(),
    }
}

/// A pattern for a range of addresses, which have so many bits.
struct Range<'p> {
    bits: u32,
    first: u128,
    last: u128,
    scheme: &'p str,
    port: &'p str,
}

impl<'p> Range<'p> {
    fn of(pattern: &'p str) -> Option<Self> {
        let (scheme, rest) = pattern.split_once("://")?;
        let (network, rest) = rest.split_once('/')?;
        let end = rest.find(':').unwrap_or(rest.len());
        let (length, port) = rest.split_at(end);
        let (bits, first) = match network.strip_prefix('[') {
            Some(network) => {
                let network = network.strip_suffix(']')?;
                (128, network.parse::<Ipv6Addr>().ok()?.to_bits())
            }
            None => (32, network.parse::<Ipv4Addr>().ok()?.to_bits().into()),
        };
        let hosts = all(bits).checked_shr(length.parse().ok()?).unwrap_or(0);
        Some(Self { bits, first, last: first | hosts, scheme, port })
    }

    fn with(&self, address: u128) -> String {
        let host = match u32::try_from(address & all(self.bits)) {
            Ok(address) if self.bits == 32 => {
                Ipv4Addr::from(address).to_string()
            }
            _ => format!("[{}]", ipv6_text(address)),
        };
        format!("{}://{host}{}", self.scheme, self.port)
    }
}

/// The last of all addresses.
fn all(bits: u32) -> u128 {
    u128::MAX >> (128 - bits)
}

/// Origins that browsers send: some of them may be in a policy.
pub(super) fn origins() -> impl Strategy<Value = String> {
    patterns().prop_map(|pattern| {
        let pattern = match Range::of(&pattern) {
            Some(range) => range.with(range.last),
            None => pattern,
        };
        pattern.replace(":*", ":3000").replace("**", "b.a").replace('*', "ab")
    })
}

/// Origins that `pattern` matches. A pattern that matches them all matches
/// every origin of `pattern`: no pattern has the letter in place of the stars,
/// so only a star matches it; and the ends of a range are in no smaller one.
pub(super) fn witnesses(pattern: &str) -> Vec<String> {
    let ends = match Range::of(pattern) {
        Some(range) => vec![range.with(range.first), range.with(range.last)],
        None => vec![pattern.to_owned()],
    };
    let mut witnesses = Vec::new();
    for end in ends {
        let (host, ports): (&str, &[&str]) = match end.strip_suffix(":*") {
            Some(host) => (host, &["", ":4999"]),
            None => (&end, &[""]),
        };
        let mut hosts = vec![
            host.replace("**", "q").replace('*', "q"),
            host.replace("**", "q.q").replace('*', "q"),
        ];
        hosts.extend(host.strip_suffix("://*").map(|s| format!("{s}://")));
        for host in hosts {
            witnesses.extend(ports.iter().map(|port| format!("{host}{port}")));
        }
    }
    witnesses
}

/// An origin that `pattern` matches, or one that is a little off.
pub(super) fn near_miss(pattern: &str, seed: &[u8]) -> String {
    let fillings = ["x", "a", "b", "ab", "a-b", "a.b", "", "-", "_", "aab"];
    let mut fillings =
        seed.iter().map(|i| fillings[usize::from(*i) % fillings.len()]);
    let mut next = || fillings.next().unwrap_or("a");
    let address = Range::of(pattern).map(|range| {
        let Range { first, last, .. } = range;
        let bytes = seed.iter().cycle().take(16);
        let inside = bytes.fold(0, |n: u128, byte| n << 8 | u128::from(*byte));
        range.with(match seed[5] % 6 {
            0 => first,
            1 => last,
            2 => first.wrapping_sub(1),
            3 => last.wrapping_add(1),
            4 => inside,
            _ => first | inside & (last - first),
        })
    });
    let pattern = address.as_deref().unwrap_or(pattern);
    let (host, any_port) = match pattern.strip_suffix(":*") {
        Some(host) => (host, true),
        None => (pattern, false),
    };
    let mut origin = String::new();
    for (i, piece) in host.replace("**", "*").split('*').enumerate() {
        if i > 0 {
            origin += next();
        }
        origin += piece;
    }
    if any_port {
        origin +=
            [":1", "", ":443", ":80", ":08", ":"][usize::from(seed[1]) % 6];
    }
    // Half of them stay as they are.
    let at = usize::from(seed[2]) % (origin.len() + 1);
    let byte = ['.', '-', 'a', 'A', ':', '/', '0', '\u{e9}', '\0', 'x']
        [usize::from(seed[3]) % 10];
    match seed[4] % 16 {
        0 => origin.insert(at, byte),
        1 if at < origin.len() => {
            origin.remove(at);
        }
        2 => origin.truncate(at),
        3 => origin.push(byte),
        4 => origin = origin.replacen("://", "://evil", 1),
        5 => origin = origin.replacen("https", "http", 1),
        6 => origin += ".evil.com",
        7 => origin += ":8081",
        _ => {}
    }
    origin
}

pub(super) fn methods() -> impl Strategy<Value = String> {
    select(&[
        "GET", "HEAD", "POST", "PUT", "put", "PATCH", "patch", "DELETE",
        "OPTIONS", "FOO", "*", "QUERY", "TRACE", "connect",
    ])
    .prop_map(str::to_owned)
}

/// Bytes that look right and go wrong.
pub(super) fn wild_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        origins().prop_map(String::into_bytes),
        select(&[
            "OPTIONS",
            "GET",
            "PUT",
            "*",
            "x-a, authorization",
            "x-a,\tx-b ,,",
            "x-a\r\nset-cookie: a",
            "X-A x-b",
            "null",
            "https://a.com, https://b.com",
            "PUT\0",
            "\u{ff}",
            "",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}
