// The worker's SHA-256 against NIST's examples and against Node's own, and its solutions against both.
// `node pow.mjs PATH_OF_POW_JS` prints the answer to one puzzle as JSON when all is well.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

const source = readFileSync(process.argv[2], "utf8");
const names = "{ FIRST, W, H, compress, solve }";
const { FIRST, W, H, compress, solve } = new Function("onmessage", "postMessage", `${source}; return ${names}`)();

// The padding of FIPS 180-4, around the worker's own block function.
const sha256 = (message) => {
  const length = Math.ceil((message.length + 9) / 64) * 64;
  const padded = Buffer.alloc(length);
  message.copy(padded);
  padded[message.length] = 0x80;
  padded.writeBigUInt64BE(BigInt(message.length) * 8n, length - 8);
  H.set(FIRST);
  for (let at = 0; at < length; at += 64) {
    for (let i = 0; i < 16; i++) W[i] = padded.readInt32BE(at + 4 * i);
    compress();
  }
  const out = Buffer.alloc(32);
  H.forEach((word, i) => out.writeInt32BE(word, 4 * i));
  return out.toString("hex");
};

const NIST = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
  [
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
  ],
  ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
];
for (const [message, digest] of NIST) assert.equal(sha256(Buffer.from(message)), digest);
for (let length = 0; length < 200; length++) {
  const message = randomBytes(length);
  assert.equal(sha256(message), createHash("sha256").update(message).digest("hex"));
}

const { seed, below, puzzles } = JSON.parse(process.argv[3]);
const numbers = Array.from({ length: puzzles }, (_, index) => solve(seed, below, index));
numbers.forEach((number, index) => {
  const block = Buffer.alloc(40);
  Buffer.from(seed, "base64url").copy(block);
  block.writeUInt32BE(index, 32);
  block.writeUInt32BE(number, 36);
  assert.ok(createHash("sha256").update(block).digest().readUInt32BE(0) < below);
});
console.log(JSON.stringify({ numbers }));
