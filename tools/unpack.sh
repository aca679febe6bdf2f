#!/usr/bin/env bash
# unpack.sh FOLDER PACKAGE...
#
# Downloads Debian packages and unpacks them in FOLDER; nothing is installed.
set -euo pipefail

mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
echo "Unpacking Debian packages in ${folder#"$PWD"/}: $*" >&2
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
cd "$packages"
if ! apt-get download -qq "$@" >log 2>&1; then
    # The lists of packages are missing or old.
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq >&2
    apt-get download -qq "$@" >log 2>&1 || { cat log >&2; exit 1; }
fi
for package in ./*.deb; do
    dpkg -x "$package" "$folder"
done
