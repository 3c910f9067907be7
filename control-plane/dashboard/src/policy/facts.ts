// What lists show of a resource.

import type { Resource } from "../api/types";

export type Spec = Record<string, unknown>;

/** The fields of a resource, as they are written; none of a text that is too long to be told so. */
export function specOf(resource: Resource): Spec {
  return resource.spec ?? {};
}

export function word(spec: Spec, name: string, otherwise = ""): string {
  const value = spec[name];
  return value === undefined || value === null ? otherwise : String(value);
}

/** Those whose name or text has every word that is searched for. */
export function matching(resources: readonly Resource[], searched: string): Resource[] {
  const words = searched.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0
    ? [...resources]
    : resources.filter(({ name, source }) => {
        const text = `${name}\n${source}`.toLowerCase();
        return words.every(one => text.includes(one));
      });
}
