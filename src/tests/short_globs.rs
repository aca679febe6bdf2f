//! All short globs of two letters, many at a time, so that the index of globs
//! takes part at each of its levels, against the naive matcher.

use super::naive;
use crate::{Policy, Request};

#[test]
fn short_globs_match_as_the_naive_matcher_says() {
    let mut patterns = globs();
    // Of several that match, the first in the file counts: so a match that is
    // wrong shows if it is before the right ones.
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.len()));
    let backwards: Vec<String> = patterns.iter().rev().cloned().collect();
    let origins: Vec<String> = labels()
        .iter()
        .flat_map(|label| ["", "b.a."].map(|left| format!("{left}{label}")))
        .map(|host| format!("https://{host}.example.com"))
        .collect();
    for all in [patterns, backwards] {
        for step in 1..5 {
            for skip in 0..step {
                let some = all.iter().skip(skip).step_by(step).cloned();
                compare(&some.collect::<Vec<_>>(), &origins);
            }
        }
    }
}

fn compare(patterns: &[String], origins: &[String]) {
    let json = serde_json::json!({ "allow_origins": patterns }).to_string();
    let policy = Policy::from_json(json.as_bytes()).expect("it loads");
    for origin in origins {
        let request = Request {
            method: Some(b"GET"),
            origin: Some(origin.as_bytes()),
            ..Request::default()
        };
        assert_eq!(
            policy.evaluate(&request).pattern,
            naive::find(patterns, origin).map(str::as_bytes),
            "{origin} {patterns:?}"
        );
    }
}

/// With none, one and two middles; heads with and without a dot.
fn globs() -> Vec<String> {
    let pieces = ["a", "b", "ab"];
    let mut globs = Vec::new();
    for head in ["", "a", "ab", "b.a.", "b.a.a", "b.a.ab"] {
        for tail in ["", "b", "ab"] {
            let mut add = |middles: &str| {
                globs.push(format!(
                    "https://{head}*{middles}{tail}.example.com"
                ));
            };
            add("");
            for one in pieces {
                add(&format!("{one}*"));
                for two in pieces {
                    add(&format!("{one}*{two}*"));
                }
            }
        }
    }
    globs
}

/// Of one to six letters.
fn labels() -> Vec<String> {
    let mut labels = vec![String::new()];
    for first in 0.. {
        if labels[first].len() == 6 {
            break;
        }
        for letter in ["a", "b"] {
            labels.push(format!("{}{letter}", labels[first]));
        }
    }
    labels.split_off(1)
}
