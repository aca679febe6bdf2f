#!/bin/sh
# network.sh COMMAND...: runs it in a network of its own, whose loopback
# interface also has two private addresses and a public one. No other machine can
# reach them. If that is not permitted, it runs where it is.
export PATH="$PATH:/usr/sbin"
up='ip link set lo up &&
    for address in 192.168.77.1 192.168.77.2 203.0.113.1; do
        ip addr add $address/32 dev lo || exit
    done'
root=$([ "$(id -u)" = 0 ] || echo --map-root-user)
if unshare --net $root sh -c "$up" 2>/dev/null; then
    exec unshare --net $root sh -c "$up"' && exec "$@"' "$0" "$@"
fi
exec "$@"
