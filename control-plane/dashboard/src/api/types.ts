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
export type Nodes = Schemas["Nodes"];
export type Revocation = Schemas["Revocation"];
export type DecisionEvent = Schemas["Event"];
export type RolloutView = Schemas["Rollout"];
/** What workers say that they decided. */
export type Decided = Schemas["WorkerCounts"];
export type AuditEntry = Schemas["AuditEntry"];

export const ACTIONS = ["allow", "block", "redirect", "challenge", "monitor"] as const;
export type Action = (typeof ACTIONS)[number];

export function isAction(word: string): word is Action {
  return (ACTIONS as readonly string[]).includes(word);
}
