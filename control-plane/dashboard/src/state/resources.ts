// The present resources, for lists and editors.

import { api, got } from "../api/client";
import type { Resource } from "../api/types";
import { type Live, useLive } from "./live";

export interface Resources {
  revision: string;
  resources: Resource[];
}

/** Somebody else's change shows without a reload. */
const EVERY_MS = 10_000;

export function useResources(every = EVERY_MS): Live<Resources> {
  return useLive("resources", signal => got(api.GET("/api/v1/resources", { signal })), { every });
}
