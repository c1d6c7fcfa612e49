#!/usr/bin/env bash
# Rewrite .sqlx, the descriptions against which queries are checked without a database.
#   scripts/sqlx-prepare.sh          rewrite
#   scripts/sqlx-prepare.sh --check  fail when it is not what the queries and migrations say
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
# shellcheck source=test-store.lib.sh
source scripts/test-store.lib.sh
use_tools
bin=$(scripts/postgres-bin.sh)
[ -n "${DATABASE_URL:-}" ] || test_store "$bin"
database="prepare_$$"
url=${DATABASE_URL/\/paddock\?/\/$database\?}
"$bin/psql" -qX "$DATABASE_URL" -c "CREATE DATABASE $database"
for file in migrations/*.sql; do "$bin/psql" -qX -v ON_ERROR_STOP=1 "$url" -f "$file"; done
fresh=$(mktemp -d)
# The macros write one file per query when they are live and SQLX_OFFLINE_DIR is set.
touch crates/durable/src/lib.rs crates/control/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh DATABASE_URL=$url cargo check -q -p durable -p control --all-targets
"$bin/psql" -qX "$DATABASE_URL" -c "DROP DATABASE $database WITH (FORCE)"
if [ "${1:-}" = --check ]; then
    diff -rq "$fresh" .sqlx >&2 || { rm -rf "$fresh"; die ".sqlx is out of date." "make sqlx-prepare"; }
    rm -rf "$fresh"
else
    rm -rf .sqlx
    mv "$fresh" .sqlx
    chmod 0755 .sqlx
    say "$(find .sqlx -type f | wc -l) queries described"
fi
