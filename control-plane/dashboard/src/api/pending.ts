// Calls that the OpenAPI document does not have yet, with their types by hand.

import type { Diagnostic } from "./problem";
import { ApiProblem } from "./problem";
import type { Applied } from "./types";

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

export function check(text: string, signal: AbortSignal): Promise<Findings> {
  return call("/api/v1/check", {
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
  const query = new URLSearchParams();
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
