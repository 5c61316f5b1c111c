#!/bin/sh
# Managed by Promontory, role postgresql: makes the cluster where there is none, whole or not at all.
set -eu
bin=$1
cluster=$2
[ ! -s "$cluster/PG_VERSION" ] || exit 0
rm -rf "$cluster.new"
"$bin/initdb" --pgdata "$cluster.new" --username postgres --encoding UTF8 --locale C.UTF-8 --data-checksums \
    --auth-local peer --auth-host scram-sha-256 > /dev/null
mv "$cluster.new" "$cluster"
