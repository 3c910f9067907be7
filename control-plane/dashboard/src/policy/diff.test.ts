import { expect, test } from "vitest";
import { diffLines, folded } from "./diff";

test("lines that stay, go and come are told apart", () => {
  expect(diffLines("a\nb\nc\n", "a\nx\nc\nd\n").map(line => `${line.kind[0]}${line.text}`)).toEqual([
    "sa",
    "rb",
    "ax",
    "sc",
    "ad",
  ]);
});

test("a text that is new has only added lines", () => {
  expect(diffLines("", "a\nb\n")).toEqual([
    { kind: "added", text: "a" },
    { kind: "added", text: "b" },
  ]);
  expect(diffLines("a\n", "")).toEqual([{ kind: "removed", text: "a" }]);
});

test("long stretches without a change are left out", () => {
  const before = Array.from({ length: 40 }, (_, line) => `line ${line}`).join("\n");
  const shown = folded(diffLines(before, before.replace("line 20", "changed")));
  expect(shown.filter(line => line === null)).toHaveLength(2);
  expect(shown.filter(line => line?.kind === "same")).toHaveLength(6);
});
