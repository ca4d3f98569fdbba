#!/usr/bin/env bash
# Sets up, builds and opens FluxScope on the sample model; arguments go to the desktop program. Without a display: runs the sample
# prompts headless and writes a capture and a report.
set -euo pipefail
cd "$(dirname "$0")"
tools/setup
tools/build release programs

bin=$PWD/build/release/bin
prompts=$PWD/sample_data/prompts/routing.jsonl

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$bin/fluxscope" sample --prompts "$prompts" "$@"
fi
out=$PWD/build/sample
mkdir -p "$out"
rm -f "$out"/sample.fluxdb*
echo "run: no display (neither DISPLAY nor WAYLAND_DISPLAY is set); running the sample prompts headless" >&2
"$bin/fluxscope-cli" run sample --prompts "$prompts" --capture "$out/sample.fluxdb" >/dev/null
"$bin/fluxscope-cli" report "$out/sample.fluxdb" --html "$out/sample.html" >/dev/null
echo "capture: $out/sample.fluxdb"
echo "report:  $out/sample.html"
