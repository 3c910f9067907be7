// What went wrong with a call, as the API says it (RFC 9457) or as the browser does.

import type { components } from "./schema";

export type Diagnostic = components["schemas"]["Diagnostic"];
export type MeanwhileChange = components["schemas"]["MeanwhileChange"];

const CHANGED_MEANWHILE = "urn:countersign:problem:changed-meanwhile";

export class ApiProblem extends Error {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly diagnostics: Diagnostic[];
  readonly current: string;
  readonly meanwhile: MeanwhileChange[];

  constructor(status: number, body: Partial<components["schemas"]["Problem"]>) {
    super(body.detail || body.title || `the control plane answered ${status} without a reason`);
    this.status = status;
    this.type = body.type ?? "";
    this.title = body.title ?? "";
    this.diagnostics = body.diagnostics ?? [];
    this.current = body.current ?? "";
    this.meanwhile = body.meanwhile ?? [];
  }

  /** Somebody else made a revision since this one was read. */
  get changedMeanwhile(): boolean {
    return this.type === CHANGED_MEANWHILE;
  }

  /** The control plane does not answer at all. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

/** What a failed call threw, as a problem. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) {
    return error;
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new ApiProblem(0, {
    title: "No answer",
    detail: `the control plane does not answer (${reason}); is it running, and is the network up?`,
  });
}
