#!/bin/sh
# The broker of kafka.sh; the driver makes topics with flush.messages=1, so that each batch is synced.
#   kafka-flush.sh install PREFIX  prints the version last
#   kafka-flush.sh start PREFIX DATA PORT
set -eu
VERB=$1
PREFIX=$(dirname "$2")/kafka
shift 2
mkdir -p "$PREFIX"
exec sh "$(dirname "$0")/kafka.sh" "$VERB" "$PREFIX" "$@"
