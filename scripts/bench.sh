#!/usr/bin/env bash
# The ratios of CONTRIBUTING.md, from one interleaved run on this machine. Takes about ten minutes once built.
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
scripts/setup.sh build
use_tools
scripts/build.sh release
"$target/release/paddock" versions install 18.6 --into "$target/versions"
PADDOCK_BENCH_TARGET=$target cargo bench -q --locked -p paddock --bench ratios
cargo bench -q --locked -p paddock --bench metrics
