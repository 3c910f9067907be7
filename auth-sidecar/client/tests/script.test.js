import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { textsFor } from "../texts.js";

const client = new URL("..", import.meta.url);

test("all of it weighs under six kilobytes", () => {
  const modules = readdirSync(client).filter(name => name.endsWith(".js"));
  const code = modules.map(name => readFileSync(new URL(name, client), "utf8")).join("");
  const lines = code.split("\n").filter(line => !/^\s*(\/\/|\/\*\*|\*|import )/.test(line));
  const bytes = gzipSync(lines.join("\n")).length;
  assert.ok(bytes < 6 * 1024, `${bytes} bytes`);
});

test("it depends on nothing", () => {
  for (const name of readdirSync(client).filter(name => name.endsWith(".js")))
    for (const [, from] of readFileSync(new URL(name, client), "utf8").matchAll(/^import .* from "(.*)";$/gm))
      assert.match(from, /^\.\/[a-z]+\.js$/);
});

test("every language has every word", () => {
  for (const language of ["ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "tr", "zh"]) {
    const texts = textsFor(`${language}-XX`);
    assert.equal(texts.lang, language);
    for (const word of ["title", "open", "close"]) assert.ok(texts[word].length > 1, `${language}: ${word}`);
  }
  assert.equal(textsFor("tlh").lang, "en");
  assert.equal(textsFor("AR").dir, "rtl");
});
