#!/usr/bin/env bash
# The absences that ARCHITECTURE.md promises and that a compiler does not see. Each check says what it
# found and why that is not wanted.
set -euo pipefail
# `fault` stands at the end of pipelines and must change `status` here, not in a subshell.
shopt -s lastpipe
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

status=0

# fault REASON: what is on standard input, if anything, is against the rule.
fault() {
  local found
  found=$(cat)
  if [[ -n $found ]]; then
    printf 'architecture: %s\n' "$1" >&2
    printf '%s\n' "$found" | sed 's/^/  /' >&2
    status=1
  fi
}

# The crates that PACKAGE is linked with; further arguments go to cargo tree.
crates_of() {
  cargo tree --locked --edges normal --prefix none --format '{p}' --package "$@" | awk '{ print $1 }' | sort -u
}

# Lines of Rust that match, without comments; `file:line:text`.
rust_lines() {
  local pattern=$1
  shift
  { grep -rnE --include='*.rs' "$pattern" "$@" || true; } | { grep -vE '^[^:]+:[0-9]+: *//' || true; }
}

# Files of tests are free to name what they need.
without_tests() {
  { grep -vE '^[^:]*(/tests\.rs|/tests/|/testing\.rs)' || true; }
}

# 1. A path that ARCHITECTURE.md names exists. Anything in backticks that is written like a path with a
#    slash counts; media types and resource versions are not paths.
missing_paths() {
  if [[ ! -f ARCHITECTURE.md ]]; then
    echo 'ARCHITECTURE.md'
    return
  fi
  { grep -oE '`[A-Za-z0-9._-]+(/[A-Za-z0-9._*-]+)*/?`|\]\([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?\)' ARCHITECTURE.md || true; } |
    sed -E 's/^(`|\]\()//; s/(`|\))$//' |
    { grep -E '/|^(Makefile|LICENSE|[A-Z]+\.md|[A-Za-z-]+\.toml)$' || true; } |
    { grep -vE '^(application|text|image|font|multipart)/|^countersign\.dev/|^sha256/' || true; } |
    sort -u |
    while read -r path; do
      compgen -G "$path" >/dev/null || printf '%s\n' "$path"
    done
}
missing_paths | fault 'ARCHITECTURE.md names what is not there'

# 2. The filter runs in Envoy's worker, where there is no thread, socket or executor to have.
for package in countersign-engine countersign-filter; do
  crates_of "$package" --target wasm32-wasip1 |
    { grep -xE 'tokio|tonic|hyper|mio|async-std|reqwest|rustls|sqlx|aws-lc-rs|ring' || true; } |
    fault "$package must not be linked with these: it runs inside a worker of Envoy"
done

# 3. Host calls are in one file, so that one file is where bytes of strangers enter.
rust_lines '\bhostcalls\b' filter | { grep -v '^filter/src/host\.rs:' || true; } |
  fault 'only filter/src/host.rs may name proxy_wasm::hostcalls'
rust_lines '\bunsafe\b|\bextern "C"' filter | { grep -v '^filter/src/host/raw\.rs:' || true; } |
  fault 'unsafe code and raw host calls are in filter/src/host/raw.rs only'

# 4. The engine is a function of its arguments: the same bytes, the same answer, natively and in wasm.
rust_lines '\bstd::(time|fs|env|thread|process|io)\b|\bproxy_wasm\b|\bSystemTime\b|\bInstant\b' filter/engine/src |
  without_tests |
  fault 'the engine must not read a clock, a file, an environment, or call its host'

# 5. Who must not see whom.
unseen() {
  local package=$1 reason=$2
  shift 2
  crates_of "$package" | { grep -xF "$@" || true; } | fault "$package must not depend on these: $reason"
}
unseen countersign-auth-sidecar 'the sidecar knows what was proven, not the rules' \
  -e countersign-engine -e countersign-control-plane -e countersign-filter
unseen countersign-control-plane 'the filter and the control plane meet in the contracts alone' \
  -e countersign-filter -e proxy-wasm -e countersign-auth-sidecar
unseen countersign-filter 'the filter and the control plane meet in the contracts alone' \
  -e countersign-control-plane -e countersign-auth-sidecar
unseen countersign-engine 'the engine knows the contracts alone' \
  -e countersign-control-plane -e countersign-auth-sidecar -e countersign-filter -e proxy-wasm
{ grep -nE '^countersign-(filter|auth-sidecar|cli|e2e)\b' ./*/Cargo.toml filter/engine/Cargo.toml || true; } |
  fault 'nobody may depend on a program: what two of them share is in the contracts or the engine'
unseen countersign-proto 'the contracts are generated code and nothing else' \
  -e countersign-engine -e countersign-control-plane -e countersign-auth-sidecar -e countersign-filter
unseen countersign-webauthn 'it asks authenticators and keeps nothing: no store, no socket, no contracts' \
  -e countersign-proto -e countersign-engine -e countersign-control-plane -e countersign-auth-sidecar \
  -e tokio -e sqlx -e axum
unseen countersign-database 'it opens databases and knows nothing of what is in them' \
  -e countersign-proto -e countersign-engine -e countersign-control-plane -e countersign-auth-sidecar \
  -e axum -e tonic
unseen countersign-dpop 'it says what a proof must be: no contracts, no rules, no store' \
  -e countersign-proto -e countersign-engine -e countersign-control-plane -e countersign-auth-sidecar \
  -e tokio
for package in countersign-auth-sidecar countersign-control-plane countersign-cli; do
  unseen "$package" 'what stands in for others in tests is not shipped' -e countersign-stand-ins -e passkey
done
unseen countersign-metrics 'it counts and knows none of us' \
  -e countersign-proto -e countersign-engine -e countersign-control-plane -e countersign-auth-sidecar

# 6. The compiled form is known to who writes it and to who reads it. The rest works with a loaded
#    revision, or passes its bytes on unread. What selects nodes is an expression in the same form.
rust_lines '\b(RevisionBuilder|ProgramBuilder|IndexBuilder|DeviceRulesBuilder|FormWriter|Sections)\b' \
  filter/src control-plane/src auth-sidecar/src cli/src |
  without_tests |
  { grep -vE '^control-plane/src/(compile/|cel/|nodes/selector\.rs)|^cli/src/commands/expr' || true; } |
  fault "only the control plane's compiler may write the compiled form, and only the engine read it"

# 7. One idea in a file: at most 400 lines. Tests are lists of cases and may go on.
find cli control-plane auth-sidecar filter proto tests -name target -prune -o -name '*.rs' -exec wc -l {} + |
  awk '$2 != "total" && $1 > 400 { print $2 ": " $1 " lines" }' |
  without_tests |
  fault 'a file of more than 400 lines holds more than one idea'

exit $status
