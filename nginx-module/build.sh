#!/usr/bin/env bash
# build.sh SOURCE_TREE [NGINX]
#
# Builds build/ngx_http_cors_module.so from an nginx source tree, of which
# nothing is changed. NGINX_CONFIGURE holds more options for its configure:
# an nginx that was built without --with-compat needs those that its own
# "nginx -V" shows.
set -euo pipefail

cd "$(dirname "$0")"
module=$PWD
tree=$(cd "$1" && pwd)
nginx=${2:-}
copy=$module/build/nginx

./packages.sh cc=gcc make=make libc6-dev libpcre2-dev zlib1g-dev

options=(
    --with-compat
    --with-cc-opt="-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2"
    --with-ld-opt="-Wl,-z,relro -Wl,-z,now"
    --add-dynamic-module="$module"
)
if [ -n "$nginx" ] && "$nginx" -V 2>&1 | grep -q -- --with-debug; then
    options+=(--with-debug)
fi
# shellcheck disable=SC2206    # options are words
options+=(${NGINX_CONFIGURE:-})

# configure takes seconds: once for each tree, version and set of options.
key="$tree $(grep NGINX_VERSION "$tree/src/core/nginx.h") ${options[*]}
$(cat config) ${CORS_INC:-} ${CORS_LIB:-}"

if [ "$(cat build/configured 2>/dev/null)" != "$key" ]; then
    rm -rf "$copy" build/configured
    mkdir -p "$copy"
    cp -R "$tree/auto" "$tree/src" "$copy"
    # A release has configure at its root, a checkout in auto/.
    configure=auto/configure
    if [ -e "$tree/configure" ]; then
        cp "$tree/configure" "$copy"
        configure=./configure
    fi
    if ! (cd "$copy" && bash "$configure" "${options[@]}" >configure.log 2>&1)
    then
        tail -n 20 "$copy/configure.log" >&2
        exit 1
    fi
    printf '%s\n' "$key" >build/configured
fi

make -s -C "$copy" -f objs/Makefile modules
# Not in place: an nginx that runs with the old file would crash.
cp "$copy/objs/ngx_http_cors_module.so" build/new.so
mv build/new.so build/ngx_http_cors_module.so
