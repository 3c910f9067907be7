// What can stand where somebody writes: fields and words of a resource, and names and functions of conditions.

import type { Language } from "../api/calls";

export interface Option {
  label: string;
  detail?: string;
  info?: string;
  /** What is put in, where it is not the label. */
  apply?: string;
  type: "property" | "keyword" | "variable" | "function";
}

export interface Offer {
  from: number;
  options: Option[];
}

const GRADES = ["effort", "human", "possession", "uv", "uv_bound", "uv_attested"];
const KINDS = ["fido", "totp", "otp_email", "captcha", "pow", "nojs"];
const VERDICTS = ["ALLOW", "CHALLENGE", "BLOCK"];

/** Words that a field can have, by its name. */
const WORDS: Record<string, readonly string[]> = {
  action: ["allow", "block", "redirect", "challenge", "monitor"],
  mode: ["enforce", "monitor"],
  minAssurance: GRADES,
  verdict: [...VERDICTS, "NONE"],
  kinds: KINDS,
  fallback: KINDS,
  authenticators: ["client-device", "security-key", "hybrid"],
  status: ["302", "307", "308"],
  plaintext: ["redirect", "block"],
  approval: ["none", "required"],
  kind: ["MitigationPolicy", "Signal", "DeviceRule", "ReasonOverride", "List", "Settings", "RolloutStrategy"],
  apiVersion: ["countersign.dev/v1"],
  methods: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"],
};

/** The fields of a spec, by kind, and of what is inside of it. */
const FIELDS: Record<string, readonly string[]> = {
  "": ["apiVersion", "kind", "metadata", "spec"],
  metadata: ["name"],
  MitigationPolicy: [
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
  ],
  Signal: ["when", "weight", "reason", "verdict"],
  DeviceRule: [
    "visitor_id",
    "browser_id",
    "visitor_fingerprint",
    "browser_fingerprint",
    "hardware_fingerprint",
    "network_fingerprint",
    "cidr_block",
    "asn",
    "country_code",
    "verdict",
    "expires",
    "description",
  ],
  ReasonOverride: ["reason", "verdict"],
  List: ["strings", "numbers", "cidrs"],
  Settings: [
    "trustedHops",
    "score",
    "geo",
    "identifiers",
    "verdicts",
    "challenge",
    "stepUp",
    "exemptPaths",
    "caseSensitivePaths",
    "plaintext",
    "httpsPort",
    "session",
    "ticketLifetime",
    "allowSampling",
    "page",
  ],
  page: ["name", "logo", "accent", "background", "dark", "privacy", "help"],
  dark: ["accent", "background"],
  RolloutStrategy: ["stages", "gates", "approval"],
  challenge: [
    "minAssurance",
    "maxAge",
    "kinds",
    "fallback",
    "holdBody",
    "authenticators",
    "proofOfPossession",
    "otherDevice",
  ],
  redirect: ["location", "status"],
  stepUp: ["upstreams", "kinds", "fallback", "holdBody"],
  session: ["lifetime", "leeway", "boundLifetime"],
  geo: ["countryHeader", "asnHeader"],
  score: ["header"],
};

const EXPRESSIONS = /^(\s*(?:-\s+)?)(when|nodes)\s*:/;
const KEY = /^(\s*)(?:-\s+)?([A-Za-z_]\w*)\s*:/;

interface Line {
  text: string;
  from: number;
}

function linesBefore(text: string, position: number): Line[] {
  const lines: Line[] = [];
  let from = 0;
  for (const line of text.slice(0, position).split("\n")) {
    lines.push({ text: line, from });
    from += line.length + 1;
  }
  return lines;
}

function indent(line: string): number {
  return /^\s*/.exec(line)?.[0].length ?? 0;
}

/** Is the place inside of an expression, on the line of its key or below it? */
function inExpression(lines: readonly Line[]): boolean {
  const last = lines.at(-1);
  if (!last) {
    return false;
  }
  const own = EXPRESSIONS.exec(last.text);
  if (own) {
    return last.text.length >= own[0].length;
  }
  const depth = indent(last.text);
  for (const line of lines.slice(0, -1).toReversed()) {
    if (line.text.trim() === "" || indent(line.text) >= depth) {
      continue;
    }
    return EXPRESSIONS.test(line.text);
  }
  return false;
}

