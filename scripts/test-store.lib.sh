# Sourced by tests and tools: a throw-away PostgreSQL for the store's tests, gone when the script ends.
# shellcheck shell=bash
# test_store BIN_DIR: starts it and exports DATABASE_URL.
test_store() {
    local bin=$1 as=()
    store=$(mktemp -d /tmp/paddock-store.XXXXXX)
    if is_root; then
        # PostgreSQL refuses to run as root.
        as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
        chown nobody:nogroup "$store"
    fi
    # The data is worth nothing and the machine may be slow: no fsync.
    (cd "$store" && HOME=$store "${as[@]}" "$bin/initdb" -D "$store/data" -U paddock -A trust --locale=C.UTF-8 -N) >"$store.log" 2>&1 &&
        (cd "$store" && HOME=$store "${as[@]}" "$bin/pg_ctl" -D "$store/data" -w -l "$store/log" \
            -o "-k $store -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300 -c unix_socket_permissions=0777" start) >>"$store.log" 2>&1 ||
        { cat "$store.log" "$store/log" >&2 2>/dev/null; die "the store for the tests did not start."; }
    chmod 0755 "$store"
    store_pid=$(head -n1 "$store/data/postmaster.pid")
    trap test_store_stop EXIT
    export DATABASE_URL="postgres://paddock@localhost/paddock?host=$store"
    "$bin/psql" -qX -h "$store" -U paddock -d postgres -c 'CREATE DATABASE paddock' >&2
}

test_store_stop() {
    [ -n "${store_pid:-}" ] && kill -QUIT "$store_pid" 2>/dev/null
    # The postmaster removes its files last; wait for it before the folder goes.
    for _ in $(seq 50); do kill -0 "$store_pid" 2>/dev/null || break; sleep 0.1; done
    rm -rf "${store:?}" "$store.log"
}
