#!/usr/bin/env bash
# Prints the path of a promtool: PROMTOOL, or the one on the PATH, or the one in .cache/promtool, which is
# taken out of Debian's package `prometheus` when it is missing. The package is not installed: nobody who
# runs the tests asked for a Prometheus that starts with the machine.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache/promtool
binary=$cache/promtool

say() { printf 'fetch-promtool: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 2; }

if [[ -n ${PROMTOOL:-} ]]; then
  [[ -x $PROMTOOL ]] || give_up "PROMTOOL is $PROMTOOL, which is not a program"
  printf '%s\n' "$PROMTOOL"
  exit 0
fi
if found=$(command -v promtool); then
  printf '%s\n' "$found"
  exit 0
fi
if [[ -x $binary ]]; then
  printf '%s\n' "$binary"
  exit 0
fi

for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null ||
    give_up "there is no $program; install promtool with this system's package manager (it comes with Prometheus), or set PROMTOOL to it"
done

# Everything happens beside the target and is renamed at the end: an interrupted run leaves nothing that a
# later one would take for the program.
mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt hands downloads to a user of its own.
chmod 755 "$work"

say 'fetching the package prometheus (about 20 MB, once)'
download() { (cd "$work" && apt-get download prometheus) >"$work/apt.log" 2>&1; }
if ! download; then
  # The lists of packages may be old, or not there at all.
  if [[ $(id -u) -ne 0 ]] || ! apt-get update >>"$work/apt.log" 2>&1 || ! download; then
    cat "$work/apt.log" >&2
    give_up 'apt-get could not download it; run: sudo apt-get update'
  fi
fi
packages=("$work"/prometheus_*.deb)
dpkg-deb --fsys-tarfile "${packages[0]}" | tar -x -C "$work" ./usr/bin/promtool
"$work/usr/bin/promtool" --version >/dev/null 2>&1 || give_up 'the fetched promtool does not run on this machine'
mv -f "$work/usr/bin/promtool" "$binary"
printf '%s\n' "$binary"
