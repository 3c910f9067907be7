// Puts each text beside itself as brotli and gzip, so that no request is compressed while it waits.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = new URL("../dist/site/", import.meta.url).pathname;
/** Below this an encoding saves no packet. */
const SMALLEST = 1024;

for (const name of readdirSync(dist, { recursive: true })) {
  if (!/\.(html|js|css|svg|json|webmanifest|txt)$/.test(name)) {
    continue;
  }
  const path = join(dist, name);
  const bytes = readFileSync(path);
  if (bytes.length < SMALLEST) {
    continue;
  }
  writeFileSync(`${path}.br`, brotliCompressSync(bytes));
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}
