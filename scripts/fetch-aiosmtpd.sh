#!/usr/bin/env bash
# Prints the folder of aiosmtpd, the mail server that tests send codes to; fetches it into .cache/aiosmtpd
# when it is not there. `PYTHONPATH=FOLDER python3 …` runs what imports it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wanted=$root/scripts/aiosmtpd.txt

say() { printf 'fetch-aiosmtpd: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 2; }

"$root/scripts/install-pip.sh" || exit 2
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
digest=$(sha256sum "$wanted" | cut -c1-16)
target=$root/.cache/aiosmtpd/$digest-python$python

if [[ ! -d $target ]]; then
  # Beside the target and renamed at the end: an interrupted run leaves nothing that a later one takes.
  mkdir -p "$root/.cache/aiosmtpd"
  work=$(mktemp -d "$root/.cache/aiosmtpd/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "fetching aiosmtpd (under 1 MB, once)"
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --root-user-action ignore --target "$work/site" --requirement "$wanted" >&2 ||
    give_up "pip could not install what scripts/aiosmtpd.txt names; check the connection"
  PYTHONPATH=$work/site python3 -c 'import aiosmtpd.controller' || give_up "aiosmtpd does not run on this machine"
  # Another run may have been quicker.
  mv -T "$work/site" "$target" 2>/dev/null || [[ -d $target ]] || give_up "cannot write $target"
fi
printf '%s\n' "$target"
