//! The README's figures are those of benches/README.md.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

#[test]
fn the_readme_has_the_figures_of_the_benches() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A package of the library alone has no benches.
    let Ok(benches) = fs::read_to_string(root.join("benches/README.md"))
    else {
        return;
    };
    let readme = fs::read_to_string(root.join("README.md")).expect("it");
    let row = |name: &str| row(&readme, name);
    let cells = cells(&benches);
    let time = |scenario: &str, column: &str| {
        let cell = &cells[&(scenario.to_owned(), column.to_owned())];
        let (median, _) = cell.split_once('/').expect("median/least");
        match median.strip_suffix(" µs") {
            Some(micro) => {
                let nano = micro.parse::<f64>().expect("a number") * 1e3;
                let nano = nano.round() as u64;
                format!("{},{:03} ns", nano / 1000, nano % 1000)
            }
            None => format!("{median} ns"),
        }
    };
    let nginx = |name: &str, column: &str| {
        let cell = &cells[&(name.to_owned(), column.to_owned())];
        cell.trim_start_matches('+').to_owned()
    };

    for (name, scenario, peer) in [
        ("a decision, one origin", "exact=1/allowed", "actix-cors"),
        ("a decision, 1,000,000", "exact=1000000/allowed", "actix-cors"),
        ("a decision, `**.`", "wildcard=100/allowed", "jub0bs/cors"),
    ] {
        assert_eq!(row(name)[1], time(scenario, "libcors (C)"), "{name}");
        let peers = format!("{peer}: {}", time(scenario, peer));
        assert_eq!(row(name)[2], peers, "{name}");
        let best = &cells[&(scenario.to_owned(), "best peer".to_owned())];
        assert!(best.starts_with(peer), "{scenario}: {best}");
    }
    let scenario = "exact=1000/allowed";
    let added = row("time added, 1,000 origins");
    let ours = format!("{} (C ABI)", time(scenario, "libcors (C)"));
    assert_eq!(added[1], ours);
    assert_eq!(added[3], time(scenario, "jub0bs/cors"));
    assert_eq!(added[4], time(scenario, "rs/cors"));
    assert_eq!(added[5], time(scenario, "expressjs/cors"));
    let starlette = format!("Starlette: {}", time(scenario, "Starlette"));
    assert_eq!(added[6], starlette);

    let instructions = row("extra nginx instructions");
    assert_eq!(instructions[1], nginx("libcors, 100,000", "allowed"));
    let map = nginx("exact map, 100,000", "allowed");
    assert_eq!(instructions[2], format!("`map`, `add_header`: {map}"));
    let memory = row("nginx memory");
    let workers = "MB, workers: 4";
    let ours = format!("{} MB", nginx("libcors, 100,000", workers));
    assert_eq!(memory[1], ours);
    let map = nginx("exact map, 100,000", workers);
    assert_eq!(memory[2], format!("`map`: {map} MB"));
}

/// The cells of the row that begins so.
fn row<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let start = format!("| {name}");
    let line = text.lines().find(|line| line.starts_with(&start));
    line.unwrap_or_else(|| panic!("no row {name}"))
        .split('|')
        .map(str::trim)
        .skip(1)
        .collect()
}

/// Every cell of every table, by its row and column.
fn cells(text: &str) -> HashMap<(String, String), String> {
    let mut cells = HashMap::new();
    let mut head = Vec::new();
    for line in text.lines() {
        let row: Vec<String> =
            line.split('|').skip(1).map(|cell| cell.trim().into()).collect();
        if row.is_empty() {
            head.clear();
        } else if head.is_empty() {
            head = row;
        } else {
            for (name, cell) in head.iter().zip(&row).skip(1) {
                cells.insert((row[0].clone(), name.clone()), cell.clone());
            }
        }
    }
    cells
}
