// A policy as a form has it, and as its author wrote it. The form changes only what was changed in it: comments,
// order and fields that it does not know stay.

import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  Pair,
  parseAllDocuments,
  parseDocument,
  Scalar,
  YAMLMap,
  YAMLSeq,
} from "yaml";
import { type Action, isAction } from "../api/types";

export interface PolicyForm {
  name: string;
  hosts: string[];
  endpoints: string[];
  methods: string[];
  /** CEL; empty = always. */
  when: string;
  action: Action;
  mode: "enforce" | "monitor";
  /** Empty = the default. */
  priority: string;
  minAssurance: string;
  maxAge: string;
  location: string;
  status: string;
}

export type Read = { form: PolicyForm; problem?: undefined } | { form?: undefined; problem: string };

/** The order in which people expect the fields of a policy. */
const ORDER = [
  "hosts",
  "endpoints",
  "methods",
  "when",
  "action",
  "challenge",
  "stepUp",
  "redirect",
  "mode",
  "priority",
];

export const BLANK: PolicyForm = {
  name: "",
  hosts: [],
  endpoints: [],
  methods: [],
  when: "",
  action: "monitor",
  mode: "enforce",
  priority: "",
  minAssurance: "",
  maxAge: "",
  location: "",
  status: "",
};

/** A policy to begin with: it counts, and does nothing yet. */
export const TEMPLATE = `apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: new-policy}
spec:
  endpoints: ["/login", "/login/*"]
  when: score >= 70
  action: monitor
`;

function text(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}

function texts(value: unknown): string[] | null {
  if (value === null || value === undefined) {
    return [];
  }
  return Array.isArray(value) && value.every(one => typeof one === "string" || typeof one === "number")
    ? value.map(String)
    : null;
}

/** What the form shows of a text, or why it cannot. */
export function readPolicy(source: string): Read {
  const documents = parseAllDocuments(source);
  if (!Array.isArray(documents) || documents.length !== 1) {
    return { problem: "The form shows one document at a time; this text has none or several." };
  }
  const document = documents[0] as Document.Parsed;
  const error = document.errors[0];
  if (error) {
    return { problem: `The text is not YAML yet: ${error.message.split("\n")[0]}` };
  }
  const value: unknown = document.toJS();
  if (typeof value !== "object" || value === null) {
    return { problem: "The text is no policy yet: it has no fields." };
  }
  const { kind, metadata, spec } = value as Record<string, Record<string, unknown> | undefined>;
  if ((kind as unknown) !== "MitigationPolicy") {
    return {
      problem: `The form shows a MitigationPolicy; this is ${kind ? `a ${text(kind)}` : "without a kind"}.`,
    };
  }
  if (spec !== undefined && spec !== null && typeof spec !== "object") {
    return { problem: "`spec` is no mapping." };
  }
  const fields = spec ?? {};
  const [hosts, endpoints, methods] = [
    texts(fields["hosts"]),
    texts(fields["endpoints"]),
    texts(fields["methods"]),
  ];
  if (!hosts || !endpoints || !methods) {
    return { problem: "`hosts`, `endpoints` and `methods` are lists of texts." };
  }
  const action = text(fields["action"]);
  if (action && !isAction(action)) {
    return { problem: `\`${action}\` is no action.` };
  }
  const inner = (name: string): Record<string, unknown> => {
    const found = fields[name];
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  };
  return {
    form: {
      name: text(metadata?.["name"]),
      hosts,
      endpoints,
      methods,
      when: text(fields["when"]).trim(),
      action: isAction(action) ? action : "monitor",
      mode: fields["mode"] === "monitor" ? "monitor" : "enforce",
      priority: text(fields["priority"]),
      minAssurance: text(inner("challenge")["minAssurance"]),
      maxAge: text(inner("challenge")["maxAge"]),
      location: text(inner("redirect")["location"]),
      status: text(inner("redirect")["status"]),
    },
  };
}

