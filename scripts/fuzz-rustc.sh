#!/usr/bin/env bash
# What cargo calls in the place of the compiler for this workspace's own crates: adds the coverage pass
# that libFuzzer reads. Dependencies stay as every other build has them, so that they are built once.
set -euo pipefail

# Build scripts run without libFuzzer, and have no use for coverage.
if [[ " $* " == *' --crate-name build_script_'* ]]; then
  exec "$@"
fi
exec "$@" --cfg fuzzing -Copt-level=1 -Ccodegen-units=16 \
  -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
