#!/bin/sh
# The NATS server through Go's module proxy.
#   nats.sh install PREFIX         prints the version last
#   nats.sh start PREFIX DATA PORT
set -eu
PREFIX=$2
case $1 in
install)
    if [ ! -e "$PREFIX/nats-server" ]; then
        GOBIN="$PREFIX" go install github.com/nats-io/nats-server/v2@latest
    fi
    echo "NATS JetStream $("$PREFIX/nats-server" --version | sed 's/.*v//')"
    ;;
start)
    cat >"$PREFIX/nats.conf" <<CONF
host: 127.0.0.1
port: $4
max_payload: 8MB
jetstream { store_dir: "$3", sync_interval: always }
CONF
    exec "$PREFIX/nats-server" --config "$PREFIX/nats.conf"
    ;;
esac
