# Sourced by the other scripts: saying things, and the few facts they share.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
tools=$target/tools

say() { printf '\033[1m%s\033[0m\n' "==> $*" >&2; }
die() {
    printf '\033[1mcannot go on:\033[0m %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# The toolchain that setup.sh chose, and the tools that it installed for this repository alone.
use_tools() {
    [ -f "$tools/toolchain" ] && RUSTUP_TOOLCHAIN=$(cat "$tools/toolchain") && export RUSTUP_TOOLCHAIN
    export PATH="$tools/bin:$root/scripts/node_modules/.bin:$PATH"
    # Queries are checked against the committed .sqlx, whatever DATABASE_URL says.
    export SQLX_OFFLINE=true
}

locked_version() { # locked_version CRATE: its version in Cargo.lock
    awk -v name="$1" '$0 == "name = \"" name "\"" { getline; gsub(/version = |"/, ""); print; exit }' Cargo.lock
}
