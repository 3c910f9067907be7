// What there is, in the groups and words that operators know.

import type { IconName } from "../ui/icon";

export interface NavEntry {
  name: string;
  href: string;
  icon: IconName;
}

export const NAVIGATION: readonly { group: string; entries: readonly NavEntry[] }[] = [
  { group: "Dashboards", entries: [{ name: "Mitigation", href: "/dashboards/mitigation", icon: "chart" }] },
  {
    group: "Policies",
    entries: [{ name: "Mitigation Policies", href: "/policies/mitigation", icon: "policy" }],
  },
  { group: "Investigate", entries: [{ name: "Events", href: "/events", icon: "search" }] },
];

/** The entry whose page, or whose page's part, this path is. */
export function isCurrent(entry: NavEntry, path: string): boolean {
  return path === entry.href || path.startsWith(`${entry.href}/`);
}
