// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rows in Rust: tower-http, actix-cors, libcors twice, and the floor.
//!
//! `peers FOLDER` reads what every program beside it reads (README.md):
//!
//! ```text
//! answers SCENARIO
//! measure SCENARIO SAMPLES NANOSECONDS
//! ```

mod actix;
mod libcors;
mod tower;

use std::collections::HashSet;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use std::{env, fs, io};

use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Scenarios {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct Scenario {
    name: String,
    policy: String,
    requests: String,
    check: usize,
}

/// A policy file, for those that do not read it themselves.
#[derive(Deserialize)]
struct Policy {
    allow_origins: Vec<String>,
    allow_methods: Vec<String>,
    allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    max_age: usize,
}

impl Policy {
    /// Those with wildcards.
    fn patterns(&self) -> Vec<Pattern> {
        let boxed = |text: &str| text.as_bytes().into();
        self.allow_origins
            .iter()
            .filter_map(|text| {
                let (before, behind) = text.split_once('*')?;
                let behind = behind.trim_start_matches('*');
                Some(Pattern { before: boxed(before), behind: boxed(behind) })
            })
            .collect()
    }
}

/// What users of tower-http and of actix-cors write where they have wildcards:
/// what stands before and behind.
struct Pattern {
    before: Box<[u8]>,
    behind: Box<[u8]>,
}

fn matches(patterns: &[Pattern], origin: &[u8]) -> bool {
    patterns.iter().any(|Pattern { before, behind }| {
        origin.len() > before.len() + behind.len()
            && origin.starts_with(before)
            && origin.ends_with(behind)
    })
}

#[derive(Deserialize)]
struct Request {
    method: String,
    origin: Option<String>,
    request_method: Option<String>,
    request_headers: Option<String>,
}

impl Request {
    /// The header lines.
    fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("origin", &self.origin),
            ("access-control-request-method", &self.request_method),
            ("access-control-request-headers", &self.request_headers),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// The status and the headers of an answer.
type Answer = (u16, serde_json::Map<String, serde_json::Value>);

fn answer<'a>(
    status: u16,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Answer {
    let mut map = serde_json::Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value);
        let joined = match map.get(name) {
            Some(first) => format!("{}, {value}", first.as_str().unwrap()),
            None => value.into_owned(),
        };
        map.insert(name.to_owned(), joined.into());
    }
    (status, map)
}

/// What is to be done with each row.
enum Command {
    Answers { check: usize },
    Measure { samples: usize, nanoseconds: f64 },
}

impl Command {
    /// `with` answers the request of a number, `without` does the same work
    /// without CORS, and `read` says what the answer was.
    fn row<T>(
        &self,
        name: &str,
        load_ms: f64,
        count: usize,
        with: impl Fn(usize) -> T,
        without: Option<impl Fn(usize) -> T>,
        read: impl Fn(usize, &T) -> Answer,
    ) {
        let line = match *self {
            Command::Answers { check } => {
                let answers: Vec<Answer> =
                    (0..check).map(|i| read(i, &with(i))).collect();
                serde_json::json!({ "row": name, "answers": answers })
            }
            Command::Measure { samples, nanoseconds } => {
                let mut with = Clock::new(with, count, nanoseconds);
                let mut without =
                    without.map(|work| Clock::new(work, count, nanoseconds));
                let (mut times, mut base) = (vec![], vec![]);
                for _ in 0..samples {
                    times.push(with.sample());
                    base.extend(without.as_mut().map(Clock::sample));
                }
                serde_json::json!({ "row": name, "load_ms": load_ms,
                                    "with": times, "without": base })
            }
        };
        println!("{line}");
    }
}

struct Clock<F> {
    work: F,
    /// Of the requests, which are taken in turn.
    count: usize,
    next: usize,
    /// In one sample.
    batch: usize,
}

impl<T, F: Fn(usize) -> T> Clock<F> {
    fn new(work: F, count: usize, nanoseconds: f64) -> Clock<F> {
        let mut clock = Clock { work, count, next: 0, batch: 1 };
        while clock.sample() * (clock.batch as f64) < nanoseconds {
            clock.batch *= 2;
        }
        clock
    }

