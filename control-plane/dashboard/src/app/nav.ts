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
    entries: [
      { name: "Mitigation Policies", href: "/policies/mitigation", icon: "policy" },
      { name: "Signals", href: "/policies/signals", icon: "signal" },
      { name: "Device Rules", href: "/policies/device-rules", icon: "device" },
      { name: "Verdict Reasons", href: "/policies/reasons", icon: "reason" },
      { name: "Lists", href: "/policies/lists", icon: "list" },
      { name: "Settings", href: "/policies/settings", icon: "settings" },
    ],
  },
  { group: "Delivery", entries: [{ name: "Rollouts and nodes", href: "/rollouts", icon: "rollout" }] },
  { group: "Investigate", entries: [{ name: "Events", href: "/events", icon: "search" }] },
  {
    group: "Administration",
    entries: [
      { name: "Keys and sessions", href: "/administration/keys", icon: "key" },
      { name: "Passkeys", href: "/administration/passkeys", icon: "passkey" },
      { name: "Audit", href: "/administration/audit", icon: "audit" },
    ],
  },
];

/** The entry whose page, or whose page's part, this path is. */
export function isCurrent(entry: NavEntry, path: string): boolean {
  return path === entry.href || path.startsWith(`${entry.href}/`);
}
