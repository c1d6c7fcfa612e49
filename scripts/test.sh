#!/usr/bin/env bash
# Every check and test there is, in the order a person would want to hear of a fault. Stops at the first.
#   ONLY="clippy rust" scripts/test.sh   runs these parts alone (set-up is always done)
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
# shellcheck source=test-store.lib.sh
source scripts/test-store.lib.sh
scripts/setup.sh test
use_tools

part() { # part NAME COMMAND...
    local name=$1 t0=$SECONDS
    shift
    if [ -n "${ONLY:-}" ] && [[ " $ONLY " != *" $name "* ]]; then return; fi
    say "$name"
    "$@"
    printf '    %s: %s s\n' "$name" $((SECONDS - t0)) >&2
}

clippy() {
    # Much of both runs on one processor: the wasm is begun beside it, and `build` finds it made, or says why it is not.
    nice cargo build -q --locked -p frontend --lib --target wasm32-unknown-unknown --profile wasm-release 2>/dev/null &
    local wasm=$!
    cargo clippy -q --locked --all-targets --features paddock/crash-points -- -D warnings
    cargo clippy -q --locked -p frontend --target wasm32-unknown-unknown -- -D warnings
    wait "$wasm" || true
}
docs() {
    RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc -q --locked --no-deps --document-private-items
}
deny() {
    # Needs its own build of some minutes, so it is run where it is there already: `cargo install cargo-deny`.
    have cargo-deny || return 0
    cargo deny check bans licenses sources >&2
}
versions() {
    local version
    for version in 17.11 18.6; do
        "$target/debug/paddock" versions install "$version" --into "$target/versions" >&2
    done
}
rust() {
    # Examples in the documentation first: there are few, and the counts of tests end the part.
    cargo test -q --locked --features paddock/crash-points --doc
    PADDOCK_TEST_VERSIONS=$target/versions node scripts/run-tests.mjs --features paddock/crash-points
}
browser() {
    (cd end2end && npx tsc --noEmit && npx playwright test)
}

part fmt cargo fmt --all --check
part arrows scripts/check-arrows.sh
part deny deny
part clippy clippy
part build scripts/build.sh test
part versions versions
part run scripts/test-run.sh
test_store "$(scripts/postgres-bin.sh)"
part sqlx scripts/sqlx-prepare.sh --check
part rust rust
part docs docs
part browser browser
say "all is well"
