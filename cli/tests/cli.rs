//! What the command prints, compared with files. `TRYCMD=overwrite cargo test
//! --test cli` updates them.

mod server;

use server::Server;

/// 2026-12-01, and two years later.
const RELEASE_DAY: &str = "1796083200";
const LATER: &str = "1859155200";

#[test]
fn the_command_prints_what_the_cases_say() {
    std::env::set_current_dir("examples").expect("the folder is there");
    // A proxy on the loopback interface stands in for http://api.example.com.
    let api = Server::start(|request| match request.target.as_str() {
        "/items" => server::answer(
            200,
            &[
                ("Access-Control-Allow-Origin", "https://app.example.com"),
                ("Access-Control-Allow-Origin", "https://app.example.com"),
                ("Content-Type", "application/json"),
            ],
        ),
        "/fine" => server::answer(
            200,
            &[
                ("Access-Control-Allow-Origin", "*"),
                ("Content-Type", "application/json"),
            ],
        ),
        "/transfer" | "/chat" => match request.header("origin") {
            Some("http://api.example.com") => server::answer(401, &[]),
            _ => server::blocked(),
        },
        _ => server::answer(401, &[("WWW-Authenticate", "Basic")]),
    });
    trycmd::TestCases::new()
        .env("http_proxy", api.url(""))
        // The age of a public suffix list does not depend on the day.
        .env("SOURCE_DATE_EPOCH", RELEASE_DAY)
        .case("../README.md")
        .case("../../README.md")
        .case("../tests/cases/*.md")
        .case("../tests/cases/*.toml");
}

#[test]
fn completions_and_manual_pages_are_written() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (status, text) = run(&["completions", shell], &[]);
        assert_eq!(status, 0);
        assert!(text.contains("preflight-only"), "{shell}");
    }
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/man");
    std::fs::create_dir_all(folder).expect("it can be made");
    assert_eq!(run(&["man", folder], &[]).0, 0);
    for page in ["cors", "cors-check", "cors-explain", "cors-probe"] {
        let text = std::fs::read_to_string(format!("{folder}/{page}.1"))
            .expect("it was written");
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn colour_is_for_terminals_and_can_be_forced_or_disabled() {
    let check =
        ["check", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/wrong.json")];
    let escapes = |variables| run(&check, variables).1.contains('\x1b');
    assert!(!escapes(&[]));
    assert!(escapes(&[("CLICOLOR_FORCE", "1")]));
    assert!(!escapes(&[("NO_COLOR", "1")]));
}

#[test]
fn an_old_built_in_list_triggers_a_warning_outside_the_report() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cors.json");
    for arguments in
        [["check", file].as_slice(), &["check", "--format", "json", file]]
    {
        let [now, later] = [RELEASE_DAY, LATER].map(|day| {
            let output =
                std::process::Command::new(env!("CARGO_BIN_EXE_cors"))
                    .args(arguments)
                    .env("SOURCE_DATE_EPOCH", day)
                    .output()
                    .expect("it runs");
            assert_eq!(output.status.code(), Some(0));
            let [out, err] = [output.stdout, output.stderr]
                .map(|text| String::from_utf8(text).expect("UTF-8"));
            (out, err)
        });
        assert_eq!(now.0, later.0);
        assert_eq!(now.1, "");
        assert!(later.1.starts_with("warning: the public suffix list of 20"));
        assert!(
            later.1.contains(" is more than a year old; use --public-suffix")
        );
        assert_eq!(later.1.lines().count(), 1);
    }
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cors"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    let output = command
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.code().expect("no signal"), text)
}
