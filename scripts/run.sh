#!/usr/bin/env bash
# From a fresh machine to a running Paddock: install what is missing, build, start, print the link.
# Settings are Paddock's own: PADDOCK_* variables or PADDOCK_CONFIG, see docs/paddock.sample.toml.
#   BUILD=test scripts/run.sh   runs what the tests run, instead of an optimised build
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"

build=${BUILD:-release}
scripts/setup.sh run
scripts/build.sh "$build"

# The newest of 17 and 18. A server that is there already (Paddock's or the distribution's) is enough to start with:
# then a missing network is no reason to stop.
paddock=$target/$([ "$build" = test ] && echo debug || echo "$build")/paddock
for version in 18.6 17.11; do
    "$paddock" versions install "$version" || {
        "$paddock" versions list | grep -qE '^[0-9]' || die "no PostgreSQL could be installed, and none is here." "Is there a network?"
        say "PostgreSQL $version could not be installed; going on with what is here"
    }
done
# Beside the servers, where Paddock looks for it. Without it everything works but point-in-time recovery.
server=$("$paddock" versions list | awk '/installed by Paddock/ { print $2; exit }')
scripts/ensure-pgbackrest.sh "${server:+${server%/*/*}}" >/dev/null ||
    say "pgBackRest could not be had: no point-in-time recovery until it is installed"
exec "$paddock" serve
