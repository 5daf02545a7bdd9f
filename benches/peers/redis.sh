#!/bin/sh
# Redis from Debian's packages, unpacked below PREFIX, not installed on the system.
#   redis.sh install PREFIX        prints the version last
#   redis.sh start PREFIX DATA PORT
set -eu
PREFIX=$2
export LD_LIBRARY_PATH="$PREFIX/usr/lib/$(uname -m)-linux-gnu"
case $1 in
install)
    cd "$PREFIX"
    if [ ! -e usr/bin/redis-server ]; then
        apt-get -q update >/dev/null 2>&1 || true
        apt-get -q download redis-server redis-tools libjemalloc2 liblzf1 libhiredis0.14 liblua5.1-0 lua-cjson lua-bitop >/dev/null
        for package in *.deb; do dpkg -x "$package" .; done
    fi
    echo "Redis Streams $(usr/bin/redis-server --version | sed 's/.*v=\([^ ]*\).*/\1/')"
    ;;
start)
    exec "$PREFIX/usr/bin/redis-server" --port "$4" --bind 127.0.0.1 --dir "$3" \
        --appendonly yes --appendfsync always --save ''
    ;;
esac
