#!/usr/bin/env bash
# `make fuzz`: every fuzz target of tests/fuzz for its part of FUZZ_SECONDS (60), from the seeds and from
# what earlier runs found worth keeping. Fails with what a target could not stand, and says how to see it
# again.
#
#   scripts/fuzz.sh                every target
#   scripts/fuzz.sh TARGET         one target, for all of the time
#   scripts/fuzz.sh TARGET FILE    one input, once
#   scripts/fuzz.sh --seeds        writes tests/fuzz/seeds anew
#
# No cargo-fuzz and no nightly compiler: what they add is a sanitizer, and there is no unsafe code here to
# sanitize. The layout is theirs: `cargo fuzz run decode --fuzz-dir tests/fuzz` works where they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${FUZZ_SECONDS:-60}
targets=(decode expression path token proof index)
work=target/fuzz
seeds=tests/fuzz/seeds

# The packages and features of every other build, so that dependencies are there already.
all=(--quiet --locked --workspace --exclude countersign-filter --exclude countersign-bench-floor)

build() {
  local bins=() target
  for target in "${targets[@]}"; do
    bins+=(--bin "$target")
  done
  CARGO_INCREMENTAL=0 RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/fuzz-rustc.sh cargo build "${all[@]}" "${bins[@]}"
}

seeds() {
  cargo build "${all[@]}" --bin seeds
  target/debug/seeds "$@" "$seeds"
}

# A target takes whole seconds, memory and time of one input are bounded: the decoder's memory is to stay
# within a constant factor of its input.
fuzz() {
  local target=$1 limit=$2
  local corpus=$work/corpus/$target artifacts=$work/artifacts/$target log=$work/$target.log
  local options=(-max_total_time="$limit" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1)
  local dictionary=tests/fuzz/dictionaries/$target.dict
  mkdir -p "$corpus" "$artifacts"
  if [[ -f $dictionary ]]; then
    options+=(-dict="$dictionary")
  fi
  if "target/debug/$target" "$corpus" "$seeds/$target" "${options[@]}" \
    -artifact_prefix="$artifacts/" >"$log" 2>&1; then
    awk -v target="$target" '
      / cov: [0-9]/ { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
      /stat::number_of_executed_units/ { inputs = $2 }
      /stat::peak_rss_mb/ { memory = $2 }
      END { printf "fuzz: %-10s ok, %d inputs, %d places reached, %d MB\n", target, inputs, edges, memory }
    ' "$log"
    return 0
  fi
  printf 'fuzz: %s FAILED\n' "$target"
  tail -n 60 "$log"
  local kept
  kept=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)
  if [[ -n $kept ]]; then
    printf 'fuzz: once more: scripts/fuzz.sh %s %s\n' "$target" "$kept"
  fi
  return 1
}

case ${1:-} in
--seeds)
  seeds
  exit
  ;;
'') ;;
*)
  if [[ " ${targets[*]} " != *" $1 "* ]]; then
    printf 'fuzz: there is no target `%s`; there are: %s\n' "$1" "${targets[*]}" >&2
    exit 2
  fi
  targets=("$1")
  ;;
esac

printf 'fuzz: building\n'
build
if (($# > 1)); then
  exec "target/debug/$1" "$2"
fi
seeds --check
each=$((seconds / ${#targets[@]}))
if ((each < 1)); then
  each=1
fi
status=0
for target in "${targets[@]}"; do
  fuzz "$target" "$each" || status=1
done
exit $status
