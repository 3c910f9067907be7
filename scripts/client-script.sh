#!/usr/bin/env bash
# The script that follows challenges in pages, `auth-sidecar/client/`: it is served as it is, so nothing is
# built. `--test` runs its tests, `--check` looks at formatting, lints and types, with the dashboard's tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

client=auth-sidecar/client
dashboard=control-plane/dashboard

if ! command -v node >/dev/null; then
  printf 'client-script: there is no node: install Node 20 or newer\n' >&2
  exit 2
fi

case ${1:-} in
--test)
  exec node --test --test-reporter=tap "$client"/tests/*.test.js
  ;;
--check)
  # Installs the tools, unless they are there.
  scripts/build-dashboard.sh
  "$dashboard/node_modules/.bin/biome" ci --error-on-warnings --config-path="$dashboard" "$client"
  exec node "$dashboard/node_modules/typescript-7/bin/tsc" --noEmit --strict --lib ES2023,DOM \
    "$client/countersign.d.ts"
  ;;
*)
  printf 'usage: client-script.sh --test | --check\n' >&2
  exit 2
  ;;
esac
