// Calls that the OpenAPI document does not have yet, with their types by hand.

import type { Diagnostic } from "./problem";
import { ApiProblem } from "./problem";
import type { Applied, Counts } from "./types";

export interface Finding extends Diagnostic {
  end_line: number;
  end_column: number;
  advice: string[];
}

export interface Findings {
  accepted: boolean;
  diagnostics: Finding[];
}

export interface Language {
  names: { name: string; type: string; doc: string; absent?: string }[];
  functions: { name: string; overloads: string[] }[];
}

async function call<T>(address: string, init: RequestInit): Promise<T> {
  const response = await fetch(address, init);
  const body: unknown = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ApiProblem(response.status, body as object);
  }
  return body as T;
}

/** What a text is called in its findings, which tells them from those of other resources. */
export const THIS_TEXT = "this text";
/** What is kept with a resource that was saved here. */
const SAVED_HERE = "dashboard";

export function check(text: string, signal: AbortSignal): Promise<Findings> {
  return call(`/api/v1/check?${new URLSearchParams({ file: THIS_TEXT })}`, {
    method: "POST",
    headers: { "content-type": "application/yaml" },
    body: text,
    signal,
  });
}

export function language(signal: AbortSignal): Promise<Language> {
  return call("/api/v1/language", { signal });
}

export interface ApplyOptions {
  base: string;
  message: string;
  dryRun?: boolean;
  /** Stages by the strategy of this name; empty = as the default strategy says. */
  strategy?: string;
  /** Everywhere at once, whatever the default strategy says. */
  now?: boolean;
}

/** With `strategy` and `now`, which the API takes and its document does not name yet. */
export function apply(text: string, options: ApplyOptions): Promise<Applied> {
  const query = new URLSearchParams({ file: options.dryRun ? THIS_TEXT : SAVED_HERE });
  for (const [name, value] of Object.entries(options)) {
    if (value) {
      query.set(name, String(value));
    }
  }
  return call(`/api/v1/resources?${query}`, {
    method: "POST",
    headers: { "content-type": "application/yaml" },
    body: text,
  });
}

/** What events can be searched by; the API names each of them so too. */
export const EVENT_FILTERS = [
  "q",
  "policy",
  "mentions",
  "action",
  "host",
  "path",
  "address",
  "device",
  "reason",
  "verdict",
  "step",
  "cause",
  "assurance",
] as const;
export type EventFilter = (typeof EVENT_FILTERS)[number];

export interface EventPage {
  events: DecisionEvent[];
  next_cursor?: string;
}

export type EventQuery = Partial<
  Record<EventFilter | "from" | "to" | "cursor" | "limit", string | undefined>
>;

function search(query: Record<string, string | undefined>): string {
  const said = Object.entries(query).filter(
    (one): one is [string, string] => one[1] !== undefined && one[1] !== "",
  );
  return new URLSearchParams(said).toString();
}

export function events(query: EventQuery, signal: AbortSignal): Promise<EventPage> {
  return call(`/api/v1/events?${search(query)}`, { signal });
}

export type TopBy = "policy" | "host" | "path" | "reason" | "address" | "device" | "user_agent" | "ja4";

export interface Top {
  by: string;
  entries: { key: string; counts: Counts }[];
  others: Counts;
  /** Of which events; absent where all traffic was counted. */
  events?: { looked_at: number; since?: string; whole: boolean };
}

export function top(
  by: TopBy,
  query: Partial<Record<"from" | "to" | "policy" | "host" | "action" | "limit", string | undefined>>,
  signal: AbortSignal,
): Promise<Top> {
  return call(`/api/v1/top?${search({ by, ...query })}`, { signal });
}

/** An event with the parts that the API's document leaves open. */
export interface DecisionEvent {
  event_id: string;
  time: string | null;
  node: string;
  revision: string;
  action: string;
  policy: string;
  status: number;
  score: number;
  upstream_score: number;
  signals: { name: string; weight: number; reason: string }[];
  verdict: string;
  reasons: string[];
  min_assurance: string;
  session: { valid: boolean; assurance: string; age_s: number; device: string; problem: string } | null;
  monitored: { policy: string; action: string }[];
  satisfied: string[];
  method: string;
  scheme: string;
  host: string;
  path: string;
  client_address: string;
  user_agent: string;
  ja4: string;
  inputs: { name: string; value: string }[];
  errors: { policy: string; error: string }[];
  notes: string[];
  weight: number;
  outcomes: {
    step: string;
    time: string | null;
    kind: string;
    cause: string;
    assurance: string;
    device: string;
    claimed: boolean;
  }[];
  explanation: string[];
}

export function event(id: string, signal: AbortSignal): Promise<DecisionEvent> {
  return call(`/api/v1/events/${encodeURIComponent(id)}`, { signal });
}

/** A rollout with the parts that the API's document leaves open. */
export interface RolloutView {
  id: number;
  state: string;
  why: string;
  strategy: string;
  author: string;
  message: string;
  started: string | null;
  stable: string;
  candidate: string;
  /** From 1. */
  stage: number;
  elapsed_ms: number;
  stages: { nodes: string; lasts_ms: number; monitor: boolean }[];
  gates: {
    gate: string;
    verdict: "holds" | "waits" | "fails";
    measured: string;
    bound: string;
    node: string;
  }[];
  nodes: { connected: number; reached: number; live: number };
  candidate_counts: Decided;
  control_counts: Decided;
  steps: { time: string | null; state: string; stage: number; who: string; why: string }[];
  unanswered?: string;
}

/** What workers say that they decided. */
export interface Decided {
  requests: number;
  allow: number;
  block: number;
  redirect: number;
  challenge: number;
  monitor: number;
  satisfied: number;
  errors: number;
}

export async function rollout(signal: AbortSignal): Promise<RolloutView | null> {
  return (await call<{ rollout: RolloutView | null }>("/api/v1/rollout", { signal })).rollout;
}

export async function rollouts(signal: AbortSignal): Promise<RolloutView[]> {
  return (await call<{ rollouts: RolloutView[] }>("/api/v1/rollouts", { signal })).rollouts;
}

export interface NodeDetail {
  id: string;
  cluster: string;
  state: string;
  revision: string;
  reason: string;
  since: string | null;
  envoy_version: string;
  expected_workers: number;
  workers: { vm: string; revision: string; seen: string | null; filter_version: string }[];
  gateways: string[];
  resources: {
    name: string;
    gateway: string;
    state: string;
    revision: string;
    reason: string;
    renewals: number;
  }[];
  target: string;
  guard_denials: number;
}

export function nodes(signal: AbortSignal): Promise<{ target_revision: string; nodes: NodeDetail[] }> {
  return call("/api/v1/nodes", { signal });
}
