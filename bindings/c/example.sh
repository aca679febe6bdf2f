#!/bin/sh
# Runs the example program $1 and compares what it prints.
set -eu

here=$(dirname "$0")
program=$1

expect()
{
    expected=$(cat)
    if [ "$output" != "$expected" ]; then
        printf '%s\n--- expected\n%s\n' "$output" "$expected"
        exit 1
    fi
}

output=$("$program" "$here/example.json" OPTIONS https://app.example.com PUT \
    content-type)
expect <<'END'
HTTP/1.1 204
access-control-allow-origin: https://app.example.com
access-control-allow-methods: GET,HEAD,POST,PUT
access-control-allow-headers: content-type
access-control-max-age: 600
vary: origin, access-control-request-method, access-control-request-headers
END

output=$("$program" "$here/example.json" GET https://evil.example)
expect <<'END'
vary: origin
END

output=$("$program" "$here/example.json" OPTIONS https://evil.example PUT)
expect <<'END'
HTTP/1.1 403
vary: origin, access-control-request-method, access-control-request-headers
END

# A refused policy: one line with its place, and no more.
directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
policy=$directory/policy.json
printf '{\n  "allow_origins": ["https://app.example.com/"]\n}\n' > "$policy"
if output=$("$program" "$policy" GET 2>&1); then
    echo "a policy with an error was taken"
    exit 1
fi
case $output in
"$policy:2:21: "*"; use "*) ;;
*) echo "$output"; exit 1 ;;
esac

if output=$("$program" "$directory/missing.json" GET 2>&1); then
    echo "a file that is missing was taken"
    exit 1
fi
case $output in
"$directory/missing.json:0:0: "*) ;;
*) echo "$output"; exit 1 ;;
esac
