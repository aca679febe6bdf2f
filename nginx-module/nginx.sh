#!/usr/bin/env bash
# nginx.sh OUTPUT
#
# Finds an nginx and the source tree to build modules for it, and writes both
# to OUTPUT as the shell variables NGINX and NGINX_SRC.
#
# The nginx is $NGINX, else the one that is installed, else Debian's, unpacked
# beside OUTPUT: installing that package would start a web server. The source
# tree is $NGINX_SRC, else that of Debian's nginx-dev.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
output=$1
mkdir -p "$(dirname "$output")"
folder=$(cd "$(dirname "$output")" && pwd)
headers=/usr/share/nginx/src

say() { echo "$*" >&2; }

binary_version() { "$1" -v 2>&1 | sed -n 's|.*/\([0-9.]*\).*|\1|p'; }

source_version() {
    sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' \
        "$1/src/core/nginx.h" 2>/dev/null
}

# Debian packages, under $folder/debian.
unpack() {
    command -v apt-get >/dev/null || return 1
    "$here/../tools/unpack.sh" "$folder/debian" "$@"
}

# The source tree for nginx of version $1.
find_source() {
    local tree
    for tree in "$headers" "$folder/debian$headers"; do
        [ "$(source_version "$tree")" = "$1" ] && echo "$tree" && return
    done
    unpack nginx-dev && tree=$folder/debian$headers || return 1
    [ "$(source_version "$tree")" = "$1" ] && echo "$tree"
}

binary=${NGINX:-}
if [ -z "$binary" ]; then
    binary=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx || true)
fi
tree=${NGINX_SRC:-}

if [ -n "$tree" ]; then
    if [ -z "$(source_version "$tree")" ]; then
        say "NGINX_SRC=$tree is not a source tree of nginx"
        exit 1
    fi
    if [ -n "$binary" ] &&
        [ "$(binary_version "$binary")" != "$(source_version "$tree")" ]
    then
        say "NGINX_SRC=$tree is nginx $(source_version "$tree");" \
            "$binary is nginx $(binary_version "$binary")."
        [ -z "${NGINX:-}" ] || exit 1
        binary=
    fi
    if [ -z "$binary" ] && [ -z "${NGINX_INSTALLED:-}" ]; then
        say "Which nginx belongs to NGINX_SRC? Give it too, NGINX=file"
        exit 1
    fi
elif [ -n "$binary" ]; then
    version=$(binary_version "$binary")
    if ! tree=$(find_source "$version"); then
        if [ -n "${NGINX:-}" ] || [ -n "${NGINX_INSTALLED:-}" ]; then
            say "There is no Debian package nginx-dev for nginx $version:" \
                "give its source tree, NGINX_SRC=folder"
            exit 1
        fi
        say "nginx $version is installed, but there is no source for it." \
            "Debian's nginx is used instead."
        binary=
    fi
fi

if [ -z "$binary" ] && [ -z "${NGINX_SRC:-}" ]; then
    "$here/../tools/packages.sh" check nginx
    binary=$folder/debian/usr/sbin/nginx
    tree=$folder/debian$headers
    if ! [ -x "$binary" ] ||
        [ "$(binary_version "$binary")" != "$(source_version "$tree")" ]
    then
        unpack nginx nginx-dev || {
            say "No nginx is installed: install one, or set NGINX and NGINX_SRC"
            exit 1
        }
    fi
fi

cat >"$output" <<END
NGINX='$binary'
NGINX_SRC='$(cd "$tree" && pwd)'
END
