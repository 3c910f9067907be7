// Prints what the first load of the dashboard weighs, compressed, and fails above the budget.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

/** Bytes after gzip: on a slow phone line (1.6 Mbit/s) this is a second. */
const BUDGET = 200 * 1024;
/** What opens at `/`. */
const FIRST_PAGE = "src/pages/mitigation/page.tsx";

const dist = new URL("../dist/site/", import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
const files = new Set(["index.html"]);
const chunks = new Set();

function take(key) {
  const chunk = manifest[key];
  if (!chunk || chunks.has(key)) {
    return;
  }
  chunks.add(key);
  files.add(chunk.file);
  for (const file of [...(chunk.css ?? []), ...(chunk.assets ?? [])]) {
    files.add(file);
  }
  for (const imported of chunk.imports ?? []) {
    take(imported);
  }
}

if (!manifest[FIRST_PAGE]) {
  throw new Error(`the manifest has no ${FIRST_PAGE}: the budget would measure the wrong thing`);
}
take("index.html");
take(FIRST_PAGE);

let gzip = 0;
let brotli = 0;
for (const file of [...files].sort()) {
  const bytes = readFileSync(join(dist, file));
  const packed = gzipSync(bytes, { level: 9 }).length;
  gzip += packed;
  brotli += brotliCompressSync(bytes).length;
  console.log(`${file.padEnd(44)} ${String(bytes.length).padStart(8)}  gzip ${String(packed).padStart(7)}`);
}
const kb = bytes => `${(bytes / 1024).toFixed(1)} KB`;
console.log(`first load: ${kb(gzip)} gzip, ${kb(brotli)} brotli; budget ${kb(BUDGET)}`);
const later = Object.values(manifest).filter(chunk => chunk.file.endsWith(".js") && !files.has(chunk.file));
const heaviest = later
  .map(chunk => ({
    file: chunk.file,
    packed: gzipSync(readFileSync(join(dist, chunk.file)), { level: 9 }).length,
  }))
  .sort((a, b) => b.packed - a.packed)[0];
if (heaviest) {
  console.log(
    `heaviest of ${later.length} parts that load later: ${heaviest.file}, ${kb(heaviest.packed)} gzip`,
  );
}
// The browser has no use for it.
rmSync(join(dist, "manifest.json"));
if (gzip > BUDGET) {
  console.error("the first load is above its budget");
  process.exit(1);
}
