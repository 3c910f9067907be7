// What lists show of a resource, read from its text.

import { parse } from "yaml";
import type { Resource } from "../api/types";

export type Spec = Record<string, unknown>;

const read = new WeakMap<Resource, Spec>();

/** The fields of a resource; none where its text is not what it should be. */
export function specOf(resource: Resource): Spec {
  const known = read.get(resource);
  if (known) {
    return known;
  }
  let spec: Spec = {};
  try {
    const value: unknown = parse(resource.source);
    const found = typeof value === "object" && value !== null ? (value as Spec)["spec"] : undefined;
    if (typeof found === "object" && found !== null) {
      spec = found as Spec;
    }
  } catch {
    // The control plane took it, so it is right by its own reader: only the list has less to show.
  }
  read.set(resource, spec);
  return spec;
}

export function word(spec: Spec, name: string, otherwise = ""): string {
  const value = spec[name];
  return value === undefined || value === null ? otherwise : String(value);
}

/** Those whose name, reason or text has every word that is searched for. */
export function matching(resources: readonly Resource[], searched: string): Resource[] {
  const words = searched.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0
    ? [...resources]
    : resources.filter(({ name, source }) => {
        const text = `${name}\n${source}`.toLowerCase();
        return words.every(one => text.includes(one));
      });
}
