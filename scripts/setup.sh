#!/usr/bin/env bash
# Install what is missing: scripts/setup.sh build|run|test
#
# Debian packages (as root or through sudo), the wasm target, wasm-bindgen in the version of Cargo.lock, the front-end
# tools from npm, and for tests a client library of Python. Looks before it acts; the second time it takes about a second.
# It never installs a package that starts a PostgreSQL cluster: servers come as relocatable builds (`paddock versions install`).
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
purpose=${1:-build}

have cargo || die "Rust is missing." "Install it with rustup (https://rustup.rs), then run this again."
have rustup || die "rustup is missing; it is needed for the wasm target." "See https://rustup.rs."

# ---- Debian packages ---------------------------------------------------------
packages=()
need() { # need COMMAND PACKAGE
    have "$1" || packages+=("$2")
}
need cc gcc
need make make
need python3 python3
need node nodejs
need npm npm
have python3 && { python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip); }
# What the relocatable PostgreSQL builds link with.
need_library() { ldconfig -p 2>/dev/null | grep -q "$1" || /sbin/ldconfig -p 2>/dev/null | grep -q "$1" || packages+=("$2"); }
need_library libssl.so.3 libssl3
need_library libzstd.so.1 libzstd1
need_library liblz4.so.1 liblz4-1
need_library libxml2.so.2 libxml2
need_library libgssapi_krb5.so.2 libgssapi-krb5-2
can_install() { have apt-get && { is_root || { have sudo && sudo -n true 2>/dev/null; }; }; }
# Only the extension uuid-ossp stands on it: who cannot install it goes on without. The tests try every extension.
if [ "$purpose" = test ] || can_install; then need_library libossp-uuid.so.16 libossp-uuid16; fi
[ -d /usr/share/zoneinfo ] || packages+=(tzdata)
if is_root; then need useradd passwd; fi
# Its rule is a second wall around the servers: who has it not is told so and goes on.
if [ "$purpose" = test ] || can_install; then [ -x /usr/sbin/nft ] || packages+=(nftables); fi
if [ "$purpose" = test ]; then
    need chromium chromium
    # Debian has the module in a package of its own, which brings the interpreter where there is none.
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
    need strace strace
    need ip iproute2
    [ -d /usr/share/fonts/truetype/dejavu ] || packages+=(fonts-dejavu-core)
fi
if [ ${#packages[@]} -gt 0 ]; then
    have apt-get || die "these are missing, and this is not Debian: ${packages[*]}" "Install them, then run this again."
    can_install || die "Debian packages are missing, and installing them needs root." "sudo apt-get install ${packages[*]}"
    as_root=()
    is_root || as_root=(sudo)
    say "installing Debian packages: ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    install() { "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2; }
    install || { "${as_root[@]}" apt-get update -qq >&2 && install; } ||
        die "apt-get could not install ${packages[*]}." "Is there a network? Try: apt-get update"
fi

# ---- Rust: one toolchain for server and wasm ---------------------------------
mkdir -p "$tools/bin"
if [ ! -s "$tools/toolchain" ] || ! RUSTUP_TOOLCHAIN=$(cat "$tools/toolchain") rustc --version >/dev/null 2>&1; then
    toolchain=$(scripts/ensure-wasm-target.sh) || die "the wasm target cannot be had here." "Is there a network?"
    printf '%s\n' "$toolchain" >"$tools/toolchain"
fi
use_tools
if [ "$purpose" = test ]; then
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
        rustup component add rustfmt clippy >&2 || die "rustfmt and clippy are missing." "rustup component add rustfmt clippy"
fi

# wasm-bindgen must be exactly the library's version.
bindgen=$(locked_version wasm-bindgen)
if [ "$(wasm-bindgen --version 2>/dev/null)" != "wasm-bindgen $bindgen" ]; then
    say "building wasm-bindgen $bindgen (a few minutes, once)"
    # Not --locked: that lock file names versions that some registries lack.
    CARGO_TARGET_DIR="$tools/build" cargo install -q wasm-bindgen-cli --version "$bindgen" --no-default-features --root "$tools" ||
        die "wasm-bindgen could not be built." "Is there a network?"
    rm -rf "$tools/build"
fi

# ---- npm ---------------------------------------------------------------------
npm_install() { # npm_install FOLDER: again only when its lock file changed
    local stamp=$1/node_modules/.paddock-stamp
    if [ ! -f "$stamp" ] || ! cmp -s "$1/package-lock.json" "$stamp"; then
        say "npm: $1"
        (cd "$1" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error >&2) ||
            die "npm could not install the tools of $1/." "Is there a network?"
        cp "$1/package-lock.json" "$stamp"
    fi
}
npm_install scripts
if [ "$purpose" = test ]; then npm_install end2end; fi

# ---- Python ------------------------------------------------------------------
python_install() { # again only when its list changed
    local stamp=$tools/python/.paddock-stamp
    if [ ! -f "$stamp" ] || ! cmp -s end2end/requirements.txt "$stamp"; then
        say "pip: end2end"
        { python3 -m venv --clear "$tools/python" &&
            "$tools/python/bin/python3" -m pip install -q --disable-pip-version-check -r end2end/requirements.txt; } >&2 ||
            die "pip could not install the client library of end2end/." "Is there a network?"
        cp end2end/requirements.txt "$stamp"
    fi
}
if [ "$purpose" = test ]; then python_install; fi

# ---- pgBackRest --------------------------------------------------------------
# For a run it is had after the servers, beside them (scripts/run.sh).
if [ "$purpose" = test ]; then scripts/ensure-pgbackrest.sh "$target/versions" >/dev/null; fi
