#!/usr/bin/env bash
# Everything a change must pass: format, build with warnings as errors, clang-tidy, every test.
#   ./test.sh                everything, as CI does
#   ./test.sh -R routing     arguments go to ctest; then only build and ctest
set -euo pipefail
cd "$(dirname "$0")"
step() { printf 'test: %4ds  %s\n' "$SECONDS" "$*"; }
tools/setup --test
if (($# == 0)); then
    step format
    tools/format --check
fi
step build
tools/build release tests
if (($# == 0)); then
    step clang-tidy
    tools/tidy
fi
step ctest
# Tests run side by side: threads that spin while they wait for work would starve the others' on a small machine.
export OMP_WAIT_POLICY=PASSIVE
exec .venv/bin/ctest --test-dir build/release --output-on-failure -j "$(nproc)" "$@"
