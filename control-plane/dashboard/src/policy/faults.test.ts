import { expect, test } from "vitest";
import { faultsByField, keyAt } from "./faults";

const TEXT = `kind: MitigationPolicy
metadata: {name: A}
spec:
  endpoints:
    - "checkout"
  when: >-
    score >= 70 &&
    scor < 3
  challenge: {minAssurance: uv, maxAge: soon}
  priority: high
`;

test("a place belongs to the key before it, or to the one that its line stands under", () => {
  const at = (needle: string) => {
    const offset = TEXT.indexOf(needle);
    const before = TEXT.slice(0, offset).split("\n");
    return keyAt(TEXT, before.length, (before.at(-1) ?? "").length + 1);
  };
  expect(at("A}")).toBe("name");
  expect(at('"checkout"')).toBe("endpoints");
  expect(at("scor <")).toBe("when");
  expect(at("soon")).toBe("maxAge");
  expect(at("uv,")).toBe("minAssurance");
  expect(at("high")).toBe("priority");
  expect(at("priority")).toBe("priority");
});

test("a field shows its first error and no warning", () => {
  const finding = (severity: string, message: string) => ({ severity, message, line: 10, column: 13 });
  expect(
    faultsByField(TEXT, [finding("warning", "w"), finding("error", "one"), finding("error", "two")]),
  ).toEqual({
    priority: "one",
  });
});
