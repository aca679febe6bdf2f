//! The recipes of POLICY.md: each policy loads, and each command prints what
//! the text says. `TRYCMD=overwrite cargo test --test recipes` updates it.

use std::path::{Path, PathBuf};
use std::process::Command;

const POLICY: &str = include_str!("../../POLICY.md");

#[test]
fn recipes_work_as_they_are_written() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipes");
    std::fs::create_dir_all(&folder).expect("it can be made");
    std::env::set_current_dir(&folder).expect("the folder is there");
    let document = document();
    let (_, chapter) =
        POLICY.split_once("\n## Recipes\n").expect("the chapter");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let mut count = 0;
    for recipe in chapter.split("\n### ").skip(1) {
        let (title, text) = recipe.split_once('\n').expect("a text");
        let files = files(text);
        assert!(!files.is_empty(), "{title}: no policy");
        for (file, policy) in files {
            std::fs::write(&file, policy).expect("it can be written");
            let check = format!("$ cors check {file}\n");
            // Whatever warns or is rejected is shown to do so.
            assert!(text.contains(&check) || is_clean(&file), "{file}");
            let explain = format!("$ cors explain {file} ");
            assert!(
                text.contains(&explain) || text.contains(&check),
                "{file}"
            );
        }
        assert!(text.contains("$ cors explain "), "{title}: no request");
        count += 1;
    }
    assert!(count > 5, "{count}");
    trycmd::TestCases::new().case(document);
}

/// The fenced blocks of JSON that have a file's name.
fn files(text: &str) -> Vec<(String, String)> {
    let blocks = text.split("\n```json ").skip(1);
    blocks
        .map(|block| {
            let (file, rest) = block.split_once('\n').expect("a name");
            let (policy, _) = rest.split_once("```").expect("its end");
            (file.to_owned(), policy.to_owned())
        })
        .collect()
}

fn is_clean(file: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_cors"))
        .args(["check", "--deny-warnings", file])
        .output()
        .expect("it runs");
    output.status.success()
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../POLICY.md")
}