    /// Nanoseconds a request.
    fn sample(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..self.batch {
            black_box((self.work)(black_box(self.next)));
            self.next += 1;
            if self.next == self.count {
                self.next = 0;
            }
        }
        start.elapsed().as_nanos() as f64 / self.batch as f64
    }
}

/// Every row's form of one policy file, and how long it took to make.
struct Policies {
    name: String,
    libcors: (cors::Policy, f64),
    tower: (tower::Service, f64),
    actix: (actix::Service, f64),
    set: HashSet<Box<[u8]>, foldhash::fast::RandomState>,
}

impl Policies {
    fn load(folder: &str, name: &str) -> Policies {
        let path = format!("{folder}/{name}");
        let start = Instant::now();
        let libcors = libcors::load(&path);
        let libcors = (libcors, milliseconds(start));
        let policy: Policy = read(&path);
        let start = Instant::now();
        let tower = tower::service(tower::layer(&policy));
        let tower = (tower, milliseconds(start));
        let start = Instant::now();
        let actix = actix::service(&policy);
        let actix = (actix, milliseconds(start));
        let set = policy
            .allow_origins
            .into_iter()
            .map(|origin| origin.into_bytes().into())
            .collect();
        Policies { name: name.to_owned(), libcors, tower, actix, set }
    }

    fn rows(&self, command: &Command, requests: &[Request], exact: bool) {
        let count = requests.len();
        if exact {
            let origins: Vec<&[u8]> = requests
                .iter()
                .map(|request| request.origin.as_ref().unwrap().as_bytes())
                .collect();
            command.row(
                "one lookup in a HashSet",
                0.0,
                count,
                |i| self.set.contains(origins[i]),
                None::<fn(usize) -> bool>,
                |i, found| {
                    let name = "access-control-allow-origin";
                    answer(0, found.then_some((name, origins[i])).into_iter())
                },
            );
        }
        libcors::rows(command, &self.libcors, requests);
        tower::row(command, &self.tower, requests);
        actix::row(command, &self.actix, requests);
    }
}

/// What a future comes to that has nothing to wait for.
fn finish<T>(work: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(work).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing waits"),
    }
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn read<T: DeserializeOwned>(path: &str) -> T {
    let text = fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn main() {
    let folder = env::args().nth(1).expect("usage: peers FOLDER");
    let scenarios: Scenarios = read(&format!("{folder}/scenarios.json"));
    let versions = serde_json::json!({ "versions": {
        "libcors": env!("VERSION_LIBCORS"),
        "tower-http": env!("VERSION_TOWER_HTTP"),
        "actix-cors": env!("VERSION_ACTIX_CORS"),
        "actix-web": env!("VERSION_ACTIX_WEB"),
        "foldhash": env!("VERSION_FOLDHASH"),
        "rustc": env!("VERSION_RUSTC"),
    } });
    println!("{versions}\n");
    let mut policies: Option<Policies> = None;
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let scenario = scenarios
            .scenarios
            .iter()
            .find(|scenario| scenario.name == words[1])
            .unwrap_or_else(|| panic!("{line}: no such scenario"));
        let command = match words[..] {
            ["answers", _] => Command::Answers { check: scenario.check },
            ["measure", _, samples, nanoseconds] => Command::Measure {
                samples: samples.parse().unwrap(),
                nanoseconds: nanoseconds.parse().unwrap(),
            },
            _ => panic!("{line}: not a command"),
        };
        if policies.as_ref().is_none_or(|p| p.name != scenario.policy) {
            drop(policies.take());
            policies = Some(Policies::load(&folder, &scenario.policy));
        }
        let requests: Vec<Request> =
            read(&format!("{folder}/{}", scenario.requests));
        let exact = scenario.name.starts_with("exact");
        policies.as_ref().unwrap().rows(&command, &requests, exact);
        println!();
    }
}
