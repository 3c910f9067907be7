#!/usr/bin/env bash
# Makes sure that `python3 -m pip` runs: Debian ships Python without it. Installs it when root, else says
# how; 2 when there is none in the end.
set -euo pipefail

say() { printf 'install-pip: %s\n' "$*" >&2; }

command -v python3 >/dev/null || {
  say 'python3 is missing; install it (apt-get install python3 python3-pip)'
  exit 2
}
python3 -m pip --version >/dev/null 2>&1 && exit 0
if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
  say 'installing pip'
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-pip; } \
    >/dev/null 2>&1 || true
fi
python3 -m pip --version >/dev/null 2>&1 || {
  say 'pip is missing; install it (apt-get install python3-pip)'
  exit 2
}
