#!/usr/bin/env bash
# nginx-suite.sh OUTPUT SOURCE_TREE
#
# Builds an nginx for its own test suite in OUTPUT, nginx/nginx, with the
# modules that the suite tests, and the cors module for it,
# nginx/ngx_http_cors_module.so. The tree is a whole one, as that of
# nginx-release.sh.
set -euo pipefail

module=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
output=$(cd "$1" && pwd)
tree=$(cd "$2" && pwd)

"$module/packages.sh" cc=gcc make=make libc6-dev libgd-dev libpcre2-dev \
    libssl-dev libxslt1-dev zlib1g-dev

. "$module/nginx-options.sh"
options+=(
    --builddir="$output/nginx"
    --with-cc-opt=-O1
    --with-threads
    --with-http_{dav,degradation,flv,gzip_static,image_filter,mp4}_module
    --with-http_{random_index,secure_link,slice,stub_status,v3,xslt}_module
    --with-mail
    --with-mail_ssl_module
    --with-stream
    --with-stream_{realip,ssl,ssl_preread}_module
    --add-dynamic-module="$module"
)

# configure takes seconds: once for each version and set of options.
key="$tree $(grep NGINX_VERSION "$tree/src/core/nginx.h") ${options[*]}
$(cat "$module/config")"

if [ "$(cat "$output/configured" 2>/dev/null)" != "$key" ]; then
    echo "Building nginx with the modules of its test suite" >&2
    rm -rf "$output/nginx" "$output/configured"
    if ! (cd "$tree" && bash auto/configure "${options[@]}" \
        >"$output/configure.log" 2>&1)
    then
        tail -n 20 "$output/configure.log" >&2
        exit 1
    fi
    printf '%s\n' "$key" >"$output/configured"
fi

make -s -j "$(nproc)" -C "$tree" -f "$output/nginx/Makefile" binary modules \
    >"$output/make.log" 2>&1 || { cat "$output/make.log" >&2; exit 1; }
