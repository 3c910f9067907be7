#!/usr/bin/env bash
# `make docs`: builds the book of docs/ into target/docs. mdBook is the one on the PATH, or the one in
# .cache/tools, which is built there when it is missing: some minutes, once. No test needs it; what the
# tests check of the book they check by themselves.
set -euo pipefail

version=0.5.4
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/.cache/tools

if found=$(command -v mdbook); then
  mdbook=$found
else
  mdbook=$tools/bin/mdbook
  if ! "$mdbook" --version 2>/dev/null | grep -qE "v?$version\$"; then
    printf 'build-docs: building mdbook %s (some minutes, once)\n' "$version" >&2
    # Its own target directory: the lockfile and profiles of this workspace are not its business.
    CARGO_TARGET_DIR=$tools/build-mdbook cargo install mdbook --quiet --locked --force \
      --no-default-features --features search --version "$version" --root "$tools" >&2
    rm -rf "$tools/build-mdbook"
  fi
fi

"$mdbook" build "$root/docs"
printf 'the book is in target/docs/index.html\n'
