#!/bin/sh
# moto's server from the Python index; it keeps everything in memory.
#   moto.sh install PREFIX         prints the version last
#   moto.sh start PREFIX DATA PORT
set -eu
PREFIX=$2
case $1 in
install)
    if [ ! -e "$PREFIX/venv/bin/moto_server" ]; then
        python3 -m venv "$PREFIX/venv"
        "$PREFIX/venv/bin/pip" install -q 'moto[server,kinesis]'
    fi
    echo "moto $("$PREFIX/venv/bin/pip" show moto | sed -n 's/^Version: //p')"
    ;;
start)
    exec "$PREFIX/venv/bin/moto_server" --host 127.0.0.1 --port "$4"
    ;;
esac
