import { expect, test } from "vitest";
import { parse } from "yaml";
import { identifiers, ruleText } from "./device-rule";

const EVENT = {
  event_id: "01a20331-54ee-75c6-a954-9ba41399b108",
  client_address: "203.0.113.7",
  inputs: [
    { name: "geo.asn", value: "64500" },
    { name: "geo.country", value: '"NO"' },
    { name: "score", value: "85" },
  ],
};

test("a rule can go by what the event tells, the narrowest first", () => {
  expect(identifiers(EVENT, "dev-1").map(one => [one.field, one.value])).toEqual([
    ["visitor_id", "dev-1"],
    ["cidr_block", "203.0.113.7/32"],
    ["asn", 64500],
    ["country_code", "NO"],
  ]);
  expect(identifiers({ ...EVENT, client_address: "2001:db8::1", inputs: [] }, "")[0]?.value).toBe(
    "2001:db8::1/128",
  );
});

test("a rule is a document with a name of its own", () => {
  const [address] = identifiers({ ...EVENT, inputs: [] }, "");
  if (!address) {
    throw new Error("no identifier");
  }
  const text = ruleText(EVENT, address, "BLOCK", Date.parse("2026-11-23T12:00:00.5Z"), "yes: no # why");
  expect(parse(text)).toEqual({
    apiVersion: "countersign.dev/v1",
    kind: "DeviceRule",
    metadata: { name: "event-9ba41399b108-cidr-block" },
    spec: {
      cidr_block: "203.0.113.7/32",
      verdict: "BLOCK",
      expires: "2026-11-23T12:00:00Z",
      description: "yes: no # why",
    },
  });
});
