#!/usr/bin/env bash
# nginx-release.sh OUTPUT [static]
#
# Builds a newer nginx than Debian's, under the folder of OUTPUT, and writes
# the binary and its source tree to OUTPUT as the shell variables NGINX and
# NGINX_SRC. With "static" the cors module is built into the binary.
#
# The source is that of the crate nginx-src, where the nginx project publishes
# it for modules in Rust; nothing of the crate itself is compiled. A second run
# builds only what has changed.
set -euo pipefail

crate=1.28.5+1.28.3    # its own version, and that of nginx
module=$(cd "$(dirname "$0")" && pwd)
. "$module/nginx-options.sh"
options+=(--with-cc-opt=-O1)
mkdir -p "$(dirname "$1")"
output=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$(dirname "$output")/${crate#*+}

# The folder of the crate's source, wherever cargo keeps it.
crate_source() {
    local package=$folder/crate
    mkdir -p "$package"
    cat >"$package/Cargo.toml" <<END
[package]
name = "nginx-release"
version = "0.0.0"
edition = "2021"

[lib]
path = "/dev/null"

[dependencies]
nginx-src = "=${crate%+*}"

[workspace]
END
    cargo metadata --quiet --format-version 1 \
        --manifest-path "$package/Cargo.toml" |
        tr '"' '\n' | sed -n 's|/Cargo.toml$||; /\/nginx-src-[^/]*$/p' |
        head -n 1
}

# configure takes seconds: once for each set of options.
configure() {
    local objects=$folder/$1 key
    shift
    key="${options[*]} $* ${1:+$(cat "$module/config")}"
    [ "$(cat "$objects.configured" 2>/dev/null)" = "$key" ] && return
    rm -f "$objects.configured"
    if ! (cd "$folder/source" && bash auto/configure "${options[@]}" \
        --builddir="$objects" "$@" >"$objects.log" 2>&1)
    then
        tail -n 20 "$objects.log" >&2
        exit 1
    fi
    printf '%s\n' "$key" >"$objects.configured"
}

build() {
    make -s -j "$(nproc)" -C "$folder/source" -f "$folder/$1/Makefile" \
        >"$folder/$1.log" 2>&1 || { cat "$folder/$1.log" >&2; exit 1; }
}

if [ -z "$(find "$folder/source" -name nginx.h 2>/dev/null)" ]; then
    tree=$(crate_source)
    rm -rf "$folder/new"
    mkdir "$folder/new"
    cp -R "$tree"/nginx/{auto,conf,docs,src} "$folder/new"
    rm -rf "$folder/source"
    mv "$folder/new" "$folder/source"
fi

if ! [ -x "$folder/nginx/nginx" ] || ! [ -e "$folder/nginx.configured" ]; then
    "$module/packages.sh" cc=gcc make=make libc6-dev libpcre2-dev \
        libssl-dev zlib1g-dev
    echo "Building nginx ${crate#*+}" >&2
fi
configure nginx
build nginx
binary=$folder/nginx/nginx

if [ "${2:-}" = static ]; then
    # Starts with the objects of the nginx above: but for the configure line
    # its configuration is the same, which make cannot know.
    if ! [ -e "$folder/static.configured" ]; then
        rm -rf "$folder/static"
        cp -a "$folder/nginx" "$folder/static"
        rm "$folder/static/src/core/nginx.o"    # nginx -V
    fi
    configure static --add-module="$module"
    for header in ngx_auto_config.h ngx_auto_headers.h; do
        if cmp -s <(grep -v NGX_CONFIGURE "$folder/nginx/$header") \
            <(grep -v NGX_CONFIGURE "$folder/static/$header")
        then
            touch -r "$folder/nginx/$header" "$folder/static/$header"
        fi
    done
    build static
    binary=$folder/static/nginx
fi

cat >"$output" <<END
NGINX='$binary'
NGINX_SRC='$folder/source'
END
