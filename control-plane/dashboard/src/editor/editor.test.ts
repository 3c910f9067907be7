import { describe, expect, test } from "vitest";
import type { Language } from "../api/calls";
import { offer } from "./complete";
import { offsetOf, span } from "./places";

const LANGUAGE: Language = {
  names: [
    { name: "request.host", type: "string", doc: "the host" },
    { name: "score", type: "int", doc: "the score" },
    { name: "lists.offices", type: "list(cidr)", doc: "a `List`" },
  ],
  functions: [
    { name: "contains", overloads: ["string.(string) -> bool"] },
    { name: "getHours", overloads: ["timestamp.() -> int"] },
    { name: "int", overloads: ["(string) -> int"] },
  ],
};

/** What is offered where `|` stands. */
function offered(marked: string): string[] | undefined {
  const position = marked.indexOf("|");
  const found = offer(marked.replace("|", ""), position, LANGUAGE);
  return found?.options.map(option => option.label);
}

const HEAD = "kind: MitigationPolicy\nmetadata: {name: a}\nspec:\n";

describe("what can stand where somebody writes", () => {
  test("fields of the kind in its spec", () => {
    expect(offered(`${HEAD}  act|`)).toContain("action");
    expect(offered("kind: Signal\nspec:\n  |")).toEqual(["when", "weight", "reason", "verdict"]);
    expect(offered(`${HEAD}  challenge:\n    |`)).toContain("minAssurance");
  });

  test("words of a field", () => {
    expect(offered(`${HEAD}  action: ch|`)).toContain("challenge");
    expect(offered(`${HEAD}  challenge: {minAssurance: |}`)).toContain("uv_bound");
    expect(offered(`${HEAD}  methods: [GET, |]`)).toContain("POST");
  });

  test("names and functions in a condition, on its line and below", () => {
    expect(offered(`${HEAD}  when: sc|`)).toContain("score");
    expect(offered(`${HEAD}  when: >-\n    score > 1 &&\n    req|`)).toContain("request.host");
    expect(offered(`${HEAD}  when: request.host.co|`)).toEqual(["contains"]);
    expect(offered(`${HEAD}  when: request.|`)).toContain("request.host");
    expect(offered(`${HEAD}  when: request.headers["x"].|`)).toEqual(["contains", "getHours"]);
  });

  test("nothing in a text, in a comment, or where nothing is known", () => {
    expect(offered(`${HEAD}  when: request.host == "sc|`)).toBeUndefined();
    expect(offered(`${HEAD}  # act|`)).toBeUndefined();
    expect(offered(`${HEAD}  priority: 1|`)).toBeUndefined();
  });
});

describe("places of findings", () => {
  test("count characters, of which some have two code units", () => {
    const text = "a: 🦊🦊 x\nb: y";
    expect(text.slice(offsetOf(text, { line: 1, column: 7 }))).toBe("x\nb: y");
    expect(offsetOf(text, { line: 2, column: 4 })).toBe(text.indexOf("y"));
    expect(offsetOf(text, { line: 9, column: 1 })).toBe(text.length);
  });

  test("underline at least one character", () => {
    expect(span("abc\n", { line: 1, column: 2 }, { line: 1, column: 4 })).toEqual({ from: 1, to: 3 });
    expect(span("abc\n", { line: 1, column: 4 }, { line: 1, column: 4 })).toEqual({ from: 2, to: 3 });
    expect(span("abc\n", { line: 0, column: 0 }, { line: 0, column: 0 })).toEqual({ from: 0, to: 1 });
    expect(span("", { line: 0, column: 0 }, { line: 0, column: 0 })).toEqual({ from: 0, to: 0 });
  });
});
