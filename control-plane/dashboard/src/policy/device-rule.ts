// A device rule out of an event.

import { stringify } from "yaml";

export interface Identifier {
  /** As in the rule. */
  field: string;
  value: string | number;
  label: string;
}

interface Seen {
  event_id: string;
  client_address: string;
  inputs: readonly { name: string; value: string }[];
}

/** The device, by whom it is told: the session, or the answer to the challenge. */
export function deviceOf(event: {
  session: { device: string } | null;
  outcomes: readonly { device: string }[];
}): string {
  return event.session?.device || event.outcomes.find(one => one.device)?.device || "";
}

/** What a rule can go by, of what the event tells: the narrowest first. */
export function identifiers(event: Seen, device: string): Identifier[] {
  const input = (name: string) =>
    event.inputs.find(one => one.name === name)?.value.replaceAll('"', "") ?? "";
  const found: Identifier[] = [];
  const visitor = device || input("device.visitor_id");
  if (visitor) {
    found.push({ field: "visitor_id", value: visitor, label: `Device ${visitor}` });
  }
  for (const field of [
    "browser_id",
    "visitor_fingerprint",
    "browser_fingerprint",
    "hardware_fingerprint",
    "network_fingerprint",
  ]) {
    const value = input(`device.${field}`);
    if (value) {
      found.push({ field, value, label: `${field.replaceAll("_", " ")} ${value}` });
    }
  }
  if (event.client_address) {
    const range = `${event.client_address}/${event.client_address.includes(":") ? 128 : 32}`;
    found.push({ field: "cidr_block", value: range, label: `Address ${event.client_address}` });
  }
  const asn = Number(input("geo.asn"));
  if (Number.isInteger(asn) && asn > 0) {
    found.push({ field: "asn", value: asn, label: `Network AS${asn}` });
  }
  const country = input("geo.country");
  if (/^[A-Z]{2}$/.test(country)) {
    found.push({ field: "country_code", value: country, label: `Country ${country}` });
  }
  return found;
}

export function ruleText(
  event: Seen,
  identifier: Identifier,
  verdict: string,
  expires: number | undefined,
  description: string,
): string {
  const spec: Record<string, string | number> = { [identifier.field]: identifier.value, verdict };
  if (expires !== undefined) {
    spec["expires"] = new Date(expires).toISOString().replace(/\.\d+Z$/, "Z");
  }
  if (description) {
    spec["description"] = description;
  }
  return stringify(
    {
      apiVersion: "countersign.dev/v1",
      kind: "DeviceRule",
      metadata: { name: ruleName(event, identifier) },
      spec,
    },
    { lineWidth: 0 },
  );
}

/** One rule for one identifier of one event: made twice, it is the same rule. */
function ruleName(event: Seen, identifier: Identifier): string {
  const tail = event.event_id.replaceAll("-", "").slice(-12).toLowerCase();
  return `event-${tail}-${identifier.field.replaceAll("_", "-")}`;
}
