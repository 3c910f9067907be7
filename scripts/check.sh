#!/usr/bin/env bash
# `make check`: everything that is enforced by a tool and is not a test. Every part runs, even after one
# has failed, so that one round shows all there is to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=()

part() {
  local name=$1 began=$SECONDS
  shift
  printf -- '--- %s\n' "$name"
  if "$@"; then
    printf -- '--- %s: ok (%d s)\n' "$name" $((SECONDS - began))
  else
    printf -- '--- %s: FAILED (%d s)\n' "$name" $((SECONDS - began))
    failed+=("$name")
  fi
}

# The filter, and the one it is measured against, are wasm modules and are looked at as such.
all=(--workspace --exclude countersign-filter --exclude countersign-bench-floor --locked)
native=("${all[@]}" --exclude countersign-fuzz)
filter=(-p countersign-filter -p countersign-bench-floor --target wasm32-wasip1 --locked)

deny() {
  local cargo_deny
  cargo_deny=$(scripts/install-cargo-deny.sh) || return 1
  "$cargo_deny" --locked check --hide-inclusion-graph bans licenses sources
}

# The database of known vulnerabilities is fetched from the network, which a build machine may not have.
# Only a fetch that failed is skipped: what was fetched is checked.
advisories() {
  local cargo_deny
  cargo_deny=$(scripts/install-cargo-deny.sh) || return 1
  if ! timeout 120 "$cargo_deny" --locked fetch db >/dev/null 2>&1; then
    echo 'skipped: unreachable'
    return 0
  fi
  "$cargo_deny" --locked check --disable-fetch --hide-inclusion-graph advisories
}

scripts_parse() {
  local script status=0
  for script in scripts/*.sh .ci/run; do
    bash -n "$script" || status=1
  done
  if command -v shellcheck >/dev/null; then
    shellcheck scripts/*.sh .ci/run || status=1
  fi
  return $status
}

part 'formatting' cargo fmt --all --check
part 'lints' cargo clippy "${native[@]}" --all-targets -- -D warnings
part 'lints of the wasm modules' cargo clippy "${filter[@]}" -- -D warnings
# With the features of the rest, so that the rest is not looked at twice; libFuzzer needs a C++ compiler.
part 'fuzz targets' cargo clippy "${all[@]}" --bin decode --bin expression --bin path --bin token --bin proof --bin index --bin seeds -- -D warnings
part 'dashboard' scripts/build-dashboard.sh --check
part 'client script' scripts/client-script.sh --check
part 'documentation' env RUSTDOCFLAGS='-D warnings' cargo doc "${native[@]}" --no-deps
part 'documentation of the wasm modules' env RUSTDOCFLAGS='-D warnings' cargo doc "${filter[@]}" --no-deps
part 'dependencies' deny
part 'advisories' advisories
part 'architecture' scripts/check-architecture.sh
part 'scripts' scripts_parse

if ((${#failed[@]})); then
  printf 'check: FAILED:'
  printf ' %s;' "${failed[@]}"
  printf '\n'
  exit 1
fi
echo 'check: everything is fine'
