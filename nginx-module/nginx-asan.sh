#!/usr/bin/env bash
# nginx-asan.sh OUTPUT SOURCE_TREE
#
# Builds nginx and the cors module with AddressSanitizer in OUTPUT: nginx/nginx
# and nginx/ngx_http_cors_module.so. The tree is a whole one, as that of
# nginx-release.sh; Debian's nginx-dev has no more than headers. What is in
# libcors.a is not instrumented, but its allocations are watched, and what it
# hands to the C functions that copy and compare.
set -euo pipefail

module=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
output=$(cd "$1" && pwd)
tree=$(cd "$2" && pwd)

"$module/packages.sh" cc=gcc make=make libc6-dev libpcre2-dev libssl-dev \
    zlib1g-dev

. "$module/nginx-options.sh"
options+=(
    --builddir="$output/nginx"
    --with-cc-opt="-O1 -g -fsanitize=address -fno-omit-frame-pointer"
    --with-ld-opt=-fsanitize=address
    --add-dynamic-module="$module"
)

# configure takes seconds: once for each version and set of options.
key="$tree $(grep NGINX_VERSION "$tree/src/core/nginx.h") ${options[*]}
$(cat "$module/config")"

if [ "$(cat "$output/configured" 2>/dev/null)" != "$key" ]; then
    echo "Building nginx with AddressSanitizer" >&2
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
