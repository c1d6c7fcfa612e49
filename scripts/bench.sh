#!/usr/bin/env bash
# The ratios of CONTRIBUTING.md, from one interleaved run on this machine. Takes about half an hour once built.
#   ONLY="create page" scripts/bench.sh   runs these parts alone
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
scripts/setup.sh build
use_tools
scripts/build.sh release
"$target/release/paddock" versions install 18.6 --into "$target/versions"
scripts/ensure-pgbackrest.sh "$target/versions" >/dev/null

# The reference for downloads: unpacked, never installed, so that nothing is started on this machine.
if ! have nginx && [ ! -x "$tools/nginx/usr/sbin/nginx" ] && have apt-get; then
    say "unpacking nginx"
    work=$(mktemp -d)
    if (cd "$work" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" nginx >&2); then
        dpkg-deb -x "$work"/nginx_*.deb "$tools/nginx"
    fi
    rm -rf "$work"
fi

PADDOCK_BENCH_TARGET=$target cargo bench -q --locked -p paddock --bench ratios
if [ -z "${ONLY:-}" ]; then cargo bench -q --locked -p paddock --bench metrics; fi
