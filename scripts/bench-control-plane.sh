#!/usr/bin/env bash
# `make bench-control-plane`: builds the control plane as it is shipped and measures it, beside a
# PostgreSQL server of its own (or the one that DATABASE_URL names). Arguments go to the bench:
# `--only fanout,ingest,compile`, `--nodes N`, `--rounds N`; `--help` lists them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build-filter.sh
"${CARGO:-cargo}" build --release --locked -p countersign-control-plane -p countersign-bench-control-plane

exec scripts/with-postgres.sh target/release/bench-control-plane "$@"
