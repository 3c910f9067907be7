#!/usr/bin/env bash
# Reads what `cargo test` and `cargo nextest` print, writes `N passed, N failed`.
set -euo pipefail

awk '
  # test result: FAILED. 75 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.56s
  /^test result: / {
    for (i = 2; i <= NF; i++) {
      if ($i ~ /^passed;/) passed += $(i - 1)
      if ($i ~ /^failed;/) failed += $(i - 1)
    }
  }
  # Summary [   0.5s] 78 tests run: 75 passed (2 slow), 1 failed, 1 exec failed, 1 timed out, 0 skipped
  /^ *Summary \[/ {
    sub(/^.*tests? run: /, "")
    gsub(/\([^)]*\)/, "")
    parts = split($0, part, ",")
    for (i = 1; i <= parts; i++) {
      split(part[i], word, " ")
      if (part[i] ~ / passed *$/) passed += word[1]
      if (part[i] ~ / (failed|timed out) *$/) failed += word[1]
    }
  }
  # The dashboard'"'"'s runner:      Tests  1 failed | 71 passed | 2 skipped (74)
  /^ *Tests  / {
    for (i = 2; i <= NF; i++) {
      if ($i == "passed") passed += $(i - 1)
      if ($i == "failed") failed += $(i - 1)
    }
  }
  # Node'"'"'s own runner: # pass 23
  /^# pass [0-9]+$/ { passed += $3 }
  /^# (fail|cancelled) [0-9]+$/ { failed += $3 }
  END { printf "%d passed, %d failed\n", passed, failed }
'
