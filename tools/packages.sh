#!/usr/bin/env bash
# packages.sh check GROUP...
# packages.sh install GROUP...
#
# Whether the Debian packages of these groups are installed, and what is
# missing. `make deps` installs: it lists the missing packages, asks (not with
# YES=1, nor if its input is no terminal), and calls apt-get once. Nothing else
# here installs anything. None of these packages starts a service.
set -euo pipefail

# A package is needed
#   COMMAND=PACKAGE         if there is no such command
#   python:MODULE=PACKAGE   if the first Python in the path lacks the module
#   PACKAGE                 if neither it nor one that provides it is installed
# and @GROUP stands for what another group needs.
declare -A groups=(
    # What make test needs, and what the longer tests and the packages need.
    [test]="@demo @lint @cli @nginx-tests @c @cpp @abi @install @examples
        @fuzz @apache-tests @python @browsers"
    [all]="@test @clang @all-browsers @suite @bench @deb @cargo-c @fresh"

    [demo]="@nginx curl=curl"
    [rust]="cc=gcc libc6-dev"
    [lint]="@rust python:ensurepip=python3-venv"
    [cli]="@rust openssl=openssl"
    [fuzz]="@rust g++=g++"

    [module]="@rust make=make libpcre2-dev zlib1g-dev"
    # Debian's nginx, which is unpacked and not installed, links these.
    [nginx]="@module libpcre2-8-0 libssl3 zlib1g"
    # libgd3 and libxslt1.1 are for other modules, libssl-dev for a newer nginx.
    [nginx-tests]="@demo @pytest nm=binutils libgd3 libssl-dev libxslt1.1
        node=nodejs valgrind=valgrind"
    [suite]="@module ip=iproute2 libcryptx-perl libfcgi-perl libgd-dev
        libio-socket-ssl-perl libssl-dev libxslt1-dev perl=perl
        python3=python3 unshare=util-linux"
    [deb]="@module debhelper dpkg-dev libssl-dev"

    [c]="@rust g++=g++ libjansson-dev valgrind=valgrind"
    [cpp]="@rust g++=g++ nlohmann-json3-dev valgrind=valgrind"
    [clang]="@c @cpp clang=clang"
    [abi]="@rust abidiff=abigail-tools"
    [install]="@rust cmake=cmake g++=g++ pkg-config=pkg-config
        readelf=binutils"
    [cargo-c]="@rust libssl-dev pkg-config=pkg-config"
    [examples]="@rust @pytest g++=g++ libcpp-httplib-dev libmicrohttpd-dev
        pkg-config=pkg-config"
    [apache]="@rust apxs=apache2-dev"
    # Not apache2, which would start a server.
    [apache-tests]="@apache @pytest apache2-bin node=nodejs valgrind=valgrind"
    [pytest]="curl=curl python:pytest=python3-pytest"
    [python]="@rust python:ensurepip=python3-venv"
    [browsers]="@nginx chromium=chromium fonts-dejavu-core ip=iproute2
        node=nodejs npm=npm openssl=openssl python3=python3"
    [all-browsers]="@browsers firefox-esr=firefox-esr libwebkit2gtk-4.1-0
        WebKitWebDriver=webkit2gtk-driver Xvfb=xvfb"
    [bench]="@nginx libjansson-dev python:ensurepip=python3-venv
        valgrind=valgrind wrk=wrk"
    [fresh]="debootstrap=debootstrap git=git ip=iproute2 setpriv=util-linux
        unshare=util-linux"
)
# Debian has the shared library that PyInstaller asks for apart from Python. This
# package depends on it, whatever the version of a Python that is still to come.
case $(command -v python3) in /usr/bin/* | "")
    groups[python]+=" libpython3-dev" ;;
esac

expand() {
    local word
    for word in ${groups[$1]?"$1 is not a group of packages"}; do
        case $word in
            @*) expand "${word#@}" ;;
            *) echo "$word" ;;
        esac
    done
}

installed=
if command -v dpkg-query >/dev/null; then
    installed=$(dpkg-query -W \
        -f '${db:Status-Status} ${Package}, ${Provides}\n' |
        sed -n 's/^installed //p' | sed 's/([^)]*)//g' | tr -s ', ' '\n')
fi

is_there() {
    case $1 in
        python:*=*)
            local module=${1#python:}
            # tools/pytest.sh takes Debian's Python if the first has no pytest.
            python3 -c "import ${module%%=*}" 2>/dev/null ||
                { [ "${module%%=*}" = pytest ] &&
                    /usr/bin/python3 -c "import pytest" 2>/dev/null; } ;;
        *=*) command -v "${1%%=*}" >/dev/null ;;
        # Without dpkg there is no way to tell, but the build will.
        *) [ -z "$installed" ] || grep -qxF "$1" <<<"$installed" ;;
    esac
}

what=$1
case $what in
    check | install) shift ;;
    *) echo "usage: packages.sh check|install GROUP..." >&2; exit 2 ;;
esac
words=$(for group in "$@"; do expand "$group"; done | sort -u)
missing=()
for word in $words; do
    is_there "$word" || missing+=("${word#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if ! command -v apt-get >/dev/null; then
    echo "Missing, by their names in Debian: ${missing[*]}" >&2
    exit 1
fi
if [ "$what" = check ]; then
    echo "Missing Debian packages: ${missing[*]}" >&2
    echo "Run: make deps FOR='$*'" >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing Debian packages: ${missing[*]}" >&2
        echo "Run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "Debian packages to install: ${missing[*]}" >&2
case " $* " in *" test "*|*" all "*)
    echo "Below build/ only: Python, npm and Debian packages for tests" >&2 ;;
esac
if [ -z "${YES:-}" ] && [ -t 0 ]; then
    read -r -p "Install them? [Y/n] " answer
    case $answer in [Nn]*) exit 1 ;; esac
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A new machine may be updating itself, so this waits for its lock.
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" >"$log" 2>&1
}

# If it fails, the lists of packages may be missing or old.
if ! install; then
    "${as_root[@]}" apt-get update -qq >&2
    install || { cat "$log" >&2; exit 1; }
fi
