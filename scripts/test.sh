#!/usr/bin/env bash
# `make test`: installs what the tests need, builds, runs everything, ends with the totals. They are
# summed from what the runners print and left in target/test-totals for `.ci/run`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

totals=target/test-totals
mkdir -p target
rm -f "$totals"
# The runners' lines are read below.
export CARGO_TERM_COLOR=never NO_COLOR=1

scripts/install-test-deps.sh
# One PostgreSQL server for the whole run; DATABASE_URL names another.
if [[ -z ${DATABASE_URL:-} ]]; then
  exec scripts/with-postgres.sh "$PWD/scripts/test.sh"
fi
envoy=$(scripts/fetch-envoy.sh)
export ENVOY_BIN=${ENVOY_BIN:-$envoy}
make --no-print-directory build

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0

run() {
  printf -- '--- %s\n' "$*"
  "$@" 2>&1 | tee -a "$log" || status=1
}

# One selection of packages everywhere: another would mean other features, and building twice.
all=(--workspace --exclude countersign-filter --exclude countersign-bench-floor --exclude countersign-fuzz --locked --no-fail-fast)
if cargo nextest --version >/dev/null 2>&1; then
  run cargo nextest run "${all[@]}" --status-level fail --final-status-level fail \
    -E 'not (package(countersign-e2e) & kind(test))'
  # The sidecar's store once more, on the other database.
  run env COUNTERSIGN_TEST_STORE=postgres cargo nextest run "${all[@]}" --status-level fail --final-status-level fail \
    -E 'package(countersign-auth-sidecar) & (binary(sidecar) | test(/^store::/))'
  run cargo test "${all[@]}" --doc
  # By cargo itself: the end-to-end tests of one file share a stack, which lives as long as their process.
  e2e=()
  for file in tests/tests/*.rs tests/tests/*/main.rs; do
    file=${file%/main.rs}
    e2e+=(--test "$(basename "$file" .rs)")
  done
  run cargo test "${all[@]}" "${e2e[@]}"
else
  run cargo test "${all[@]}"
  run env COUNTERSIGN_TEST_STORE=postgres cargo test "${all[@]}" --test sidecar
  run env COUNTERSIGN_TEST_STORE=postgres cargo test "${all[@]}" --lib -- store::tests store::lockouts
fi

run scripts/build-dashboard.sh --test
run scripts/client-script.sh --test

# What the conformance suite of CEL came to; the runners keep what a passing test prints to themselves.
head -n 4 target/conformance.txt || true

scripts/sum-tests.sh <"$log" >"$totals"
read -r passed _ failed _ <"$totals"
# A runner that fails without naming a test (it does not compile, it crashed) is a failure as well.
if ((status != 0 && failed == 0)); then
  failed=1
fi
# Nothing run is not all passed.
if ((passed == 0 && failed == 0)); then
  failed=1
fi
printf '%d passed, %d failed\n' "$passed" "$failed" | tee "$totals" | sed 's/^/total: /'
((failed == 0 && status == 0))