/** The keys around a line, from the inside out. */
function parents(lines: readonly Line[]): string[] {
  const found: string[] = [];
  let depth = indent(lines.at(-1)?.text ?? "");
  for (const line of lines.slice(0, -1).toReversed()) {
    const key = KEY.exec(line.text);
    if (key && (key[1]?.length ?? 0) < depth) {
      found.push(key[2] ?? "");
      depth = key[1]?.length ?? 0;
    }
  }
  return found;
}

function words(from: number, options: readonly string[], type: Option["type"]): Offer {
  return { from, options: options.map(label => ({ label, type })) };
}

function fields(from: number, names: readonly string[] | undefined): Offer | null {
  return names
    ? { from, options: names.map(label => ({ label, apply: `${label}: `, type: "property" as const })) }
    : null;
}

/** Can a function be called on a value of the type? What is not known may be of any. */
function takes(overload: string, type: string | undefined): boolean {
  const base = (text: string) => /^\w+/.exec(text)?.[0];
  return type === undefined || type === "dyn" || base(overload) === base(type);
}

function inside(language: Language | undefined, line: Line, position: number): Offer | null {
  const before = line.text.slice(0, position - line.from);
  const quoted = (before.match(/(?<!\\)"/g)?.length ?? 0) % 2 === 1;
  if (!language || quoted) {
    return null;
  }
  const typed = /[A-Za-z_][\w.]*$/.exec(before)?.[0] ?? "";
  const called = /[)\]"']\.([A-Za-z_]\w*)?$/.exec(before);
  const from = position - (called ? (called[1]?.length ?? 0) : typed.length);
  const method = called || /\.\w*$/.test(typed);
  const methods = (receiver: string | undefined): Option[] =>
    language.functions.flatMap(({ name, overloads }) => {
      const fits = overloads.filter(overload => overload.includes(".(") && takes(overload, receiver));
      return fits.length > 0
        ? [{ label: name, detail: fits[0] ?? "", apply: `${name}(`, type: "function" as const }]
        : [];
    });
  if (called) {
    return { from, options: methods(undefined) };
  }
  const names: Option[] = language.names.map(one => ({
    label: one.name,
    detail: one.type,
    info: one.absent ? `${one.doc}; ${one.absent}` : one.doc,
    type: "variable",
  }));
  const plain: Option[] = language.functions
    .filter(one => one.overloads.some(overload => overload.startsWith("(")))
    .map(one => ({
      label: one.name,
      detail: one.overloads[0] ?? "",
      apply: `${one.name}(`,
      type: "function",
    }));
  const receiver = method ? typed.slice(0, typed.lastIndexOf(".")) : "";
  const known = receiver === "" ? undefined : language.names.find(one => one.name === receiver);
  return known
    ? { from: position - (typed.length - typed.lastIndexOf(".") - 1), options: methods(known.type) }
    : { from, options: [...names, ...plain] };
}

/** What can stand at a place; `null` = nothing that is known. */
export function offer(text: string, position: number, language: Language | undefined): Offer | null {
  const lines = linesBefore(text, position);
  const last = lines.at(-1);
  if (!last || /(^|\s)#/.test(last.text.replaceAll(/"[^"]*"/g, ""))) {
    return null;
  }
  if (inExpression(lines)) {
    return inside(language, last, position);
  }
  const typed = /[\w/.]*$/.exec(last.text)?.[0] ?? "";
  const from = position - typed.length;
  const flow = /(\w+)\s*:\s*(?:[[{](?:[^\]}]*[,\s[{])?)?$/.exec(
    last.text.slice(0, last.text.length - typed.length),
  );
  const key = /([A-Za-z_]\w*)\s*:\s*\[?[^\]:]*$/.exec(
    last.text.slice(0, last.text.length - typed.length),
  )?.[1];
  if (key && WORDS[key]) {
    return words(from, WORDS[key] ?? [], "keyword");
  }
  if (flow?.[1] && FIELDS[flow[1]] && /\{[^}]*$/.test(last.text)) {
    return fields(from, FIELDS[flow[1]]);
  }
  if (!/^\s*(?:-\s+)?\w*$/.test(last.text)) {
    return null;
  }
  const around = parents(lines);
  const kind = /^kind:\s*(\w+)/m.exec(text)?.[1] ?? "";
  const scope = around[0] === "spec" ? kind : (around[0] ?? "");
  return fields(from, FIELDS[scope]);
}
