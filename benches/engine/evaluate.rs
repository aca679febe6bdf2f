// SPDX-License-Identifier: MIT OR Apache-2.0

//! `evaluate/<scenario>`: one decision of each scenario of
//! `../peers/scenarios.py`, whose verdicts are checked before it is timed.
//! `cargo bench --bench evaluate -- 'exact=1000/'` runs some.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cors::{Policy, Request, Verdict};
use criterion::{Criterion, criterion_group, criterion_main};
use serde::Deserialize;

#[derive(Deserialize)]
struct Scenarios {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct Scenario {
    name: String,
    policy: String,
    requests: String,
    expect: String,
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    origin: Option<String>,
    request_method: Option<String>,
    request_headers: Option<String>,
}

impl Asked {
    fn as_request(&self) -> Request<'_> {
        Request {
            method: Some(self.method.as_bytes()),
            origin: self.origin.as_deref().map(str::as_bytes),
            request_method: self.request_method.as_deref().map(str::as_bytes),
            request_headers: self
                .request_headers
                .as_deref()
                .map(str::as_bytes),
        }
    }
}

fn evaluate(criterion: &mut Criterion) {
    let folder = write_scenarios();
    let scenarios: Scenarios = read(&folder.join("scenarios.json"));
    let mut group = criterion.benchmark_group("evaluate");
    group.warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(2));
    for scenario in scenarios.scenarios {
        let Scenario { name, policy, requests, expect } = scenario;
        // Loaded where it is measured: criterion may have filtered it out.
        let prepare = || {
            let policy = Policy::from_file(&folder.join(&policy));
            let requests: Vec<Asked> = read(&folder.join(&requests));
            (policy.expect("the policy loads"), requests)
        };
        group.bench_function(name.as_str(), |bencher| {
            let (policy, asked) = prepare();
            let requests: Vec<_> =
                asked.iter().map(Asked::as_request).collect();
            for request in &requests {
                let verdict = policy.evaluate(request).verdict;
                let found = match verdict {
                    Verdict::Allowed | Verdict::PreflightAllowed => "allowed",
                    Verdict::NotCors => "none",
                    _ => "refused",
                };
                assert_eq!(found, expect, "{name}");
            }
            let mut next = requests.iter().cycle();
            bencher.iter(|| {
                let request = next.next().expect("there is one");
                black_box(policy.evaluate(black_box(request)));
            });
        });
    }
    group.finish();
}

fn write_scenarios() -> PathBuf {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/bench");
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers/scenarios.py");
    let status = Command::new("python3").arg(script).arg(&folder).status();
    assert!(status.expect("python3 runs").success());
    folder
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = fs::read(path).expect("the scenarios were written");
    serde_json::from_slice(&text).expect("they are JSON")
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
