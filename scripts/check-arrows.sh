#!/usr/bin/env bash
# The arrows of ARCHITECTURE.md, checked: which room may know which, and which words stand only in which room.
# Prints every broken one and fails at the end.
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
use_tools
broken=0
wrong() {
    printf 'arrow broken: %s\n' "$*" >&2
    broken=1
}

tree() { cargo tree --locked -q --prefix none -e normal "$@" | awk '{print $1}' | sort -u; }
reaches() { # reaches "ROOM" "what cargo tree said" CRATE...: none of them may be there
    local room=$1 found=$2 crate
    shift 2
    for crate in "$@"; do
        if grep -qx "$crate" <<<"$found"; then wrong "$room reaches $crate"; fi
    done
}

wasm=$(tree -p frontend --target wasm32-unknown-unknown)
reaches "the wasm" "$wasm" control durable engine paddock sqlx sqlx-core tokio axum hyper argon2 leptos_axum
app=$(tree -p app)
reaches "app without ssr" "$app" control durable engine sqlx axum
types=$(tree -p types --depth 1)
for crate in $types; do
    case $crate in types | chrono | serde | serde_json | thiserror | uuid) ;; *) wrong "types knows $crate: it is serde, its JSON and chrono, no more" ;; esac
done
reaches control "$(tree -p control)" engine app paddock axum hyper reqwest leptos
reaches durable "$(tree -p durable)" types control engine app
reaches engine "$(tree -p engine)" app paddock axum leptos
reaches engine "$(tree -p engine --depth 1)" sqlx
reaches vault "$(tree -p vault)" engine app paddock axum leptos
reaches vault "$(tree -p vault --depth 1)" sqlx
reaches app "$(tree -p app --features ssr)" engine paddock

# Words that stand in one room only.
only() { # only PATTERN ROOM WHAT
    local hits
    hits=$(grep -rnE --include='*.rs' "$1" src app/src frontend/src crates/*/src | grep -vE "^($2)" | grep -vE ':\s*//' || true)
    if [ -n "$hits" ]; then
        wrong "$3 outside of its room:"
        printf '%s\n' "$hits" >&2
    fi
}
# (durable's crash points start themselves again in a test.)
only '\bCommand(Wrap)?::(new|with_new)\(' 'crates/engine/src|crates/durable/src/crash.rs' 'a process is started'
only 'tokio::(task::)?spawn\(' 'crates/durable/src|crates/testkit/src' 'background work is spawned'
only '\bquery(_as|_scalar)?!\(' 'crates/durable/src|crates/control/src/store' "the store's SQL is written"
only 'StatusCode' 'src|app/src/ssr.rs' 'a status code is decided'
only 'inner_html' 'nowhere' 'markup is made from text'
# types is data and pure functions: it asks nobody, not even a clock. (Addresses of std::net are data.)
hits=$(grep -rnE --include='*.rs' '\b(fs|process)::|std::(\{.*\b)?(fs|process)\b|\b(TcpStream|TcpListener|UdpSocket|SystemTime|Instant)\b' \
    crates/types/src | grep -vE ':\s*//' || true)
if [ -n "$hits" ]; then
    wrong "types asks the system:"
    printf '%s\n' "$hits" >&2
fi
[ "$broken" = 0 ] || exit 1
