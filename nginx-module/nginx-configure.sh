# How nginx is built for tests: sourced by nginx-release.sh and
# nginx-for-tests.sh.
options=(
    --with-compat
    --with-debug
    --with-http_addition_module
    --with-http_auth_request_module
    --with-http_gunzip_module
    --with-http_realip_module
    --with-http_slice_module
    --with-http_ssl_module
    --with-http_sub_module
    --with-http_v2_module
)
module=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# configure TREE OBJECTS OPTION...
#
# Takes seconds, so it runs once for each tree, version and set of options.
configure() {
    local tree=$1 objects=$2 key
    shift 2
    set -- "${options[@]}" --builddir="$objects" "$@"
    key="$tree $(grep NGINX_VERSION "$tree/src/core/nginx.h") $*"
    if [[ $* == *"module=$module"* ]]; then
        key+=$(cat "$module/config")
    fi
    [ "$(cat "$objects.configured" 2>/dev/null)" = "$key" ] && return
    echo "Configuring nginx in ${objects#"$PWD"/}" >&2
    rm -rf "$objects" "$objects.configured"
    if ! (cd "$tree" && bash auto/configure "$@" >"$objects.log" 2>&1); then
        tail -n 20 "$objects.log" >&2
        exit 1
    fi
    printf '%s\n' "$key" >"$objects.configured"
}

# build TREE OBJECTS TARGET...
build() {
    make -s -j "$(nproc)" -C "$1" -f "$2/Makefile" "${@:3}" >"$2.log" 2>&1 ||
        { cat "$2.log" >&2; exit 1; }
}
