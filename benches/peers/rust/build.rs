// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hands the versions in Cargo.lock to the program, which prints them.

use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    for package in
        ["actix-cors", "actix-web", "foldhash", "libcors", "tower-http"]
    {
        let version = lock
            .split(&format!("name = \"{package}\"\nversion = \""))
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        let key = package.replace('-', "_").to_uppercase();
        println!("cargo::rustc-env=VERSION_{key}={version}");
    }
    let rustc = std::process::Command::new(env::var("RUSTC").unwrap())
        .arg("--version")
        .output()
        .unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let version = rustc.split(' ').nth(1).unwrap();
    println!("cargo::rustc-env=VERSION_RUSTC={version}");
}
