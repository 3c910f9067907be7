import { expect, test } from "vitest";
import { type Identity, refusal } from "./session";

const who = (role: Identity["role"], source = "token:1"): Identity => ({ name: "vera", role, source });

test("a role covers those below it", () => {
  expect(refusal(who("approver"), "editor")).toBe("");
  expect(refusal(who("editor"), "editor")).toBe("");
  expect(refusal(who("viewer"), "editor")).toBe("this needs the role editor; yours is viewer");
  expect(refusal(who("editor"), "approver")).toContain("approver");
});

test("a node may nothing, and open access everything", () => {
  expect(refusal(who("node"), "viewer")).not.toBe("");
  expect(refusal(who(null, "open"), "approver")).toBe("");
  expect(refusal(null, "viewer")).toBe("you are not signed in");
});
