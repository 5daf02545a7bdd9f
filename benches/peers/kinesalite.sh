#!/bin/sh
# kinesalite from npm, with its data in LevelDB.
#   kinesalite.sh install PREFIX   prints the version last
#   kinesalite.sh start PREFIX DATA PORT
set -eu
PREFIX=$2
case $1 in
install)
    if [ ! -e "$PREFIX/node_modules/kinesalite" ]; then
        npm install --silent --no-fund --no-audit --prefix "$PREFIX" kinesalite
    fi
    echo "kinesalite $(node -p "require('$PREFIX/node_modules/kinesalite/package.json').version")"
    ;;
start)
    exec node "$PREFIX/node_modules/kinesalite/cli.js" --port "$4" --path "$3/db" --shardLimit 1000 --createStreamMs 1
    ;;
esac
