#!/usr/bin/env bash
# Print the folder of PostgreSQL programs that tests and tools use: the newest relocatable build in
# target/versions (made by `paddock versions install`), else the distribution's newest.
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
newest() { # newest PATTERN...: of the folders that hold a server, the one with the greatest version
    for postgres in "$@"; do
        [ -x "$postgres" ] && printf '%s %s\n' "$("$postgres" --version | awk '{print $3}')" "${postgres%/postgres}"
    done | sort -V | tail -n1 | cut -d' ' -f2
}
bin=$(newest "$target"/versions/*/bin/postgres)
bin=${bin:-$(newest /usr/lib/postgresql/*/bin/postgres)}
[ -n "$bin" ] || die "no PostgreSQL is here." "target/debug/paddock versions install 17.11 --into target/versions"
printf '%s\n' "$bin"
