// The calls of the API, by what they ask.

import { api, got } from "./client";
import { ApiProblem } from "./problem";
import type { components } from "./schema";
import type { Applied, DecisionEvent, Resource, RolloutView } from "./types";

type Schemas = components["schemas"];

export type Finding = Schemas["Diagnostic"];
export type Findings = Schemas["Findings"];
export type Language = Schemas["Language"];
export type Top = Schemas["Top"];

/** What a text is called in its findings, which tells them from those of other resources. */
export const THIS_TEXT = "this text";
/** What is kept with a resource that was saved here. */
const SAVED_HERE = "dashboard";

/** A body that is a text already. */
const YAML = {
  bodySerializer: (body: unknown) => String(body),
  headers: { "content-type": "application/yaml" },
} as const;

export function check(text: string, signal: AbortSignal): Promise<Findings> {
  return got(
    api.POST("/api/v1/check", { signal, params: { query: { file: THIS_TEXT } }, body: text, ...YAML }),
  );
}

export function language(signal: AbortSignal): Promise<Language> {
  return got(api.GET("/api/v1/language", { signal }));
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

export function apply(
  text: string,
  { base, message, dryRun, strategy, now }: ApplyOptions,
): Promise<Applied> {
  const query = {
    file: dryRun ? THIS_TEXT : SAVED_HERE,
    ...(base ? { base } : {}),
    ...(message ? { message } : {}),
    ...(dryRun ? { dryRun } : {}),
    ...(strategy ? { strategy } : {}),
    ...(now ? { now } : {}),
  };
  return got(api.POST("/api/v1/resources", { params: { query }, body: text, ...YAML }));
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

export type EventPage = Schemas["Events"];

export type EventQuery = Partial<Record<EventFilter | "from" | "to" | "cursor", string | undefined>> & {
  limit?: number;
};

/** Parameters without those that say nothing. */
function said<T extends object>(query: T): T {
  return Object.fromEntries(
    Object.entries(query).filter(([, value]) => value !== undefined && value !== ""),
  ) as T;
}

export function events(query: EventQuery, signal: AbortSignal): Promise<EventPage> {
  // An address can hold any words; the API says which of them it does not know.
  return got(api.GET("/api/v1/events", { signal, params: { query: said(query) as object } }));
}

export function event(id: string, signal: AbortSignal): Promise<DecisionEvent> {
  return got(api.GET("/api/v1/events/{id}", { signal, params: { path: { id } } }));
}

export type TopBy = "policy" | "host" | "path" | "reason" | "address" | "device" | "user_agent" | "ja4";

export function top(
  by: TopBy,
  query: { from?: string; to?: string | undefined; policy?: string; host?: string; limit?: number },
  signal: AbortSignal,
): Promise<Top> {
  const { to, ...rest } = query;
  return got(
    api.GET("/api/v1/top", {
      signal,
      params: { query: { by, ...said({ ...rest, ...(to ? { to } : {}) }) } },
    }),
  );
}

export async function rollout(signal: AbortSignal): Promise<RolloutView | null> {
  return (await got(api.GET("/api/v1/rollout", { signal }))).rollout;
}

export async function rollouts(signal: AbortSignal): Promise<RolloutView[]> {
  return (await got(api.GET("/api/v1/rollouts", { signal }))).rollouts;
}

export interface Page {
  q?: string | undefined;
  /** Device rules whose time has passed, or all others. */
  expired?: boolean;
  limit?: number;
  cursor?: string | undefined;
}

/** Resources of a kind; all of them where no limit is said. */
export function resources(kind: string, page: Page, signal: AbortSignal): Promise<Schemas["Resources"]> {
  return got(
    api.GET("/api/v1/resources", { signal, params: { query: { kind, ...(said(page) as object) } } }),
  );
}

/** One resource, and a revision that is not newer than it: what is changed in between shows as a conflict. */
export async function resource(
  kind: string,
  name: string | undefined,
  signal: AbortSignal,
): Promise<{ revision: string; resource: Resource | undefined }> {
  const { revision } = await resources(kind, { limit: 1 }, signal);
  if (name === undefined) {
    return { revision, resource: undefined };
  }
  try {
    const found = await got(
      api.GET("/api/v1/resources/{kind}/{name}", { signal, params: { path: { kind, name } } }),
    );
    return { revision, resource: found };
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) {
      return { revision, resource: undefined };
    }
    throw error;
  }
}

export function reasons(signal: AbortSignal): Promise<Schemas["Reasons"]> {
  return got(api.GET("/api/v1/reasons", { signal }));
}
