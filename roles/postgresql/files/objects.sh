#!/bin/sh
# Managed by Promontory, role postgresql: users and databases as declared, and the server's own word on its files.
set -eu
bin=$1
config=$2
ask() { PGOPTIONS="-c client_min_messages=warning" "$bin/psql" --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 "$@"; }
ask --file "$config/objects.sql" --file "$config/secrets/passwords.sql"
refused=$(ask --command "SELECT 'pg_hba.conf, line ' || line_number || ': ' || error FROM pg_hba_file_rules WHERE error IS NOT NULL
    UNION ALL SELECT coalesce(name, 'postgresql.conf') || ': ' || error FROM pg_file_settings WHERE error IS NOT NULL")
if [ -n "$refused" ]; then
    echo "$refused" >&2
    exit 1
fi
