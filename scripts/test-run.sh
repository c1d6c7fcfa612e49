#!/usr/bin/env bash
# Does `make run` do what the README says? With the executable that the tests use; an optimised one takes a long time to build.
#
#   as we are             installs servers, prints a link that opens, says so when the port is taken, ends when told to
#   an ordinary user      owns the clone, may install nothing, has no network and PostgreSQL on the host: an account from
#                         the environment orders a database, and psql asks it something over the published URL
#
# What it starts it ends, by pid; what it writes lies in one directory.
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"

wait_for() { # wait_for SECONDS COMMAND...
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
    done
}
gone() { ! kill -0 "$1" 2>/dev/null; }
printed() { grep -q "$1" "$2"; }

# ---- The ordinary user's half, within namespaces of its own --------------------
if [ "${1:-}" = ordinary ]; then
    work=$2
    is_root && die "this half is for an ordinary user."
    scripts/run.sh >"$work/out" 2>"$work/err" &
    paddock=$!
    trap 'kill "$paddock" 2>/dev/null || true; wait "$paddock" || true' EXIT
    psql=$(printf '%s\n' "$target"/versions/18.*/bin/psql | sort -V | tail -n 1)
    python3 scripts/first-database.py "$PADDOCK_HTTP_LISTEN" "$PADDOCK_ADMIN_TOKEN" "$psql"
    exit
fi

work=$(mktemp -d /tmp/pdk-run.XXXXXX)
chmod 711 "$work"

# Servers below our directory: their postmaster is the one whose arguments name it.
postmasters() {
    local proc
    for proc in /proc/[0-9]*; do
        if tr '\0' ' ' <"$proc/cmdline" 2>/dev/null | grep -q "postgres -D $work/"; then echo "${proc#/proc/}"; fi
    done
}
clean_up() {
    local pid user signal
    # First who would start servers again.
    if [ -n "${paddock:-}" ]; then
        kill "$paddock" 2>/dev/null && wait_for 40 gone "$paddock" || kill -KILL "$paddock" 2>/dev/null || true
    fi
    for signal in INT QUIT KILL; do
        for pid in $(postmasters); do
            kill "-$signal" "$pid" 2>/dev/null || true
            wait_for 20 gone "$pid" || true
        done
    done
    if is_root; then
        for user in $(find "$work" -name identity.json -exec grep -hoE 'paddock-[0-9]+' {} + | sort -u); do
            userdel "$user" 2>/dev/null || true
        done
    fi
    rm -rf "$work"
}
trap clean_up EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

first=$(free_port)
export BUILD=test PADDOCK_DATA_ROOT=$work/data PADDOCK_HTTP_LISTEN=127.0.0.1:$(free_port)
# What it puts into the kernel would outlive the test; and nobody orders anything in the first half.
export PADDOCK_ENGINE_FIREWALL=false PADDOCK_ENGINE_POOL=0
export PADDOCK_ENGINE_FIRST_PORT=$((first > 60000 ? 60000 : first)) PADDOCK_ENGINE_LAST_PORT=$((first > 60000 ? 60050 : first + 50))

# ---- As we are ----------------------------------------------------------------
say "make run, as $(id -un)"
scripts/run.sh >"$work/out" 2>"$work/err" &
paddock=$!
printed_or_gone() { printed 'setup?token=' "$work/out" || gone "$paddock"; }
wait_for 600 printed_or_gone && printed 'setup?token=' "$work/out" ||
    die "no link was printed." "$(tail -n 20 "$work/out" "$work/err")"
link=$(grep -o 'http://[^ ]*setup?token=[^ ]*' "$work/out")
python3 -c 'import sys, urllib.request; page = urllib.request.urlopen(sys.argv[1]).read().decode(); assert "name=\"password\"" in page, page' "$link"
target_versions=$("$target/debug/paddock" versions list)
for version in 17 18; do
    grep -E "^$version\..*$PADDOCK_DATA_ROOT/versions" <<<"$target_versions" >/dev/null || die "PostgreSQL $version was not installed." "$target_versions"
done
if PADDOCK_DATA_ROOT=$work/other "$target/debug/paddock" serve >"$work/second" 2>&1; then die "two servers on one port."; fi
grep -q "$PADDOCK_HTTP_LISTEN is taken.*PADDOCK_HTTP_LISTEN" "$work/second" || die "a taken port is not told." "$(cat "$work/second")"
kill "$paddock"
wait "$paddock" || die "it did not end well." "$(tail -n 20 "$work/err")"
paddock=

# ---- As an ordinary user --------------------------------------------------------
# In a user namespace our clone and Rust belong to an ordinary user; in a network namespace only loopback is there.
say "make run, as an ordinary user without a network"
if ! unshare --map-root-user --net true; then
    say "skipped: this host lets nobody make namespaces"
    exit 0
fi
mkdir "$work/theirs"
export PADDOCK_DATA_ROOT=$work/theirs/data PADDOCK_ENGINE_VERSION_DIRS=$target/versions
export PADDOCK_ADMIN_EMAIL=first@example.org PADDOCK_ADMIN_USERNAME=first PADDOCK_ADMIN_PASSWORD="long enough for a test"
export PADDOCK_ADMIN_TOKEN=tk-us-test-0123456789abcdef0123456789abcdef
unshare --map-root-user --net bash -c 'ip link set lo up && exec unshare --map-user=65534 --map-group=65534 "$@"' \
    - scripts/test-run.sh ordinary "$work/theirs" ||
    die "an ordinary user cannot run it." "$(tail -n 20 "$work/theirs/out" "$work/theirs/err")"
grep -q "could not be installed; going on" "$work/theirs/err" || die "there was a network." "$(cat "$work/theirs/err")"
