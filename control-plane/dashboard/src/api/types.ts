// The API's words, short.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Counts = Schemas["Counts"];
export type PolicyTraffic = Schemas["PolicyTraffic"];
export type Traffic = Schemas["Traffic"];
export type Resource = Schemas["Resource"];
export type Revision = Schemas["Revision"];
export type Difference = Schemas["Difference"];
export type Change = Schemas["Change"];
export type Applied = Schemas["Applied"];
export type Node = Schemas["Node"];
export type Revocation = Schemas["Revocation"];
export type AuditEntry = Schemas["AuditEntry"];

export const ACTIONS = ["allow", "block", "redirect", "challenge", "monitor"] as const;
export type Action = (typeof ACTIONS)[number];

export function isAction(word: string): word is Action {
  return (ACTIONS as readonly string[]).includes(word);
}

// What follows refines schemas that the API's document leaves open in part.

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
