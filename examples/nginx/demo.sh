#!/usr/bin/env bash
# demo.sh NGINX MODULE FOLDER [PORT]
#
# Runs nginx.conf of this folder, shows requests and answers, and serves until
# Ctrl-C; with DEMO_ONCE=1 it stops after showing them. FOLDER takes nginx's
# own files, and the configuration with another PORT than 8080.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
nginx=$1
module=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
mkdir -p "$3/temp"
folder=$(cd "$3" && pwd)
port=${4:-8080}
site=http://127.0.0.1:$port

if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
    echo "PORT must be a number between 1 and 65535, not '$port'" >&2
    exit 1
fi

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

other=$((port < 65535 ? port + 1 : 8080))
other="use another one, such as: make demo PORT=$other"
if listens; then
    echo "port $port on 127.0.0.1 is already in use; $other" >&2
    exit 1
fi
cp "$here/cors.json" "$folder"
sed "s/127\.0\.0\.1:8080/127.0.0.1:$port/" "$here/nginx.conf" \
    >"$folder/nginx.conf"

"$nginx" -p "$folder" -e stderr -c "$folder/nginx.conf" \
    -g "load_module $module; daemon off; pid $folder/nginx.pid;" &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    listens && break
    if ! kill -0 $server 2>/dev/null; then
        echo "nginx did not start; if it cannot have port $port, $other" >&2
        exit 1
    fi
    sleep 0.05
done

# Shows a command as one would type it, and runs it.
show() {
    echo
    echo "### $1"
    shift
    printf '$ curl -i'
    for word in "$@"; do
        case $word in
            *[\ \']*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    echo
    curl -sS -i "$@" | tr -d '\r'
}

show "An origin of the policy may read the response" \
    -H "Origin: https://app.example.com" $site/items/1
show "Another origin gets no permission (and no error: browsers enforce CORS)" \
    -H "Origin: https://evil.example" $site/items/1
show "A preflight is answered at once, before any application" \
    -X OPTIONS -H "Origin: https://pr-7.preview.example.com" \
    -H "Access-Control-Request-Method: PUT" \
    -H "Access-Control-Request-Headers: authorization,content-type" \
    $site/items/1
show "A preflight of another origin is refused" \
    -X OPTIONS -H "Origin: https://evil.example" \
    -H "Access-Control-Request-Method: PUT" $site/items/1
show "A 404 carries the headers too, so that a script can see it" \
    -H "Origin: https://app.example.com" $site/items/2

echo
echo '### The access log says why: $cors_verdict $cors_reason $cors_culprit'
cat "$folder/access.log"
rm -f "$folder/access.log"

[ -z "${DEMO_ONCE:-}" ] || exit 0

echo
echo "nginx serves $site with examples/nginx/nginx.conf until Ctrl-C."
trap "exit 0" INT TERM
wait $server
