#!/usr/bin/env bash
# Build executable and site: scripts/build.sh [release|test]
#
#   release  optimised, as shipped: target/release/paddock and target/release/site
#   test     the same site beside an unoptimised executable with crash points: target/debug
#
# The wasm is the shipped one in both, so that browser tests see what users get. Files get content hashes in their
# names, and .br/.gz twins, so that the server sends them as they are.
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
use_tools
mode=${1:-release}
case $mode in
release) bin=$target/release server=(--release) ;;
test) bin=$target/debug server=(--features crash-points) ;;
*) die "scripts/build.sh knows release and test, not $mode" ;;
esac
name=paddock

# ---- wasm --------------------------------------------------------------------
say "building the wasm"
cargo build -q --locked -p frontend --lib --target wasm32-unknown-unknown --profile wasm-release
wasm=$target/wasm32-unknown-unknown/wasm-release/frontend.wasm
work=$target/site-work
# The site is made of the wasm, the style and the public files: unchanged ones are not packed again.
inputs=$(cat "$wasm" <(find style public -type f -print0 | sort -z | xargs -0 cat) "$0" | sha256sum | cut -c1-64)
if [ "$(cat "$work/inputs" 2>/dev/null)" != "$inputs" ]; then
    say "packing the site"
    rm -rf "$work"
    mkdir -p "$work/site/pkg"
    wasm-bindgen --target web --no-typescript --out-name $name --out-dir "$work/site/pkg" "$wasm"
    # leptos asks for NAME.wasm when LEPTOS_OUTPUT_NAME was set at compile time.
    wasm-opt -Oz --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext \
        --enable-mutable-globals --enable-reference-types --enable-multivalue \
        "$work/site/pkg/${name}_bg.wasm" -o "$work/site/pkg/$name.wasm"
    rm "$work/site/pkg/${name}_bg.wasm"
    # One style sheet, in the order that style/order.txt names.
    while read -r part; do
        case $part in '' | '#'*) ;; *) cat "style/$part" ;; esac
    done <style/order.txt >"$work/site/pkg/$name.css"
    cp -r public/. "$work/site/"
    node scripts/pack-site.mjs "$work/site" $name >"$work/hash.txt"
    printf '%s' "$inputs" >"$work/inputs"
fi

# ---- server ------------------------------------------------------------------
say "building the server ($mode)"
cargo build -q --locked -p paddock "${server[@]}"
rm -rf "$bin/site"
cp -r "$work/site" "$bin/site"
cp "$work/hash.txt" "$bin/hash.txt"
