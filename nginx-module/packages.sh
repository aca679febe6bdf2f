#!/usr/bin/env bash
# packages.sh [COMMAND=]PACKAGE...
#
# Installs the Debian packages that are missing, after it has named them.
# With COMMAND= a package is only missing where there is no such command.
# Elsewhere than on Debian it only says what is missing. No service is
# started: none of the packages that the Makefile asks for has one.
set -euo pipefail

missing=()
for word in "$@"; do
    package=${word#*=}
    if [ "$package" != "$word" ]; then
        command -v "${word%%=*}" >/dev/null && continue
    elif command -v dpkg-query >/dev/null; then
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>&1) &&
            [ "$status" = installed ] && continue
    else
        continue    # no way to tell: the build will
    fi
    missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "These are needed (by their names in Debian): ${missing[*]}" >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "These Debian packages are needed: ${missing[*]}" >&2
        echo "Run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# A new machine may be updating itself just then: that is waited for.
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" >"$log" 2>&1
}

echo "Installing Debian packages: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The lists of packages are fetched only where they are missing or old.
if ! install; then
    "${as_root[@]}" apt-get update -qq >&2
    install || { cat "$log" >&2; exit 1; }
fi
