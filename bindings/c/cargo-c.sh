#!/usr/bin/env bash
# cargo-c.sh FOLDER: whether `cargo cinstall` and `make install` come to the
# same, but for the bytes of the libraries, the files for CMake, and
# libcors.so.0.1, which old programs ask for.
set -euo pipefail

cd "$(dirname "$0")/../.."
rm -rf "$1/make" "$1/cargo"
mkdir -p "$1"
folder=$(cd "$1" && pwd)

make --no-print-directory install DESTDIR="$folder/make" PREFIX=/usr \
    COMMAND= >/dev/null
cargo cinstall --release --target-dir "$folder/target" \
    --destdir "$folder/cargo" --prefix /usr --libdir lib

# Every file, what a link points to, the soname, and what libcors.pc comes to.
# rustc's -lgcc_s is what make install leaves out of it.
describe()
{
    cd "$folder/$1/usr"
    find . ! -type d ! -path './lib/cmake/*' ! -name libcors.so.0.1 -printf '%P %l\n' | LC_ALL=C sort
    readelf -d lib/libcors.so | grep -o 'soname:.*'
    export PKG_CONFIG_PATH=$PWD/lib/pkgconfig
    pkg-config --modversion libcors
    pkg-config --static --define-prefix --cflags --libs libcors |
        sed "s|$folder/$1||g; s/-lgcc_s //; s|/usr/lib/pkgconfig/[./]*|/usr|g"
    cat include/*
}

diff <(describe make) <(describe cargo)
echo "ok cargo cinstall installs what make install does"
