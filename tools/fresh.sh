#!/usr/bin/env bash
# fresh.sh [--nginx] [--keep] STEP...
#
# Runs steps on a machine that is new: a root of its own with nothing but the
# smallest Debian 12 and a clean clone of HEAD. Rust is the machine's own from
# rustup, read-only, with a new cargo home. The steps are:
#
#   demo     make demo, as the README has it, with DEMO_ONCE=1
#   test     make test, as the README has it
#   recipe   the README's way to a module in the installed nginx, and the one
#            in nginx-module/BUILDING.md
#   deb      the Debian package: built and installed as BUILDING.md says, then
#            used, removed and purged
#   'make …' any other command of make
#
# Commands and files come from the documents, as they are printed there. With
# --nginx the root has Debian's nginx. --keep leaves the root in place.
#
# Everything runs in namespaces of its own, so that mounts and processes are
# gone when this ends, whatever ends it. The root without any packages is kept
# under build/fresh/; remove that folder for a newer one.
set -euo pipefail

suite=bookworm
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$source/build/fresh
system_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
nginx=
keep=
while [[ ${1:-} == --* ]]; do
    case $1 in
        --nginx) nginx=1 ;;
        --keep) keep=1 ;;
        *) echo "unknown option $1" >&2; exit 2 ;;
    esac
    shift
