#!/usr/bin/env bash
# The dashboard's pages, as the control plane carries them: control-plane/dashboard/dist/site. Built again
# only when something that they are made of has changed. `--check` looks at types, lints and formatting,
# `--test` runs its tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../control-plane/dashboard"

say() { printf 'build-dashboard: %s\n' "$*" >&2; }

if ! command -v npm >/dev/null; then
  say 'there is no npm: install Node 20 or newer'
  exit 2
fi

# What was installed, by the lock file that it was installed from.
installed=node_modules/.installed-from
if ! cmp --silent package-lock.json "$installed"; then
  log=$(mktemp)
  if ! npm ci --no-audit --no-fund >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    say 'npm ci failed; its output is above'
    exit 2
  fi
  rm -f "$log"
  cp package-lock.json "$installed"
fi

case ${1:-} in
--check) exec npm run --silent check ;;
--test) exec npm test --silent ;;
esac

# By content, not by time: a checkout sets times as it likes.
sources=$(find . ../src/http/openapi.json -type f \
  -not -path './node_modules/*' -not -path './dist/*' -not -path './src/api/schema.d.ts' -print0 |
  LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
stamp=node_modules/.built-from
if [[ -s dist/site/index.html && -s $stamp && $(<"$stamp") == "$sources" ]]; then
  exit 0
fi
rm -f "$stamp"
npm run --silent build
printf '%s\n' "$sources" >"$stamp"
