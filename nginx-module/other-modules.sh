#!/usr/bin/env bash
# other-modules.sh NGINX FOLDER
#
# Unpacks Debian's headers-more, image-filter, lua and xslt modules, and what
# lua needs, in FOLDER, where NGINX is Debian's and of their version. To install
# them would put them into the configuration of an nginx that runs. Writes the
# folder to its output, or nothing and the reason to its errors.
set -euo pipefail

nginx=$1
packages=(
    libnginx-mod-http-headers-more-filter
    libnginx-mod-http-image-filter
    libnginx-mod-http-lua
    libnginx-mod-http-ndk
    libnginx-mod-http-xslt-filter
    libluajit2-5.1-2
    libpcre3
    lua-resty-core
    lua-resty-lrucache
)

version=$("$nginx" -v 2>&1 | sed -n 's|.*/\([0-9.]*\).*|\1|p')

# Debian's package says for which nginx it was built: nginx-abi-1.22.1-7.
needs() {
    apt-cache depends libnginx-mod-http-lua 2>/dev/null |
        sed -n 's/.*nginx-abi-\([0-9.]*\)-.*/\1/p' | head -n 1
}

if ! command -v apt-get >/dev/null ||
    ! "$nginx" -V 2>&1 | grep -q -- --modules-path=/usr/lib/nginx/modules
then
    echo "Without other modules: this nginx is not Debian's" >&2
    exit
fi
if [ "$(needs)" != "$version" ]; then
    echo "Without other modules: Debian's are for nginx" \
        "$(needs), this is $version" >&2
    exit
fi

# Libraries of image-filter and xslt.
"$(dirname "$0")/../tools/packages.sh" check nginx-tests

mkdir -p "$2"
folder=$(cd "$2" && pwd)
key="$version ${packages[*]}"
if [ "$(cat "$folder/unpacked" 2>/dev/null)" != "$key" ]; then
    rm -rf "$folder"
    "$(dirname "$0")/../tools/unpack.sh" "$folder" "${packages[@]}"
    printf '%s\n' "$key" >"$folder/unpacked"
fi
echo "$folder"
