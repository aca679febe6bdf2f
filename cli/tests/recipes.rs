//! The recipes of POLICY.md, and BLOCKING.md: each policy loads, and each
//! command prints what the text says. `TRYCMD=overwrite cargo test --test
//! recipes` updates them.

use std::path::Path;
use std::process::Command;

const POLICY: &str = include_str!("../../POLICY.md");
const BLOCKING: &str = include_str!("../../BLOCKING.md");

#[test]
fn recipes_work_as_they_are_written() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipes");
    std::fs::create_dir_all(&folder).expect("it can be made");
    std::env::set_current_dir(&folder).expect("the folder is there");
    let (reference, chapter) =
        POLICY.split_once("\n## Recipes\n").expect("the chapter");

    let examples = policies(reference);
    assert!(examples.len() > 1, "{examples:?}");
    for (_, policy) in examples {
        write("example.json", policy);
        assert!(is_clean("example.json"), "{policy}");
    }

    let mut count = 0;
    for recipe in chapter.split("\n### ").skip(1) {
        let (title, text) = recipe.split_once('\n').expect("a text");
        let files = policies(text);
        assert!(!files.is_empty(), "{title}: no policy");
        assert!(text.contains("$ cors explain "), "{title}: no request");
        for (file, policy) in files {
            write(file, policy);
            let check = text.contains(&format!("$ cors check {file}\n"));
            let explain = text.contains(&format!("$ cors explain {file} "));
            // What warns or is rejected is shown to do so.
            assert!(check || explain && is_clean(file), "{file}");
        }
        count += 1;
    }
    assert!(count > 9, "{count}");

    let blocking = policies(BLOCKING);
    assert_eq!(blocking.len(), 4);
    for (file, policy) in blocking {
        write(file, policy);
        assert!(is_clean(file), "{policy}");
    }

    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    trycmd::TestCases::new()
        .case(format!("{root}/POLICY.md"))
        .case(format!("{root}/BLOCKING.md"));
}

/// The blocks of JSON, each with the file's name, if it has one.
fn policies(text: &str) -> Vec<(&str, &str)> {
    text.split("\n```json")
        .skip(1)
        .map(|block| {
            let (name, rest) = block.split_once('\n').expect("a line");
            let (policy, _) = rest.split_once("\n```\n").expect("its end");
            (name.trim(), policy)
        })
        .collect()
}

fn write(file: &str, policy: &str) {
    std::fs::write(file, policy).expect("it can be written");
}

fn is_clean(file: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_cors"))
        .args(["check", "--deny-warnings", file])
        .output()
        .expect("it runs");
    output.status.success()
}
