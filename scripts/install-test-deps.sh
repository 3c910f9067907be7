#!/usr/bin/env bash
# What the tests need beside the sources: the conformance suite of CEL, by npm, schemathesis and the mail
# server aiosmtpd, by pip, promtool for the alert rules, out of its package, and by apt Chromium for the end-to-end tests and
# PostgreSQL for those of the store, when root, else the command that installs them.
set -euo pipefail

scripts=$(dirname "${BASH_SOURCE[0]}")
"$scripts/fetch-cel-spec.sh" >/dev/null
"$scripts/fetch-schemathesis.sh" >/dev/null
"$scripts/fetch-aiosmtpd.sh" >/dev/null
"$scripts/fetch-promtool.sh" >/dev/null

say() { printf 'install-test-deps: %s\n' "$*" >&2; }

missing=()

chromium() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return
  done
  return 1
}

postgresql() {
  # A server elsewhere will do.
  [[ -n ${DATABASE_URL:-} ]] || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

chromium || missing+=(chromium)
postgresql || missing+=(postgresql)
if ((${#missing[@]} == 0)); then
  exit 0
fi

command="apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  say "missing: ${missing[*]}, and there is no apt-get; install them with this system's package manager"
  exit 2
fi
if [[ $(id -u) -ne 0 ]]; then
  say "missing: ${missing[*]}; run: sudo apt-get update && sudo $command"
  exit 2
fi

say "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && $command; } >"$log" 2>&1; then
  cat "$log" >&2
  say "apt-get failed; its output is above"
  exit 2
fi
