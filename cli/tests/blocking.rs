//! BLOCKING.md: each policy loads without a warning, and each command prints
//! what the text says. `TRYCMD=overwrite cargo test --test blocking` updates
//! it.

use std::path::Path;
use std::process::Command;

const BLOCKING: &str = include_str!("../../BLOCKING.md");

#[test]
fn commands_print_what_the_document_says() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("blocking");
    std::fs::create_dir_all(&folder).expect("it can be made");
    std::env::set_current_dir(&folder).expect("the folder is there");
    let mut count = 0;
    for block in BLOCKING.split("```json ").skip(1) {
        let (file, rest) = block.split_once('\n').expect("a line");
        let (policy, _) = rest.split_once("```").expect("its end");
        std::fs::write(file, policy).expect("it can be written");
        let output = Command::new(env!("CARGO_BIN_EXE_cors"))
            .args(["check", "--deny-warnings", file])
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        count += 1;
    }
    assert_eq!(count, 4);
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../BLOCKING.md");
    trycmd::TestCases::new().case(document);
}
