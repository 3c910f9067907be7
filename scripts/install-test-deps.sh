#!/usr/bin/env bash
# What the tests need beside the sources: the conformance suite of CEL, by npm, and Chromium for the
# end-to-end tests, by apt when root, else the command that installs it.
set -euo pipefail

"$(dirname "${BASH_SOURCE[0]}")/fetch-cel-spec.sh" >/dev/null

say() { printf 'install-test-deps: %s\n' "$*" >&2; }

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then
    exit 0
  fi
done

command='apt-get install -y --no-install-recommends chromium'
if ! command -v apt-get >/dev/null; then
  say "Chromium is missing, and there is no apt-get; install Chromium with this system's package manager"
  exit 2
fi
if [[ $(id -u) -ne 0 ]]; then
  say "Chromium is missing; run: sudo apt-get update && sudo $command"
  exit 2
fi

say "installing Chromium"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && $command; } >"$log" 2>&1; then
  cat "$log" >&2
  say "apt-get failed; its output is above"
  exit 2
fi
