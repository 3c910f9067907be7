// Solves puzzles of proof of work, in a Web Worker. A message names one: {seed, below, index}; the
// answer is {index, number}, a number for which SHA-256(seed || index || number) begins below `below`.
// The browser's own digest gives a promise a hash, which costs more than the hash; so it is written
// out. 40 bytes fit into one block, and of its words only the tenth changes.
"use strict";
const K = new Int32Array(64), FIRST = new Int32Array(8), W = new Int32Array(64), H = new Int32Array(8);
{
  // The fractional parts of the cube and square roots of the first primes (FIPS 180-4).
  const word = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  for (let n = 2, i = 0; i < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (i < 8) FIRST[i] = word(Math.sqrt(n));
    K[i++] = word(Math.cbrt(n));
  }
}

// One block: W[0..16] into H.
const compress = () => {
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0;
    d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
};

const solve = (seed, below, index) => {
  const bytes = Uint8Array.from(atob(seed.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  for (let number = 0; number < 2 ** 32; number++) {
    for (let i = 0; i < 8; i++) W[i] = view.getInt32(4 * i);
    W[8] = index;
    W[9] = number;
    W[10] = 0x80000000;
    W.fill(0, 11, 15);
    W[15] = 320;
    H.set(FIRST);
    compress();
    if (H[0] >>> 0 < below) return number;
  }
  throw new Error("no number solves it");
};

onmessage = ({ data: { seed, below, index } }) => postMessage({ index, number: solve(seed, below, index) });
