#!/bin/sh
# s2-lite, which is a command of s2-cli, from the Rust registry. Its build takes minutes.
#   s2.sh install PREFIX           prints the version last
#   s2.sh start PREFIX DATA PORT
set -eu
PREFIX=$2
case $1 in
install)
    if [ ! -e "$PREFIX/bin/s2" ]; then
        CARGO_TARGET_DIR="$PREFIX/target" cargo install --quiet --locked s2-cli --root "$PREFIX"
    fi
    echo "s2-lite $("$PREFIX/bin/s2" --version | sed 's/[^0-9]*//')"
    ;;
start)
    exec "$PREFIX/bin/s2" lite --port "$4" --local-root "$3"
    ;;
esac
