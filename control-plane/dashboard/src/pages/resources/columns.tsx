// What the list of each kind shows.

import type { ComponentChildren } from "preact";
import type { Resource } from "../../api/types";
import { exact, plural } from "../../format/numbers";
import { dateTime } from "../../format/time";
import { type Spec, specOf, word } from "../../policy/facts";
import { address } from "../../state/query";
import { Tag, VerdictTag, When } from "../../ui/parts";

export interface Column {
  name: string;
  number?: boolean;
  show: (spec: Spec, now: number, resource: Resource) => ComponentChildren;
}

const IDENTIFIERS: Record<string, string> = {
  visitor_id: "Visitor",
  browser_id: "Browser",
  visitor_fingerprint: "Visitor fingerprint",
  browser_fingerprint: "Browser fingerprint",
  hardware_fingerprint: "Hardware fingerprint",
  network_fingerprint: "Network fingerprint",
  cidr_block: "Addresses",
  asn: "Network (ASN)",
  country_code: "Country",
};

function values(value: unknown): string[] {
  return Array.isArray(value)
    ? value.map(String)
    : value === undefined || value === null
      ? []
      : [String(value)];
}

/** The first values, and how many more there are. */
function some(all: readonly string[], first = 3): ComponentChildren {
  if (all.length === 0) {
    return <span class="muted">none</span>;
  }
  return (
    <>
      <span class="mono break">{all.slice(0, first).join(", ")}</span>
      {all.length > first && <span class="muted"> and {exact(all.length - first)} more</span>}
    </>
  );
}

function condition(spec: Spec): ComponentChildren {
  const text = word(spec, "when").replaceAll(/\s+/g, " ").trim();
  return text ? <code class="break clamp">{text}</code> : <span class="muted">always</span>;
}

const EXPIRES: Column = {
  name: "Ends",
  show: (spec, now) => {
    const expires = word(spec, "expires");
    if (!expires) {
      return <span class="muted">never</span>;
    }
    return Date.parse(expires) <= now ? (
      <Tag tone="warn">ended {dateTime(expires)}</Tag>
    ) : (
      <When time={expires} now={now} />
    );
  },
};

export const COLUMNS: Record<string, readonly Column[]> = {
  Signal: [
    { name: "When", show: condition },
    { name: "Weight", number: true, show: spec => word(spec, "weight") },
    {
      name: "Reason",
      show: spec => (
        <a class="tag" href={address("/events", { reason: word(spec, "reason"), range: "24h" })}>
          {word(spec, "reason")}
        </a>
      ),
    },
    {
      name: "Verdict",
      show: spec =>
        word(spec, "verdict") ? (
          <VerdictTag verdict={word(spec, "verdict")} />
        ) : (
          <span class="muted">the reason's own</span>
        ),
    },
  ],
  DeviceRule: [
    {
      name: "Whom",
      show: spec => {
        const field = Object.keys(IDENTIFIERS).find(name => spec[name] !== undefined) ?? "";
        return (
          <>
            <span class="muted">{IDENTIFIERS[field]}</span> {some(values(spec[field]), 2)}
          </>
        );
      },
    },
    { name: "Verdict", show: spec => <VerdictTag verdict={word(spec, "verdict")} /> },
    EXPIRES,
    { name: "Description", show: spec => <span class="break">{word(spec, "description")}</span> },
  ],
  ReasonOverride: [
    {
      name: "Reason",
      show: spec => (
        <a class="tag" href={address("/events", { reason: word(spec, "reason"), range: "24h" })}>
          {word(spec, "reason")}
        </a>
      ),
    },
    { name: "Verdict", show: spec => <VerdictTag verdict={word(spec, "verdict")} /> },
  ],
  List: [
    {
      name: "Holds",
      show: spec => ["strings", "numbers", "cidrs"].find(name => spec[name] !== undefined) ?? "",
    },
    {
      name: "Entries",
      number: true,
      show: spec => exact(values(spec["strings"] ?? spec["numbers"] ?? spec["cidrs"]).length),
    },
    { name: "Such as", show: spec => some(values(spec["strings"] ?? spec["numbers"] ?? spec["cidrs"])) },
    { name: "In conditions", show: (_, __, { name }) => <code>lists.{name}</code> },
  ],
  RolloutStrategy: [
    { name: "Stages", show: spec => stages(spec["stages"]) },
    {
      name: "Approval",
      show: spec => (word(spec, "approval") === "required" ? "by a second person" : "none"),
    },
    {
      name: "Gates",
      show: spec => (
        <span class="break">
          {Object.keys((spec["gates"] as Spec | undefined) ?? {}).join(", ") || "the usual ones"}
        </span>
      ),
    },
  ],
  Settings: [
    {
      name: "Says",
      show: spec => <span class="break">{Object.keys(spec).join(", ") || "nothing but defaults"}</span>,
    },
  ],
};

function stages(value: unknown): ComponentChildren {
  const all = Array.isArray(value) ? (value as Spec[]) : [];
  const said = all.map(stage => {
    const reach = stage["percent"] === undefined ? word(stage, "nodes") : `${word(stage, "percent")} %`;
    const lasts = word(stage, "for");
    return lasts ? `${reach} for ${lasts}` : reach;
  });
  return (
    <>
      <span class="muted">{plural(all.length, "stage")}:</span> {said.join(", then ")}
    </>
  );
}

export function expired(resource: Resource, now: number): boolean {
  const expires = word(specOf(resource), "expires");
  return expires !== "" && Date.parse(expires) <= now;
}