/** The text with what differs between the two forms changed in it. */
export function writePolicy(source: string, before: PolicyForm, after: PolicyForm): string {
  const document = parseDocument(source);
  if (!isMap(document.contents)) {
    return source;
  }
  const changed = (name: keyof PolicyForm) => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  if (changed("name")) {
    put(mapAt(document.contents, "metadata"), "name", after.name);
  }
  const spec = mapAt(document.contents, "spec");
  for (const name of ["hosts", "endpoints", "methods"] as const) {
    if (changed(name)) {
      putList(spec, name, after[name]);
    }
  }
  if (changed("when")) {
    put(spec, "when", after.when || undefined);
  }
  if (changed("action")) {
    put(spec, "action", after.action);
    // What belongs to another action is an error beside this one.
    for (const belongs of ["challenge", "redirect"] as const) {
      if (belongs !== after.action) {
        spec.delete(belongs);
      }
    }
  }
  const acted = changed("action");
  if (after.action === "challenge" && (acted || changed("minAssurance") || changed("maxAge"))) {
    putInner(spec, "challenge", { minAssurance: after.minAssurance, maxAge: after.maxAge });
  }
  if (after.action === "redirect" && (acted || changed("location") || changed("status"))) {
    putInner(spec, "redirect", { location: after.location, status: number(after.status) });
  }
  if (changed("mode")) {
    put(spec, "mode", after.mode === "monitor" ? "monitor" : undefined);
  }
  if (changed("priority")) {
    put(spec, "priority", number(after.priority));
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** A whole number as one; what is none stays as it was typed, for the check to name. */
function number(typed: string): string | number | undefined {
  const trimmed = typed.trim();
  return trimmed === "" ? undefined : /^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}

function mapAt(map: YAMLMap, name: string): YAMLMap {
  const found = map.get(name, true);
  if (isMap(found)) {
    return found as YAMLMap;
  }
  const made = new YAMLMap();
  map.set(name, made);
  return made;
}

/** Puts a new field where people expect it: before the first that comes later in `ORDER`. */
function insert(map: YAMLMap, name: string, value: unknown): void {
  const pair = new Pair(new Scalar(name), value);
  const rank = ORDER.indexOf(name);
  const keyOf = (item: (typeof map.items)[number]) => (isScalar(item.key) ? String(item.key.value) : "");
  const at = rank < 0 ? -1 : map.items.findIndex(item => ORDER.indexOf(keyOf(item)) > rank);
  if (at < 0) {
    map.items.push(pair);
    return;
  }
  // The comment above the first field of a mapping is the mapping's own.
  map.items.splice(at, 0, pair);
}

function put(map: YAMLMap, name: string, value: string | number | undefined): void {
  if (value === undefined || value === "") {
    map.delete(name);
    return;
  }
  const found = map.get(name, true);
  if (isScalar(found)) {
    found.value = value;
    // A block or a folded text of one line is written as one.
    if (typeof value === "string" && !value.includes("\n") && String(found.type).startsWith("BLOCK")) {
      delete found.type;
    }
    return;
  }
  if (map.has(name)) {
    map.set(name, value);
  } else {
    insert(map, name, new Scalar(value));
  }
}

function putList(map: YAMLMap, name: string, values: readonly string[]): void {
  if (values.length === 0) {
    map.delete(name);
    return;
  }
  const found = map.get(name, true);
  if (isSeq(found)) {
    const items = found.items as unknown[];
    const kept = new Map(items.filter(isScalar).map(item => [String(item.value), item]));
    // An entry that stays keeps its comment and its quotes.
    found.items = values.map(value => kept.get(value) ?? quoted(value));
    return;
  }
  const made = new YAMLSeq();
  made.flow = true;
  made.items = values.map(quoted);
  if (map.has(name)) {
    map.set(name, made);
  } else {
    insert(map, name, made);
  }
}

/** Patterns are quoted: `*.example.com` would be an alias. Methods read better without. */
function quoted(value: string): Scalar {
  const scalar = new Scalar(value);
  if (!/^[A-Za-z]+$/.test(value)) {
    scalar.type = Scalar.QUOTE_DOUBLE;
  }
  return scalar;
}

function putInner(spec: YAMLMap, name: string, values: Record<string, string | number | undefined>): void {
  const found = spec.get(name, true) as unknown;
  const there = isMap(found);
  const map = there ? (found as YAMLMap) : new YAMLMap();
  for (const [key, value] of Object.entries(values)) {
    put(map, key, value);
  }
  if (map.items.length === 0) {
    spec.delete(name);
  } else if (!there) {
    map.flow = true;
    if (spec.has(name)) {
      spec.set(name, map);
    } else {
      insert(spec, name, map);
    }
  }
}

/** What the policy does, in a sentence. */
export function sentence(form: PolicyForm): string {
  const verb = {
    allow: "Lets through",
    block: "Refuses",
    redirect: `Redirects${form.location ? ` to ${form.location}` : ""}`,
    challenge: "Challenges",
    monitor: "Counts",
  }[form.action];
  const parts = [
    form.methods.length > 0 ? `${form.methods.join(", ")} requests` : "requests",
    form.endpoints.length > 0 ? `to ${some(form.endpoints)}` : "to every path",
    form.hosts.length > 0 ? `on ${some(form.hosts)}` : "on every host",
    form.when ? `when ${form.when}` : "",
  ].filter(Boolean);
  const demand =
    form.action === "challenge" && (form.minAssurance || form.maxAge)
      ? ` A session${form.minAssurance ? ` of ${form.minAssurance} or better` : ""}${form.maxAge ? ` not older than ${form.maxAge}` : ""} satisfies it.`
      : "";
  const mode =
    form.mode === "monitor" && form.action !== "monitor" ? " It only counts what it would do." : "";
  return `${verb} ${parts.join(" ")}.${demand}${mode}`;
}

function some(values: readonly string[]): string {
  const shown = values.slice(0, 3).join(", ");
  return values.length > 3 ? `${shown} and ${values.length - 3} more` : shown;
}
