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
. "$(dirname "$0")/nginx-configure.sh"
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

if [ -z "$(find "$folder/source" -name nginx.h 2>/dev/null)" ]; then
    tree=$(crate_source)
    rm -rf "$folder/new"
    mkdir "$folder/new"
    cp -R "$tree"/nginx/{auto,conf,docs,src} "$folder/new"
    rm -rf "$folder/source"
    mv "$folder/new" "$folder/source"
fi

"$module/../tools/packages.sh" check nginx-tests
tree=$folder/source
configure "$tree" "$folder/nginx"
build "$tree" "$folder/nginx"
binary=$folder/nginx/nginx

if [ "${2:-}" = static ]; then
    configure "$tree" "$folder/static" --add-module="$module"
    # Starts with the objects of the nginx above: but for the configure line
    # its configuration is the same, which make cannot know.
    if ! [ -e "$folder/static/nginx" ]; then
        cp -a -n "$folder/nginx/." "$folder/static"
        rm "$folder/static/src/core/nginx.o"    # nginx -V
    fi
    for header in ngx_auto_config.h ngx_auto_headers.h; do
        if cmp -s <(grep -v NGX_CONFIGURE "$folder/nginx/$header") \
            <(grep -v NGX_CONFIGURE "$folder/static/$header")
        then
            touch -r "$folder/nginx/$header" "$folder/static/$header"
        fi
    done
    build "$tree" "$folder/static"
    binary=$folder/static/nginx
fi

cat >"$output" <<END
NGINX='$binary'
NGINX_SRC='$tree'
END
