#!/usr/bin/env bash
# build.sh SOURCE_TREE [NGINX [OUTPUT]]
#
# Builds ngx_http_cors_module.so in OUTPUT (build/ beside this file) from an
# nginx source tree, of which nothing is changed, and has NGINX load it, where
# that is given. NGINX_CONFIGURE holds the options for configure in place of
# --with-compat: BUILDING.md says when that is needed. With CORS_FAULTS=1 it is
# a module for tests, whose allocations can fail: tests/faults.h.
set -euo pipefail

module=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$1" && pwd)
nginx=${2:-}
mkdir -p "${3:-$module/build}"
build=$(cd "${3:-$module/build}" && pwd)
copy=$build/nginx
result=$build/ngx_http_cors_module.so

"$module/../tools/packages.sh" check module

options=(
    --with-cc-opt="-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2"
    --with-ld-opt="-Wl,-z,relro -Wl,-z,now"
    --add-dynamic-module="$module"
)
if [ -n "$nginx" ] && "$nginx" -V 2>&1 | grep -q -- --with-debug; then
    options+=(--with-debug)
fi
if [ -n "${NGINX_CONFIGURE:-}" ]; then
    # As nginx -V shows them, with a shell's quotes; without other modules.
    mapfile -t more < <(xargs printf '%s\n' <<<"$NGINX_CONFIGURE" |
        grep -v -e '^--add-' -e '=dynamic$')
    options+=("${more[@]}" --builddir=objs)
else
    options+=(--with-compat)
fi

# configure takes seconds: once for each tree, version and set of options.
key="$tree $(grep NGINX_VERSION "$tree/src/core/nginx.h") ${options[*]}
$(cat "$module/config") ${CORS_INC:-} ${CORS_LIB:-}
${CORS_FAULTS:+$(cat "$module/tests/faults.h")}"

if [ "$(cat "$build/configured" 2>/dev/null)" != "$key" ]; then
    rm -rf "$copy" "$build/configured"
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
    printf '%s\n' "$key" >"$build/configured"
fi

make -s -C "$copy" -f objs/Makefile modules \
    ${CORS_FAULTS:+"CC=cc -include $module/tests/faults.h"}

if [ -n "$nginx" ]; then
    # Modules are loaded by nginx -t too.
    try=$(mktemp -d)
    trap 'rm -rf "$try"' EXIT
    cat >"$try/nginx.conf" <<END
load_module "$copy/objs/ngx_http_cors_module.so";
pid "$try/pid";
error_log stderr;
events {}
END
    # It may refuse the rest, where its user or its folders are missing.
    if ! "$nginx" -t -p "$try" -c "$try/nginx.conf" >"$try/log" 2>&1 &&
        grep -F ngx_http_cors_module.so "$try/log" >&2
    then
        cat >&2 <<END

The module was built from $tree,
but this nginx does not load it: $nginx
It has to be built from the sources and with the options of that nginx:

$("$nginx" -V 2>&1 | grep -e '^nginx version' -e '^configure arguments')

nginx-module/BUILDING.md says how.
END
        exit 1
    fi
fi

# Not in place: an nginx that runs with the old file would crash.
cp "$copy/objs/ngx_http_cors_module.so" "$build/new.so"
mv "$build/new.so" "$result"
