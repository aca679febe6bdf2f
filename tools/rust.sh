#!/usr/bin/env bash
# rust.sh          whether Rust is there, and new enough
# rust.sh build    builds with the oldest Rust that Cargo.toml promises
set -euo pipefail

cd "$(dirname "$0")/.."
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

if [ "${1:-}" = build ]; then
    rustup run "$oldest" true 2>/dev/null || {
        echo "Missing: Rust $oldest. Run: rustup toolchain install $oldest" \
            "--profile minimal" >&2
        exit 1
    }
    for package in . cli; do
        cargo "+$oldest" build --locked --target-dir "build/rust-$oldest" \
            --manifest-path $package/Cargo.toml
    done
    exit
fi

have=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
if [ -z "$have" ]; then
    echo "Rust $oldest or newer is needed: https://rustup.rs" >&2
    exit 1
fi
if ! printf '%s\n' "$oldest" "$have" | sort -C -V; then
    echo "Rust $oldest or newer is needed, and $(command -v rustc)" \
        "is $have: rustup update, or https://rustup.rs" >&2
    exit 1
fi
