// SPDX-License-Identifier: MIT OR Apache-2.0

//! `load/exact=<n>`: a policy file of n exact origins, parsed, validated and
//! made ready, and freed again. Before it is timed, what memory one load takes:
//! in the end, and at its peak.

use std::fmt::Write;
use std::fs;
use std::hint::black_box;

use cors::Policy;
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for n in [1, 1_000, 100_000, 1_000_000] {
        let json = policy_of(n);
        // Linux forgets the highest resident size that there was.
        fs::write("/proc/self/clear_refs", "5").expect("it can be written");
        let before = resident("VmRSS");
        let policy = Policy::from_json(json.as_bytes());
        println!(
            "exact={n}: a file of {} kB; resident afterwards {} kB more, at \
             the peak {} kB more",
            json.len() / 1024,
            resident("VmRSS") - before,
            resident("VmHWM") - before,
        );
        assert!(policy.expect("it loads").warnings().is_empty());
        group.bench_function(format!("exact={n}"), |bencher| {
            bencher.iter(|| black_box(Policy::from_json(json.as_bytes())));
        });
    }
    group.finish();
}

/// In kB of 1,024 bytes.
fn resident(name: &str) -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("on Linux");
    let line = status.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_whitespace().nth(1));
    value.expect("it has a value").parse().expect("a number")
}

fn policy_of(n: usize) -> String {
    let mut json = String::from("{\"allow_origins\":[");
    for i in 0..n {
        let comma = if i > 0 { "," } else { "" };
        write!(json, "{comma}\"https://tenant{i:06}.example.com\"")
            .expect("a String takes all");
    }
    json + "]}"
}

criterion_group!(benches, load);
criterion_main!(benches);
