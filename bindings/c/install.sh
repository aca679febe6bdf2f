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

# `make lib` says what is wrong, and nothing that is right.
told=$(make --no-print-directory lib 2>&1)
case $told in *note:*|*warning:*) fail "make lib says: $told" ;; esac
mkdir "$folder/broken-rust"
cat >"$folder/broken-rust/rustc" <<END
#!/bin/sh
case "\$*" in *native-static-libs*) echo "error: broken" >&2; exit 1 ;; esac
exec $(command -v rustc) "\$@"
END
chmod +x "$folder/broken-rust/rustc"
! told=$(PATH="$folder/broken-rust:$PATH" make lib 2>&1) ||
    fail "make lib goes on where rustc fails"
case $told in *"error: broken"*) ;; *) fail "make lib hides: $told" ;; esac
ok "make lib"

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
command=$(ls -t target/*/cors 2>/dev/null | head -1)

# As 0.1 left it: this link is replaced, not followed.
prefix=$folder/prefix
mkdir -p "$prefix/lib"
ln -s "libcors.so.$version" "$prefix/lib/libcors.so.0.1"
make_as_root install PREFIX="$prefix" COMMAND="$command"
expected="include/cors.h include/cors.hpp lib/libcors.a lib/libcors.so
lib/libcors.so.$version lib/pkgconfig/libcors.pc
lib/cmake/libcors/libcorsConfig.cmake
lib/cmake/libcors/libcorsConfigVersion.cmake"
soname=$(readelf -d "$prefix/lib/libcors.so.$version" \
    | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$soname" = libcors.so.0 ] || fail "the soname is $soname: build.rs"
expected="$expected lib/$soname lib/libcors.so.0.1"
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
[ ! -L "$prefix/lib/libcors.so.0.1" ] || fail "libcors.so.0.1 is a link"
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

# A program that was linked with 0.1 asks for libcors.so.0.1. It starts where
# ldconfig, a RUNPATH or LD_LIBRARY_PATH names the folder.
mkdir "$folder/0.1"
sed 's/.*/void &(void) {}/' bindings/c/symbols.txt |
    gcc -shared -Wl,-soname,libcors.so.0.1 -o "$folder/0.1/libcors.so" -x c -
echo "$prefix/lib" >"$folder/0.1/ld.so.conf"
/sbin/ldconfig -f "$folder/0.1/ld.so.conf" -C "$folder/0.1/cache"
/sbin/ldconfig -C "$folder/0.1/cache" -p |
    grep -qF "=> $prefix/lib/libcors.so.0.1" ||
    fail "ldconfig leaves out libcors.so.0.1"
linked_with_0_1()
{
    gcc -std=c11 -Ibindings/c/abi/0.1 bindings/c/example.c \
        -L"$folder/0.1" -lcors "$@"
}
(
    soname=libcors.so.0.1
    run 0.1-c-path shared linked_with_0_1
    prefix=$folder/nothing
    run 0.1-c-runpath shared linked_with_0_1 -Wl,-rpath,"$folder/prefix/lib"
)

# The README's commands and CMake projects, as they are printed there.
mkdir "$folder/readme"
cp bindings/c/example.c "$folder/readme/demo.c"
readme=$(cat bindings/c/README.md)
commands=$(awk '/^    cc / { on = 1 } /^$/ { on = 0 }
    on { sub(/^    /, ""); print }' <<<"$readme")
expected=(shared static static)
while IFS= read -r -d @ command; do
    [ -n "${command//[[:space:]]/}" ] || continue
    # $(run_readme ... -o PROGRAM): cc writes a.out.
    run_readme()
    {
        (cd "$folder/readme" && rm -f a.out && sh -ec "$command" && mv a.out "$2")
    }
    run "readme-c-${#expected[@]}" "${expected[0]}" run_readme
    expected=("${expected[@]:1}")
done < <(sed 's/^cc /@&/' <<<"$commands"; echo @)
[ ${#expected[@]} = 0 ] || fail "commands that the README has not"

# $(cmake_builds NAME LINKED-WITH PREFIX TARGET FIND...): a project in C and
# one in C++ that find the library, and link it, where CMake looks in PREFIX.
# CMake says itself where a program finds what it links: no LD_LIBRARY_PATH.
cmake_builds()
{
    local name=$1 linked=$2 from=$3 target=$4 language source
    shift 4
    for language in C CXX; do
        source=$folder/demo.cpp
        [ $language = CXX ] || source=$PWD/bindings/c/example.c
        mkdir -p "$folder/cmake/$name-$language"
        cat >"$folder/cmake/$name-$language/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(demo LANGUAGES $language)
set(CMAKE_CXX_STANDARD 17)
$(printf '%s\n' "$@")
add_executable(demo $source)
target_link_libraries(demo PRIVATE $target)
END
        case $language in C) language=c ;; *) language=c++ ;; esac
        run "cmake-$language-$name" "$linked" \
            build_with_cmake "$folder/cmake/$name-${source##*.}" "$from" \
            "$folder/cmake/$name-$([ $language = c ] && echo C || echo CXX)"
    done
}

# $(build_with_cmake BUILD PREFIX SOURCE -o PROGRAM)
build_with_cmake()
{
    cmake -S "$3" -B "$1" -DCMAKE_PREFIX_PATH="$2" -Wdev -Werror=dev &&
        cmake --build "$1" && cp "$1/demo" "$5"
} >"$folder/log" 2>&1

# $(cmake_finds PREFIX WHAT...): whether find_package(libcors WHAT) finds it.
cmake_finds()
{
    local from=$1
    shift
    rm -rf "$folder/cmake/find"
    mkdir -p "$folder/cmake/find"
    cat >"$folder/cmake/find/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.19)
project(find LANGUAGES NONE)
find_package(libcors $* CONFIG REQUIRED)
find_package(libcors $* CONFIG REQUIRED)
if(NOT libcors_VERSION STREQUAL "$version")
    message(FATAL_ERROR "libcors_VERSION is \${libcors_VERSION}")
endif()
END
    cmake -S "$folder/cmake/find" -B "$folder/cmake/find/build" \
        -DCMAKE_PREFIX_PATH="$from" >"$folder/log" 2>&1
}

# What a project of 0.1 asks for.
found_by=0.1
cmake_builds pkg-config shared "$prefix" PkgConfig::CORS \
    'find_package(PkgConfig REQUIRED)' \
    'pkg_check_modules(CORS REQUIRED IMPORTED_TARGET libcors)'
unset PKG_CONFIG_PATH
cmake_builds shared shared "$prefix" libcors::libcors \
    "find_package(libcors $found_by REQUIRED)"
cmake_builds archive static "$prefix" libcors::libcors_static \
    "find_package(libcors $found_by REQUIRED)"

readme_cmake=$(awk '/^```$/ { on = 0 } on { print } /^```cmake$/ { on = 1 }' \
    <<<"$readme")
grep -q 'find_package(libcors' <<<"$readme_cmake" || fail "CMake in the README"
mkdir "$folder/readme/cmake"
cat >"$folder/readme/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(server LANGUAGES C)
add_executable(server ../demo.c)
${readme_cmake/target_link/set_target_properties(server PROPERTIES OUTPUT_NAME demo)
target_link}
END
run readme-c-cmake shared build_with_cmake "$folder/readme/build" "$prefix" \
    "$folder/readme/cmake"

# The ABI only grows: what an earlier version was enough for is served.
IFS=. read -r major minor patch <<<"$version"
for asked in "" "$major" "$major.$minor" "$version" "$version EXACT" \
    "$version...<$((major + 9))" "$version...$version" 0.1 0.0.9
do
    cmake_finds "$prefix" $asked ||
        { cat "$folder/log" >&2; fail "CMake does not find version $asked"; }
done
others="$((major + 1)) $major.$((minor + 1)) $major.$minor.$((patch + 1))
    $((major + 1))...<$((major + 2)) 0.0.1...<$version"
for asked in $others "$major.$minor.$((patch + 1)) EXACT"; do
    ! cmake_finds "$prefix" $asked || fail "CMake finds version $asked"
done
ok "versions that CMake finds"

# What is installed may be moved, and a part of it may be missing.
mv "$prefix" "$folder/moved"
ln -s moved "$folder/linked"
for place in moved linked; do
    cmake_builds "$place" shared "$folder/$place" libcors::libcors \
        "find_package(libcors REQUIRED)"
done
mkdir "$folder/away"
mv "$folder"/moved/lib/libcors.so* "$folder/away"
cmake_builds archive-alone static "$folder/moved" libcors::libcors_static \
    "find_package(libcors REQUIRED)"
mv "$folder/moved/lib/libcors.a" "$folder/away"
! cmake_finds "$folder/moved" || fail "CMake finds libraries that are missing"
grep -q "there is no libcors.so.$version and no libcors.a in" "$folder/log" ||
    { cat "$folder/log" >&2; fail "CMake does not say what is missing"; }
mv "$folder"/away/* "$folder/moved/lib"
mv "$folder/moved" "$prefix"
ok "CMake finds what was moved"

make_as_root uninstall PREFIX="$prefix"
found=$(find "$prefix" ! -type d -o -name libcors)
[ -z "$found" ] || fail "not uninstalled: $found"
ok "uninstall"

# A package is staged: DESTDIR is in no file.
make_as_root install DESTDIR="$folder/stage" PREFIX=/usr \
    LIBDIR=/usr/lib/x86_64-linux-gnu
pc=$folder/stage/usr/lib/x86_64-linux-gnu/pkgconfig/libcors.pc
grep -q "$folder" "$pc" && fail "DESTDIR is in libcors.pc"
[ "$(PKG_CONFIG_PATH=${pc%/*} pkg-config --variable=libdir libcors)" \
    = /usr/lib/x86_64-linux-gnu ] || fail "LIBDIR is not in libcors.pc"
grep -q "$folder" "${pc%/pkgconfig/*}"/cmake/libcors/* &&
    fail "DESTDIR is in CMake's files"
cmake_builds staged shared "$folder/stage/usr" libcors::libcors \
    'set(CMAKE_LIBRARY_ARCHITECTURE x86_64-linux-gnu)' \
    "find_package(libcors REQUIRED)"
make_as_root uninstall DESTDIR="$folder/stage" PREFIX=/usr \
    LIBDIR=/usr/lib/x86_64-linux-gnu
found=$(find "$folder/stage" ! -type d)
[ -z "$found" ] || fail "not uninstalled: $found"
ok "DESTDIR"
