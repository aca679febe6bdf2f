#!/usr/bin/env bash
# install.sh FOLDER: make install and make uninstall into prefixes below the
# folder, and what programs are built with what was installed.
set -euo pipefail

cd "$(dirname "$0")/../.."
folder=$1
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

fail()
{
    echo "install: $*" >&2
    exit 1
}

ok()
{
    echo "ok $*"
}

# The command comes where it is built. make must not build anything: root, who
# installs, may have no Rust. So cargo and rustc are such as fail.
mkdir "$folder/no-rust"
ln -s /bin/false "$folder/no-rust/cargo"
ln -s /bin/false "$folder/no-rust/rustc"
make_as_root()
{
    make --no-print-directory "$@" HOME="$folder" \
        PATH="$folder/no-rust:$PATH" >"$folder/log" 2>&1 \
        || { cat "$folder/log" >&2; fail "make $* failed"; }
}

# `make test-cli` has built it, if nobody else.
command=$(ls -t cli/target/*/cors 2>/dev/null | head -1)

prefix=$folder/prefix
make_as_root install PREFIX="$prefix" COMMAND="$command"
expected="include/cors.h include/cors.hpp lib/libcors.a lib/libcors.so
lib/libcors.so.$version lib/pkgconfig/libcors.pc"
soname=$(readelf -d "$prefix/lib/libcors.so.$version" \
    | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
case $version in
0.*) [ "$soname" = "libcors.so.${version%.*}" ] ;;
*) [ "$soname" = "libcors.so.${version%%.*}" ] ;;
esac || fail "the soname of $version is $soname"
expected="$expected lib/$soname"
if [ -n "$command" ]; then
    expected="bin/cors share/bash-completion/completions/cors
share/zsh/site-functions/_cors share/fish/vendor_completions.d/cors.fish
share/man/man1/cors.1 $expected"
    for subcommand in $("$prefix/bin/cors" help |
        sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v help)
    do
        expected="$expected share/man/man1/cors-$subcommand.1"
    done
fi
found=$(cd "$prefix" && find . ! -type d -printf '%P\n' | sort)
[ "$found" = "$(printf '%s\n' $expected | sort)" ] ||
    fail "installed: $found"
for link in libcors.so "$soname"; do
    [ "$(readlink "$prefix/lib/$link")" = "libcors.so.$version" ] ||
        fail "the link $link"
done
ok "files"

if [ -n "$command" ]; then
    grep -q '^\.SH SYNOPSIS' "$prefix/share/man/man1/cors-probe.1" ||
        fail "the manual page of cors probe"
    bash -c '. "$1" && complete -p cors' bash \
        "$prefix/share/bash-completion/completions/cors" >/dev/null ||
        fail "the completion for bash"
    grep -q '^#compdef cors' "$prefix/share/zsh/site-functions/_cors" ||
        fail "the completion for zsh"
    grep -q '^complete -c cors' \
        "$prefix/share/fish/vendor_completions.d/cors.fish" ||
        fail "the completion for fish"
    ok "manual pages and completions"
else
    ok "manual pages and completions # SKIP the command is not built"
fi

# rustc's own word for what the archive asks for.
asked=$(cargo rustc -q --lib --crate-type staticlib -- \
    --print native-static-libs 2>&1 | sed -n 's/.*native-static-libs: //p')
[ -n "$asked" ] || fail "rustc does not say what the archive asks for"
[ "$asked" = "$(cat target/release/native-static-libs)" ] ||
    fail "a crate asks for more libraries: $asked"
ok "Libs.private: $asked"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[ "$(pkg-config --modversion libcors)" = "$version" ] || fail "libcors.pc"

cat >"$folder/demo.cpp" <<'END'
#include <cors.hpp>
#include <cstdio>

int
main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    cors::request  request;

    request.method = "GET";
    request.origin = "https://app.example.com";
    const auto  policy = cors::policy::from_file(argv[1]);
    for (const auto &[name, value] : policy.evaluate(request).headers) {
        std::printf("%.*s: %.*s\n", int(name.size()), name.data(),
                    int(value.size()), value.data());
    }
}
END

# $(run NAME LINKED-WITH COMMAND...): builds, and runs.
run()
{
    local name=$1 linked=$2 output arguments=(bindings/c/example.json)
    shift 2
    # Linked all static, what glibc says of getaddrinfo and getpwuid_r does
    # not matter: libcors never calls them.
    "$@" -o "$folder/$name" 2>"$folder/log" ||
        { cat "$folder/log" >&2; fail "$name: $* does not link"; }
    case $name in *-c-*) arguments+=(GET https://app.example.com) ;; esac
    output=$(LD_LIBRARY_PATH=$prefix/lib "$folder/$name" "${arguments[@]}")
    case $output in
    *"access-control-allow-origin: https://app.example.com"*) ;;
    *) fail "$name says: $output" ;;
    esac
    readelf -d "$folder/$name" | grep -q "\[$soname\]" && found=shared ||
        found=static
    [ $found = "$linked" ] || fail "$name is linked with the $found library"
    ok "$name"
}

flags=$(pkg-config --cflags --libs libcors)
static=$(pkg-config --static --cflags --libs libcors)
for compiler in ${COMPILERS:-gcc g++}; do
    source=bindings/c/example.c language=c
    case $compiler in *++) source=$folder/demo.cpp language=c++ ;; esac
    run "$compiler-$language-shared" shared $compiler "$source" $flags
    run "$compiler-$language-archive" static $compiler "$source" \
        ${static/-lcors/-l:libcors.a}
    run "$compiler-$language-all-static" static $compiler -static "$source" \
        $static
done

if command -v cmake >/dev/null; then
    mkdir "$folder/cmake"
    cp "$folder/demo.cpp" bindings/c/example.c "$folder/cmake"
    cat >"$folder/cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(demo LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CORS REQUIRED IMPORTED_TARGET libcors)
add_executable(demo demo.cpp)
target_link_libraries(demo PRIVATE PkgConfig::CORS)
END
    run cmake-demo shared sh -c "cmake -S '$folder/cmake' -B '$folder/cmake/build' \
        >'$folder/log' && cmake --build '$folder/cmake/build' \
        >>'$folder/log' && cp '$folder/cmake/build/demo' \"\$2\"" sh
fi

make_as_root uninstall PREFIX="$prefix"
found=$(find "$prefix" ! -type d)
[ -z "$found" ] || fail "not uninstalled: $found"
ok "uninstall"

# A package is staged: DESTDIR is in no file.
make_as_root install DESTDIR="$folder/stage" PREFIX=/usr \
    LIBDIR=/usr/lib/x86_64-linux-gnu
pc=$folder/stage/usr/lib/x86_64-linux-gnu/pkgconfig/libcors.pc
grep -q "$folder" "$pc" && fail "DESTDIR is in libcors.pc"
[ "$(PKG_CONFIG_PATH=${pc%/*} pkg-config --variable=libdir libcors)" \
    = /usr/lib/x86_64-linux-gnu ] || fail "LIBDIR is not in libcors.pc"
make_as_root uninstall DESTDIR="$folder/stage" PREFIX=/usr \
    LIBDIR=/usr/lib/x86_64-linux-gnu
found=$(find "$folder/stage" ! -type d)
[ -z "$found" ] || fail "not uninstalled: $found"
ok "DESTDIR"
