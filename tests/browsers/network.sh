#!/bin/sh
# network.sh COMMAND...: runs it in a network of its own, where the loopback
# interface also has a private address, which no other machine can reach. If
# that is not permitted, it runs where it is.
root=$([ "$(id -u)" = 0 ] || echo --map-root-user)
export PATH="$PATH:/usr/sbin"
up='ip link set lo up && ip addr add 192.168.77.1/32 dev lo'
if unshare --net $root sh -c "$up" 2>/dev/null; then
    exec unshare --net $root sh -c "$up"' && exec "$@"' "$0" "$@"
fi
exec "$@"
