#!/bin/sh
# Managed by Promontory, role postgresql: whether this server may have the place. It changes nothing.
set -eu
major=$1
data=/var/lib/postgresql
if [ -n "$(find /etc/postgresql -mindepth 3 -maxdepth 3 -name postgresql.conf -not -path '*/generations/*' -not -path '*/current/*' 2>/dev/null)" ]; then
    echo "This host has a PostgreSQL cluster of its distribution below /etc/postgresql. Two cannot share the places:" \
        "use that one (sample_app_database_url, postgres_exporter_address) and take this host out of the group postgresql." >&2
    exit 1
fi
for version in "$data"/*/PG_VERSION; do
    [ -s "$version" ] || continue
    if [ "$(cat "$version")" != "$major" ]; then
        echo "$data holds the data of PostgreSQL $(cat "$version"), which PostgreSQL $major cannot read." \
            "Set postgresql_major: $(cat "$version"), or move the data: docs/how-to/upgrade-postgresql.md." >&2
        exit 1
    fi
done
