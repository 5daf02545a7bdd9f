#!/bin/sh
# etcd from Debian's package, unpacked below PREFIX.
#   etcd.sh install PREFIX         prints the version last
#   etcd.sh start PREFIX DATA PORT
set -eu
PREFIX=$2
case $1 in
install)
    cd "$PREFIX"
    if [ ! -e usr/bin/etcd ]; then
        apt-get -q update >/dev/null 2>&1 || true
        apt-get -q download etcd-server >/dev/null
        dpkg -x etcd-server_*.deb .
    fi
    usr/bin/etcd --version | sed -n 's/etcd Version: /etcd /p'
    ;;
start)
    exec "$PREFIX/usr/bin/etcd" --data-dir "$3/etcd" --log-level error \
        --listen-client-urls "http://127.0.0.1:$4" --advertise-client-urls "http://127.0.0.1:$4" \
        --listen-peer-urls "http://127.0.0.1:$(($4 + 1))" \
        --initial-advertise-peer-urls "http://127.0.0.1:$(($4 + 1))" \
        --initial-cluster "default=http://127.0.0.1:$(($4 + 1))" --enable-v2=false
    ;;
esac
