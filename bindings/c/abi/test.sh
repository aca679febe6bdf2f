#!/usr/bin/env bash
# test.sh FOLDER [dump]: compares the ABI of include/cors.h with that of the
# last release, and shows that the comparison sees what it has to.
# With `dump` it writes libcors-0.1.abi anew; ../README.md says when.
#
# What is compared is a library that has cors.h's functions and types and
# nothing else (stub.c), so that Rust's debugging information plays no part.
set -euo pipefail

mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")"
dump=libcors-0.1.abi

# $(build HEADER STUB)
build()
{
    ${CC:-cc} -g -O0 -fPIC -shared -include "$1" "$2" -o "$folder/stub.so"
}

compare()
{
    abidiff --no-architecture --no-added-syms "$dump" "$folder/stub.so"
}

build ../../../include/cors.h stub.c
if [ "${2:-}" = dump ]; then
    abidw --no-comp-dir-path --no-corpus-path --no-show-locs \
        --no-architecture --out-file "$dump" "$folder/stub.so"
    exit
fi
if ! compare; then
    echo "The ABI of include/cors.h is not that of $dump;" \
        "bindings/c/README.md says how it may grow." >&2
    exit 1
fi
echo "ok the ABI is that of $dump"

# $(changed WHETHER-SEEN TITLE SED-FOR-HEADER [SED-FOR-STUB])
changed()
{
    sed -E "$3" ../../../include/cors.h >"$folder/cors.h"
    sed -E "${4:-}" stub.c >"$folder/stub.c"
    if cmp -s "$folder/cors.h" ../../../include/cors.h; then
        echo "$2: changes nothing, mend the test" >&2
        exit 1
    fi
    build "$folder/cors.h" "$folder/stub.c"
    if compare >"$folder/report"; then seen=allowed; else seen=seen; fi
    if [ $seen != "$1" ]; then
        echo "$2: $seen, not $1" >&2
        cat "$folder/report" >&2
        exit 1
    fi
    echo "ok $seen: $2"
}

changed seen "two members in another order" 's/int32_t verdict;/int32_t X;/
    s/int32_t reason;/int32_t verdict;/; s/int32_t X;/int32_t reason;/'
changed seen "a wider member" 's/uint32_t status;/uint64_t status;/'
changed seen "a member with a sign" 's/uint32_t line;/int32_t line;/'
changed seen "a member in the middle" 's/uint32_t status;/& uint32_t more;/'
changed seen "a member that is gone" 's/struct cors_str pattern;//'
changed seen "more headers" 's/(CORS_HEADERS_MAX) 8/\1 9/'
changed seen "cors_str grows" 's/^    size_t len;/& size_t capacity;/'
changed seen "cors_header grows" \
    's/^    struct cors_str value;/& struct cors_str more;/'
changed seen "a constant has another value" \
    's/(CORS_REASON_HEADERS_MALFORMED) = 6/\1 = 7/'
changed seen "two constants change places" \
    's/(CORS_VERDICT_ALLOWED) = 1/\1 = 2/
     s/(CORS_VERDICT_REFUSED) = 2/\1 = 1/'
changed seen "a constant that is gone" \
    's/^ *CORS_REASON_METHOD_MALFORMED = 4,//'
changed seen "a parameter of another type" \
    's/size_t capacity\)/int capacity)/' 's/size_t capacity\)/int capacity)/'
changed seen "the diagnostic function's parameter" \
    's/(\(\*cors_diagnostic_fn\)\()void \*context/\1int context/'
changed seen "a function that is gone" 's/^const char \*cors_version.*//' \
    's/^cors_version/cors_renamed/'

# Allowed to those who know it, and write the dump anew.
changed seen "cors_request grows" \
    's/^    struct cors_str scheme;/& struct cors_str more;/'
changed seen "cors_decision grows" \
    's/^    struct cors_str pattern;/& struct cors_str more;/'
changed seen "cors_diagnostic grows" \
    's/^    struct cors_str help;/& struct cors_str more;/'

changed allowed "one more constant" \
    's/CORS_REASON_HEADERS_MALFORMED = 6,/& CORS_REASON_MORE = 7,/'
changed allowed "one more function" \
    's/^const char \*cors_version.*/& int cors_more(void);/' \
    '$a int cors_more(void) { return 0; }'

# A program of today's header on the library of 0.1, built from its sources.
release=1f9955a
if ! git cat-file -e "$release^{commit}" 2>/dev/null; then
    echo "skipped: today's program on the library of 0.1 ($release is not in" \
        "this checkout's history)"
    exit
fi
old=$folder/0.1
if ! [ -e "$old/target/release/libcors.so" ]; then
    mkdir -p "$old"
    git -C "$(git rev-parse --show-toplevel)" archive "$release" \
        Cargo.toml Cargo.lock build.rs cbindgen.toml include src |
        tar -x -C "$old"
    (cd "$old" && CARGO_TARGET_DIR=$old/target cargo build --release --locked)
fi
ln -sf libcors.so "$old/target/release/libcors.so.0.1"
${CC:-cc} -std=c11 -Wall -Wextra -Werror -I../../../include newer.c \
    -o "$folder/newer" -L"$old/target/release" -l:libcors.so
LD_LIBRARY_PATH=$old/target/release "$folder/newer"
echo "ok a program of this header runs on the library of 0.1"
