#!/usr/bin/env bash
# Prints the path of a cargo-deny: the one on the PATH, or the one in .cache/tools, which is built there
# when it is missing. Building takes some minutes, once.
set -euo pipefail

version=0.20.2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/.cache/tools

if found=$(command -v cargo-deny); then
  printf '%s\n' "$found"
  exit 0
fi
if ! "$tools/bin/cargo-deny" --version 2>/dev/null | grep -qxF "cargo-deny $version"; then
  printf 'install-cargo-deny: building cargo-deny %s (some minutes, once)\n' "$version" >&2
  # Its own target directory: the lockfile and profiles of this workspace are not its business.
  CARGO_TARGET_DIR=$tools/build cargo install cargo-deny --quiet --locked --force \
    --version "$version" --root "$tools" >&2
  rm -rf "$tools/build"
fi
printf '%s\n' "$tools/bin/cargo-deny"
