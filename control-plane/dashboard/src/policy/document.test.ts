import { describe, expect, test } from "vitest";
import { type PolicyForm, readPolicy, sentence, TEMPLATE, writePolicy } from "./document";

const SOURCE = `# Checkout Protection: what costs money asks everybody.
#
# One proof is good for all of it.
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: checkout-protection, labels: {team: payments}}
spec:
  # The till.
  endpoints: ["/checkout/*", "/payment/*"] # and nothing else
  futureField: {kept: true}
  when: >-
    score >= 70 &&
    request.method == "GET"
  action: challenge # ask
  challenge: {minAssurance: uv, maxAge: 1h, kinds: [fido]}
  priority: 100
`;

function form(source: string): PolicyForm {
  const read = readPolicy(source);
  if (!read.form) {
    throw new Error(read.problem);
  }
  return read.form;
}

function edit(source: string, change: Partial<PolicyForm>): string {
  const before = form(source);
  return writePolicy(source, before, { ...before, ...change });
}

describe("a policy in a form", () => {
  test("reads every field", () => {
    expect(form(SOURCE)).toEqual({
      name: "checkout-protection",
      hosts: [],
      endpoints: ["/checkout/*", "/payment/*"],
      methods: [],
      when: 'score >= 70 && request.method == "GET"',
      action: "challenge",
      mode: "enforce",
      priority: "100",
      minAssurance: "uv",
      maxAge: "1h",
      location: "",
      status: "",
    });
  });

  test("keeps comments and unknown fields when a field changes", () => {
    const text = edit(SOURCE, { priority: "50", hosts: ["*.example.com"] });
    expect(text).toContain("# One proof is good for all of it.");
    expect(text).toContain("# The till.");
    expect(text).toContain("# and nothing else");
    expect(text).toContain("futureField: {kept: true}");
    expect(text).toContain("labels: {team: payments}");
    expect(text).toContain("kinds: [fido]");
    expect(text).toContain('hosts: ["*.example.com"]');
    expect(text).toContain("priority: 50");
    expect(form(text)).toEqual({ ...form(SOURCE), priority: "50", hosts: ["*.example.com"] });
  });

  test("is the same text when nothing changed in a document of our own style", () => {
    expect(edit(TEMPLATE, {})).toBe(TEMPLATE);
  });

  test("keeps the entries of a list that stay, with their quotes", () => {
    const text = edit(SOURCE, { endpoints: ["/payment/*", "/till"] });
    expect(text).toContain('endpoints: ["/payment/*", "/till"] # and nothing else');
  });

  test("takes out what belongs to another action, and puts in what belongs to this one", () => {
    const text = edit(SOURCE, { action: "redirect", location: "/sorry", status: "307" });
    expect(text).not.toContain("minAssurance");
    expect(text).toContain("action: redirect # ask");
    expect(text).toContain("redirect: {location: /sorry, status: 307}");
    const back = edit(text, { action: "challenge", minAssurance: "uv_bound", maxAge: "" });
    expect(back).toContain("challenge: {minAssurance: uv_bound}");
    expect(back).not.toContain("redirect");
  });

  test("keeps the kinds of a challenge whose assurance changes", () => {
    expect(edit(SOURCE, { minAssurance: "uv_bound" })).toContain(
      "challenge: {minAssurance: uv_bound, maxAge: 1h, kinds: [fido]}",
    );
  });

  test("takes fields out that say nothing more", () => {
    const text = edit(SOURCE, { when: "", priority: "", endpoints: [] });
    expect(text).not.toMatch(/when|priority|endpoints/);
    expect(form(text)).toMatchObject({ when: "", priority: "", endpoints: [] });
  });

  test("writes a condition that YAML would misread in quotes", () => {
    const when = '"SCRIPTED_CLIENT" in reasons';
    expect(form(edit(TEMPLATE, { when })).when).toBe(when);
    const hash = 'request.query.contains(" #")';
    expect(form(edit(TEMPLATE, { when: hash })).when).toBe(hash);
  });

  test("leaves a priority that is no number for the check to name", () => {
    expect(edit(TEMPLATE, { priority: "soon" })).toContain("priority: soon");
  });

  test("puts new fields where people expect them", () => {
    const text = edit(TEMPLATE, { methods: ["GET", "POST"], mode: "monitor" });
    expect(text.indexOf("endpoints")).toBeLessThan(text.indexOf("methods: [GET, POST]"));
    expect(text.indexOf("methods")).toBeLessThan(text.indexOf("when"));
    expect(text.indexOf("action")).toBeLessThan(text.indexOf("mode: monitor"));
  });

  test("says why it cannot show a text", () => {
    expect(readPolicy("a: [").problem).toMatch(/not YAML yet/);
    expect(readPolicy("kind: Signal\nspec: {}").problem).toMatch(/a Signal/);
    expect(readPolicy(`${TEMPLATE}---\n${TEMPLATE}`).problem).toMatch(/one document/);
    expect(readPolicy("kind: MitigationPolicy\nspec: {hosts: {a: b}}").problem).toMatch(/lists of texts/);
    expect(readPolicy("kind: MitigationPolicy\nspec: {action: chalenge}").problem).toMatch(/no action/);
    expect(readPolicy("").problem).toBeTruthy();
  });

  test("is told in a sentence", () => {
    expect(sentence(form(SOURCE))).toBe(
      'Challenges requests to /checkout/*, /payment/* on every host when score >= 70 && request.method == "GET". A session of uv or better not older than 1h satisfies it.',
    );
  });
});
