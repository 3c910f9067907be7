#!/usr/bin/env bash
# Prints the folder of schemathesis, which fuzzes the API by its own description; fetches it into
# .cache/schemathesis when it is not there. `PYTHONPATH=FOLDER python3 -m schemathesis.cli` runs it. A
# folder of its own and no virtual environment: Debian has those in a package that a machine may lack.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wanted=$root/scripts/schemathesis.txt

say() { printf 'fetch-schemathesis: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 2; }

"$root/scripts/install-pip.sh" || exit 2
# Some of it is compiled for one version of Python.
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
digest=$(sha256sum "$wanted" | cut -c1-16)
target=$root/.cache/schemathesis/$digest-python$python

if [[ ! -d $target ]]; then
  # Beside the target and renamed at the end: an interrupted run leaves nothing that a later one takes.
  mkdir -p "$root/.cache/schemathesis"
  work=$(mktemp -d "$root/.cache/schemathesis/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "fetching schemathesis (about 20 MB, once)"
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --root-user-action ignore --target "$work/site" --requirement "$wanted" >&2 ||
    give_up "pip could not install what scripts/schemathesis.txt names; check the connection"
  PYTHONPATH=$work/site python3 -c 'import schemathesis' || give_up "schemathesis does not run on this machine"
  # Another run may have been quicker.
  mv -T "$work/site" "$target" 2>/dev/null || [[ -d $target ]] || give_up "cannot write $target"
fi
printf '%s\n' "$target"
