#!/usr/bin/env bash
# nginx-for-tests.sh asan|suite OUTPUT SOURCE_TREE
#
# Builds nginx and the cors module in OUTPUT: nginx/nginx and
# nginx/ngx_http_cors_module.so. With "asan" both have AddressSanitizer. The
# code in libcors.a is not instrumented, but its allocations are watched, and so
# is what it passes to the C functions that copy and compare. With "suite" nginx
# has the modules that its own test suite tests.
#
# The tree is a complete one, such as that of nginx-release.sh; Debian's
# nginx-dev only has headers.
set -euo pipefail

. "$(dirname "$0")/nginx-configure.sh"
mkdir -p "$2"
objects=$(cd "$2" && pwd)/nginx
tree=$(cd "$3" && pwd)

case $1 in
    asan)
        "$module/../tools/packages.sh" check nginx-tests
        options+=(
            --with-cc-opt="-O1 -g -fsanitize=address -fno-omit-frame-pointer"
            --with-ld-opt=-fsanitize=address
        )
        ;;
    suite)
        "$module/../tools/packages.sh" check suite
        options+=(
            --with-cc-opt=-O1
            --with-threads
            --with-http_{dav,degradation,flv,gzip_static,image_filter}_module
            --with-http_{mp4,random_index,secure_link,stub_status}_module
            --with-http_{v3,xslt}_module
            --with-mail
            --with-mail_ssl_module
            --with-stream
            --with-stream_{realip,ssl,ssl_preread}_module
        )
        ;;
esac

configure "$tree" "$objects" --add-dynamic-module="$module"
build "$tree" "$objects" binary modules
