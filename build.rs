//! Writes `include/cors.h` from `src/ffi.rs`, its part and `src/decision.rs`, and only if
//! it differs.
//!
//! The header is committed: C users need no Rust tool to read it. In a
//! read-only source tree (a registry, a packager's sandbox) a stale header is
//! a warning; `make header-check` and `cargo package` turn it into a failure.
//!
//! Also names the shared library: `SONAME`.

use std::{env, fs, path::Path};

/// The same for every version to come. A new soname would tell the loader that
/// programs must be compiled again, but the ABI only grows: a struct says its
/// size, and a program that was compiled with 0.1 runs with any later library.
/// The soname of 0.1 was `libcors.so.0.1`; `make lib` makes a library of that
/// name, which loads this one.
const SONAME: &str = "libcors.so.0";

fn main() {
    let sources = ["src/decision.rs", "src/ffi.rs", "src/ffi/source.rs"];
    for path in sources.iter().chain(&["cbindgen.toml", "include/cors.h"]) {
        println!("cargo:rerun-if-changed={path}");
    }
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
    }
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let mut config = cbindgen::Config::from_file("cbindgen.toml")
        .expect("cbindgen.toml is valid");
    config.after_includes =
        config.after_includes.map(|macros| macros + &version_macros());
    let mut header = cbindgen::Builder::new().with_config(config);
    for path in sources {
        header = header.with_src(Path::new(&root).join(path));
    }
    let mut text = Vec::new();
    header.generate().expect("cbindgen can read the sources").write(&mut text);
    let path = Path::new(&root).join("include/cors.h");
    if fs::read(&path).is_ok_and(|present| present == text) {
        return;
    }
    if let Err(error) = fs::write(&path, text) {
        println!("cargo:warning=include/cors.h is stale: {error}");
    }
}

fn version(part: &str) -> String {
    env::var(format!("CARGO_PKG_VERSION{part}")).expect("cargo sets it")
}

fn version_macros() -> String {
    format!(
        "#define CORS_VERSION_MAJOR {}\n\
         #define CORS_VERSION_MINOR {}\n\
         #define CORS_VERSION_PATCH {}\n\
         #define CORS_VERSION \"{}\"",
        version("_MAJOR"),
        version("_MINOR"),
        version("_PATCH"),
        version("")
    )
}
