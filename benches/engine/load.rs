// SPDX-License-Identifier: MIT OR Apache-2.0

//! `load/exact=<n>`: a policy file of n exact origins, parsed, validated and
//! made ready, and freed again.

use std::fmt::Write;
use std::hint::black_box;

use cors::Policy;
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for n in [1, 1_000, 100_000, 1_000_000] {
        let json = policy_of(n);
        let policy = Policy::from_json(json.as_bytes());
        assert!(policy.expect("it loads").warnings().is_empty());
        group.bench_function(format!("exact={n}"), |bencher| {
            bencher.iter(|| black_box(Policy::from_json(json.as_bytes())));
        });
    }
    group.finish();
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