done
root=$folder/root${nginx:+-nginx}
steps=("$@")
if [ $# = 0 ]; then
    echo "usage: fresh.sh [--nginx] [--keep]" \
        "demo|test|recipe|deb|'make TARGET'..." >&2
    exit 2
fi
for step in "${steps[@]}"; do
    [[ $step =~ ^(demo|test|recipe|deb|make\ .+)$ ]] || {
        echo "unknown step $step" >&2
        exit 2
    }
done

say() { printf '\n==> %s\n' "$*"; }

fail() { printf '\n==> FAILED: %s\n' "$*" >&2; exit 1; }

if [ "$(id -u)" != 0 ]; then
    fail "only root can make a root folder for a new machine"
fi
rustup=${RUSTUP_HOME:-$HOME/.rustup}
rust=$(dirname "$(command -v rustup || echo "$HOME/.cargo/bin/rustup")")
if ! [ -d "$rustup/toolchains" ] || ! [ -x "$rust/rustup" ]; then
    fail "rustup is needed: https://rustup.rs"
fi
"$source/tools/packages.sh" check fresh

# --- The root

# One run at a time: what another one left may be removed then.
mkdir -p "$folder"
exec 9>"$folder/lock"
flock -n 9 || { say "Waiting for another run"; flock 9; }
child=
finish() {
    set +e
    exec 8>&-
    if [ -n "$child" ]; then
        disown "$child"    # bash reports what it kills
        kill -KILL "$child" 2>/dev/null
        while kill -0 "$child" 2>/dev/null; do sleep 0.05; done
    fi
    wait
    if [ -n "$keep" ]; then
        say "Kept: $root"
        return
    fi
    # The last processes may still be on their way out.
    for _ in $(seq 50); do
        rm -rf "$root" "$root".{commands,checked,log} 2>/dev/null && return
        sleep 0.2
    done
    echo "$root cannot be removed" >&2
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command in namespaces, which end with this script.
confined() {
    local failed=0
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$@" \
        </dev/null 9>&- &
    child=$!
    wait "$child" || failed=$?
    child=
    return "$failed"
}

# Runs a file with commands, whose path is the root's own, as on the machine
# itself. With --offline it has a network of its own with a loopback device
# only: a server there meets nobody.
inside() {
    local network=() up=:
    if [ "$1" = --offline ]; then
        network=(--net)
        up="ip link set lo up"
        shift
    fi
    # shellcheck disable=SC2016
    confined "${network[@]}" bash -euc "$up"'
        root=$1
        mount -t proc proc "$root/proc"
        mount --rbind -o ro /sys "$root/sys"
        mount -t tmpfs -o mode=755 dev "$root/dev"
        for device in null zero full random urandom tty; do
            touch "$root/dev/$device"
            mount --bind "/dev/$device" "$root/dev/$device"
        done
        mkdir "$root/dev/pts" "$root/dev/shm"
        mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
        mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
        ln -s pts/ptmx "$root/dev/ptmx"
        ln -s /proc/self/fd "$root/dev/fd"
        for each in 0:stdin 1:stdout 2:stderr; do
            ln -s "/proc/self/fd/${each%:*}" "$root/dev/${each#*:}"
        done
        mount --bind -o ro "$2" "$root/root/.rustup"
        mount --bind -o ro "$3" "$root/root/.cargo/bin"
        mount --bind "$4" "$root/var/cache/apt/archives"
        cd /
        shift 4
        exec chroot "$root" env -i "$@"
        ' inside "$root" "$rustup" "$rust" "$folder/archives" \
        HOME=/root USER=root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        PATH="/root/.cargo/bin:$system_path" \
        "${proxies[@]}" bash -c "cd /root/libcors && . '$1'"
}

# What the machine needs to reach the network at all.
proxies=()
for each in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!each:-}" ] || proxies+=("$each=${!each}")
done

new_root() {
    if ! [ -e "$folder/$suite/complete" ]; then
        say "Debian $suite, by debootstrap"
        rm -rf "${folder:?}/$suite"
        mkdir -p "$folder/$suite"
        confined debootstrap --variant=minbase --include=sudo "$suite" \
            "$folder/$suite/root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} \
            >"$folder/$suite/log" 2>&1 || {
            tail -n 20 "$folder/$suite/log" >&2
            fail "debootstrap"
        }
        touch "$folder/$suite/complete"
    fi
    # Whoever the clone that this is in belongs to.
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
        GIT_CONFIG_VALUE_0='*'
    say "A new root, with the commit" \
        "$(git -C "$source" log -1 --format='%h (%s)')"
    rm -rf "$root"
    cp -a "$folder/$suite/root" "$root"
    mkdir -p "$folder/archives/partial" "$root/root/.rustup" \
        "$root/root/.cargo/bin" "$root/usr/local/share/ca-certificates"

    # The updates that every installed Debian has.
    sed -n '
        s|^\(deb .*\) \('"$suite"'\) .*|&\n\1 \2-updates main|p
        s|^\(deb .*/debian\)/* \('"$suite"'\) .*|\1-security \2-security main|p
        ' "$root/etc/apt/sources.list" >"$root.commands"
    cp "$root.commands" "$root/etc/apt/sources.list"
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' \
        "$(uname -n)" >"$root/etc/hosts"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"

    # How the machine reaches the registries; certificates of its network.
    if [ -d /usr/local/share/ca-certificates ]; then
        cp -R /usr/local/share/ca-certificates "$root/usr/local/share"
    fi
    for each in /etc/apt/apt.conf.d/*proxy* /etc/pip.conf \
        "$HOME/.cargo/config.toml" "$HOME/.config/pip/pip.conf"
    do
        if [ -e "$each" ]; then
            mkdir -p "$root/$(dirname "${each/#$HOME//root}")"
            cp "$each" "$root/${each/#$HOME//root}"
        fi
    done

    # Nobody is there to answer questions. No service may start: where nginx
    # is installed, its package asks for one, and nothing else should.
    cat >"$root/etc/apt/apt.conf.d/90fresh" <<END
APT::Get::Assume-Yes "true";
END
    cat >"$root/usr/sbin/policy-rc.d" <<'END'
#!/bin/sh
echo "$*" >>/root/services
exit 101
END
    chmod +x "$root/usr/sbin/policy-rc.d"

    git clone -q --no-hardlinks "$source" "$root/root/libcors"
    git -C "$root/root/libcors" -c advice.detachedHead=false checkout -q \
        "$(git -C "$source" rev-parse HEAD)"
    section README.md "Try it" | grep '^sudo ' >"$root.commands" ||
        fail "README.md does not say what to install from Debian"
    say "What the README says to install"
    commands
    if [ -n "$nginx" ]; then
        say "Debian's nginx, as it was on this machine before"
        echo 'DEBIAN_FRONTEND=noninteractive apt-get install nginx' \
            >"$root.commands"
        quietly
    fi
    rm -f "$root/root/services"
}

# --- Documents

# The commands of a section: its lines that are indented as code. The second
# argument is the start of the heading.
section() {
    awk -v heading="$2" '
        /^ *```/ { fenced = !fenced; next }
        /^#/ && !fenced {
            inside = index($0, " " heading) == index($0, " ")
            next
        }
        inside && !fenced && /^    / { print substr($0, 5) }
        ' "$root/root/libcors/$1" | sed 's/^   \([^ ]\)/\1/'
}

# A fenced block: document, language, heading.
block() {
    awk -v language="$2" -v heading="$3" '
        /^#/ && !fenced {
            inside = index($0, " " heading) == index($0, " ")
            next
        }
        /^```/ { fenced = !fenced; wanted = $0 == "```" language; next }
        inside && wanted && fenced
        ' "$root/root/libcors/$1"
}

# --- Steps

# Runs what is in $root.commands, and shows each command before.
commands() {
    local options=()
    if [ "${1:-}" = --offline ]; then
        options=(--offline)
    fi
    [ -s "$root.commands" ] || fail "there are no commands in the document"
    sed 's/^/    /' "$root.commands"
    {
        echo 'set -euo pipefail'
        cat "$root.commands"
    } >"$root/root/commands"
    inside "${options[@]}" /root/commands
}

# As commands does, with a copy of the output in $root.checked.
shown() {
    local tee
    exec 8> >(exec tee "$root.checked")
    tee=$!
    commands "$@" >&8 2>&1
    exec 8>&-
    wait "$tee"
}

quietly() {
    commands "$@" >"$root.log" 2>&1 || {
        tail -n 40 "$root.log" >&2
        return 1
    }
}

started=$SECONDS
step() {
    say "[$((SECONDS - started)) s] $1${nginx:+ (with nginx installed)}"
}

# One command of the README's section "Try it", with the rest of its line.
try_it() {
    section README.md "Try it" | grep -m 1 "^$1\b" >"$root.commands" ||
        fail "README.md has no command '$1'"
}

# What make installs must not start servers. Chromium's libraries depend on the
# message bus, which most machines run anyway, and on a socket directory of X.
no_services() {
    [ -e "$root/root/services" ] || return 0
    ! grep -vE '^(dbus|x11-common) ' "$root/root/services" >&2 ||
        fail "a package that was installed asks for a service"
}

demo() {
    step "make demo"
    try_it "make demo"
    sed -i '1i export DEMO_ONCE=1' "$root.commands"
    shown
    grep -q '^HTTP/1.1 204 ' "$root.checked" ||
        fail "make demo shows no answer to a preflight"
    grep -q 'preflight_refused origin_not_allowed' "$root.checked" ||
        fail "make demo shows no access log"
}

tests() {
    step "make test"
    try_it "make test"
    commands
}

any() {
    step "$1"
    printf '%s\n' "$1" >"$root.commands"
    commands
}

# The README's way to a module, in a server of its own network.
recipe() {
    [ -n "$nginx" ] || fail "the step recipe needs --nginx"
    step "The README's nginx"
    section README.md nginx >"$root.commands"
    commands
    block README.md json nginx >"$root/etc/nginx/cors.json"
    cp "$root/etc/nginx/nginx.conf" "$root/root/nginx.conf"
    block README.md nginx nginx >"$root/etc/nginx/nginx.conf"
    use_module
    cp "$root/root/nginx.conf" "$root/etc/nginx/nginx.conf"

    step "BUILDING.md's: the module goes where nginx -V says"
    rm -r "$root/usr/lib/nginx/modules"
    section nginx-module/BUILDING.md "nginx.org" |
        # The source of an nginx that Debian does not have.
        grep -v -e nginx.org -e '^tar ' -e NGINX_SRC= -e '^load_module ' \
            >"$root.commands"
    commands
    sed -i '1i load_module modules/ngx_http_cors_module.so;' \
        "$root/etc/nginx/nginx.conf"
    echo nginx -t >"$root.commands"
    commands
}

# nginx.conf as it is now answers the preflight that the README is about.
use_module() {
    cat >"$root.commands" <<'END'
nginx -t
nginx
curl -sS -i -X OPTIONS -H "Origin: https://pr.example.org" \
    -H "Access-Control-Request-Method: PUT" http://127.0.0.1/api/items
nginx -s quit
END
    shown --offline
    grep -q '^HTTP/1.1 204 ' "$root.checked" &&
        grep -qi '^access-control-allow-origin: https://pr.example.org' \
            "$root.checked" ||
        fail "nginx does not answer the preflight"
}

deb() {
    step "make deb"
    section nginx-module/BUILDING.md "Debian's nginx" |
        grep '^make ' >"$root.commands"
    commands
    no_services
    step "The package is installed"
    section nginx-module/BUILDING.md "Debian's nginx" |
        grep '^apt-get ' >"$root.commands"
    commands
    step "The package's own test: nginx -t, requests, a bad policy, removal"
    echo 'debian/tests/module' >"$root.commands"
    commands --offline
    step "Purged"
    cat >"$root.commands" <<'END'
ls /etc/nginx/modules-enabled
dpkg --purge libnginx-mod-http-cors
nginx -t
left=$(find /etc /usr/lib /usr/share -path '*nginx*' -name '*cors*')
test -z "$left" || { echo "left behind: $left" >&2; exit 1; }
END
    commands
    # By now nginx has asked for its service: with the module it was installed,
    # or the module had it reload.
    rm -f "$root/root/services"
}

# Read as a whole, since it may be edited while it runs.
{
    new_root
    for step in "${steps[@]}"; do
        case $step in
            test) tests ;;
            make*) any "$step" ;;
            *) "$step" ;;
        esac
        no_services
    done
    step "passed: ${steps[*]}"
    exit
}
