#!/bin/sh
# network.sh COMMAND...: runs it in a network of its own, whose loopback
# interface also has a private address and a public one. No other machine can
# reach them. If that is not permitted, it runs where it is.
export PATH="$PATH:/usr/sbin"
up='ip link set lo up &&
    ip addr add 192.168.77.1/32 dev lo && ip addr add 203.0.113.1/32 dev lo'
root=$([ "$(id -u)" = 0 ] || echo --map-root-user)
if unshare --net $root sh -c "$up" 2>/dev/null; then
    exec unshare --net $root sh -c "$up"' && exec "$@"' "$0" "$@"
fi
exec "$@"
