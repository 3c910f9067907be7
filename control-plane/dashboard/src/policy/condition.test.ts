import { describe, expect, test } from "vitest";
import { FIELDS, OPERATORS, readCondition, writeCondition } from "./condition";

describe("a condition in rows", () => {
  test.each([
    "score >= 70",
    'score >= 70 && request.method == "POST"',
    "score >= 70 && !(source.address in lists.offices)",
    '"SCRIPTED_CLIENT" in reasons || !("TOR" in reasons)',
    'request.headers["user-agent"].contains("Headless")',
    '!request.url_path.contains("/api")',
    String.raw`request.url_path.matches(r"^/v\d+/")`,
    "session.valid && !session.valid",
    'session.assurance >= "uv"',
    'request.query == "a\\"b\\\\c"',
  ])("reads and writes `%s`", text => {
    const condition = readCondition(text);
    expect(condition.rows.every(row => row.kind === "test")).toBe(true);
    expect(writeCondition(condition)).toBe(text);
  });

  test.each([
    "score + 1 > 2",
    'request.headers.exists(name, name.startsWith("x-"))',
    "score > 1 ? true : false",
    '(score > 1 || score < 0) && request.method == "GET"',
    'score > 1 && score < 5 || request.method == "GET"',
    'request.path.contains("a && b")',
    'request.query == "\\n"',
    "!(score > 1 && session.valid)",
    "score >= 70.5",
    'score == "70"',
    "score >= (",
  ])("keeps what rows cannot say: `%s`", text => {
    expect(writeCondition(readCondition(text))).toBe(text);
  });

  test("puts brackets around a text that would be read otherwise", () => {
    expect(
      writeCondition({
        join: "all",
        rows: [
          { kind: "text", text: "a || b" },
          { kind: "test", field: "score", operator: ">=", value: "70" },
        ],
      }),
    ).toBe("(a || b) && score >= 70");
  });

  test("has no rows where it always holds", () => {
    expect(readCondition("").rows).toEqual([]);
    expect(readCondition(" true ").rows).toEqual([]);
    expect(writeCondition({ join: "all", rows: [] })).toBe("");
  });

  test("has operators for every field, and each comes back", () => {
    for (const field of FIELDS) {
      for (const [operator] of OPERATORS[field.type]) {
        const value =
          field.type === "number"
            ? "7"
            : field.type === "address"
              ? "lists.offices"
              : field.type === "bool"
                ? ""
                : "a\\b";
        const row = { kind: "test" as const, field: field.name, operator, value };
        expect(readCondition(writeCondition({ join: "all", rows: [row] })).rows).toEqual([row]);
      }
    }
  });
});
