#!/usr/bin/env bash
# Prints the path of the CEL conformance suite as one JSON file: what was fetched before, or the test
# data of the npm package `@bufbuild/cel-spec`, which carries the specification's suite.
set -euo pipefail

version=0.6.1
integrity='sha512-m0Ac9qA669yxxC0Hy45qGsUZemjImVfxPl6r9jLbkJviEvv3R9hSYyH2ItGRbDguekX6eId0cb62ulNBK97ezg=='
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache/cel-spec
# The layout of the file is this script's own: another one gets another number.
suite=$cache/$version/suite-1.json

say() { printf 'fetch-cel-spec: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 2; }

if [[ -s $suite ]]; then
  printf '%s\n' "$suite"
  exit 0
fi

for program in node npm tar; do
  command -v "$program" >/dev/null || give_up "$program is missing; install it (apt-get install nodejs npm tar)"
done

# Everything happens beside the target and is renamed at the end: an interrupted run, or another one at
# the same time, leaves nothing that a later one would take for the suite.
mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

say "fetching @bufbuild/cel-spec $version (0.4 MB, once)"
(cd "$work" && npm pack --silent --ignore-scripts "@bufbuild/cel-spec@$version") >"$work/npm.log" 2>&1 || {
  cat "$work/npm.log" >&2
  give_up "npm could not fetch @bufbuild/cel-spec $version; check the connection"
}
archives=("$work"/*.tgz)
[[ -f ${archives[0]} ]] || give_up "npm left no archive of @bufbuild/cel-spec $version"

node - "${archives[0]}" "$integrity" <<'NODE' || give_up "the archive is not the one that this script knows"
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const [archive, expected] = process.argv.slice(2);
const found = "sha512-" + createHash("sha512").update(readFileSync(archive)).digest("base64");
process.exit(found === expected ? 0 : 1);
NODE

tar -xzf "${archives[0]}" -C "$work"
node "$root/scripts/cel-spec-to-json.mjs" "$work/package" >"$work/suite.json"
mkdir -p "$(dirname "$suite")"
mv -f "$work/suite.json" "$suite"
say "the suite is in ${suite#"$root"/}"
printf '%s\n' "$suite"
