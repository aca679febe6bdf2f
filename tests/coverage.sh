#!/usr/bin/env bash
# coverage.sh OUTPUT
#
# Prints how many regions of each file of the engine are reached by its own
# tests and by those of the C ABI. OUTPUT/missed.txt has the lines that none of
# them reaches: they are there to be looked at, the numbers are no goal.
#
# It needs rustup's component llvm-tools, and what bindings/c needs.
set -euo pipefail

cd "$(dirname "$0")/.."
mkdir -p "$1"
output=$(cd "$1" && pwd)
tools=$(dirname "$(find "$(rustc --print sysroot)" -name llvm-cov)")
[ "$tools" != . ] || {
    echo "Run: rustup component add llvm-tools" >&2
    exit 1
}

export CARGO_TARGET_DIR=$output/target RUSTFLAGS="-C instrument-coverage"
export LLVM_PROFILE_FILE=$output/profiles/%m-%p.profraw
rm -rf "$output/profiles"

cargo build --lib
library=$output/target/debug/libcors.so
tests=$(cargo test --lib --no-run 2>&1 |
    sed -n 's/^ *Executable .* (\(.*\))$/\1/p')
"$tests" --quiet

programs=(arguments growth texts loading files vectors)
make -s -C bindings/c LIB_DIR="$(dirname "$library")" BUILD="$output/c" \
    "${programs[@]/#/$output/c/}" --eval='$(BUILD)/%: $(BUILD)/%-c-shared ;'
for program in "${programs[@]}"; do
    (cd "$output/c" && LD_PRELOAD=$library \
        "./$program-c-shared" "$OLDPWD/vectors")
done

"$tools/llvm-profdata" merge -sparse "$output"/profiles/*.profraw \
    -o "$output/profile"
# Of a function that is in both, the first counts: the tests have those of the
# ABI, but do not call them.
show=(-instr-profile="$output/profile" "$library" -object "$tests"
    -ignore-filename-regex='^/rustc/|/\.cargo/|/src/tests/')
"$tools/llvm-cov" show "${show[@]}" |
    grep -E '^/|^ +[0-9]+\| +0\|' >"$output/missed.txt"
"$tools/llvm-cov" report "${show[@]}" -show-branch-summary=false
