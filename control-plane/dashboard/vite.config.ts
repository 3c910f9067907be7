import { defineConfig } from "vite";

// JSX is compiled by Vite itself (tsconfig's `jsxImportSource`): the Preact preset would bring Babel along.

/** The policy that the control plane sends; `npm run preview` sends it too, so that a breach shows early. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const env = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {};
const target = env["COUNTERSIGN_API"] ?? "http://127.0.0.1:8080";
const token = env["COUNTERSIGN_TOKEN"];
const proxy = {
  "/api": { target, ...(token ? { headers: { authorization: `Bearer ${token}` } } : {}) },
};

export default defineConfig({
  server: { proxy },
  preview: { proxy, headers: { "content-security-policy": CONTENT_SECURITY_POLICY } },
  build: {
    // The control plane embeds this folder.
    outDir: "dist/site",
    target: "es2022",
    // `light-dark()` stays as it is: a rewritten one would not follow the switch.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    manifest: "manifest.json",
    // No data: addresses for fonts or scripts, and no helper that the policy would refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});
