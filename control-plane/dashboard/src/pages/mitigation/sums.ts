// What the dashboard adds up.

import type { Counts, PolicyTraffic, Traffic } from "../../api/types";
import type { Cell } from "../../format/csv";
import { ratio } from "../../format/numbers";

/** The steps of a challenge, in order, and where people leave it. */
export const MEASURES = [
  "allow",
  "block",
  "redirect",
  "challenge",
  "monitor",
  "page_served",
  "started",
  "unsupported",
  "cancelled",
  "rejected",
  "passed",
  "satisfied",
  "came_back",
] as const;
export type Measure = (typeof MEASURES)[number];

export type Sums = Record<Measure, number>;

export function nothing(): Sums {
  return Object.fromEntries(MEASURES.map(measure => [measure, 0])) as Sums;
}

export function add(sums: Sums, counts: Counts): Sums {
  for (const measure of MEASURES) {
    sums[measure] += counts[measure];
  }
  return sums;
}

export function total(counts: readonly Counts[]): Sums {
  return counts.reduce<Sums>(add, nothing());
}

/** Decisions: a policy that only counts decides nothing, so `monitor` is in one of the others already. */
export function decisions(sums: Sums): number {
  return sums.allow + sums.block + sums.redirect + sums.challenge;
}

export function passRate(sums: Pick<Sums, "passed" | "challenge">): number | undefined {
  return ratio(sums.passed, sums.challenge);
}

/** Challenges by the assurance that they demanded, over all policies. */
export function byAssurance(policies: readonly PolicyTraffic[]): { assurance: string; sums: Sums }[] {
  const graded = new Map<string, Sums>();
  for (const policy of policies) {
    for (const { assurance, counts } of policy.by_assurance ?? []) {
      graded.set(assurance, add(graded.get(assurance) ?? nothing(), counts));
    }
  }
  return [...graded]
    .map(([assurance, sums]) => ({ assurance, sums }))
    .filter(({ sums }) => sums.challenge > 0)
    .sort((a, b) => b.sums.challenge - a.sums.challenge);
}

/** Why answers were rejected, over all policies, the most frequent first. */
export function causes(policies: readonly PolicyTraffic[]): { cause: string; count: number }[] {
  const counted = new Map<string, number>();
  for (const policy of policies) {
    for (const { cause, count } of policy.rejected_by ?? []) {
      counted.set(cause, (counted.get(cause) ?? 0) + count);
    }
  }
  return [...counted].map(([cause, count]) => ({ cause, count })).sort((a, b) => b.count - a.count);
}

/** The dashboard as a table: one row for each point of time. */
export function trafficTable(traffic: Traffic): { head: string[]; rows: Cell[][] } {
  return {
    head: ["time", ...MEASURES, "pass_rate"],
    rows: traffic.points.map(({ time, counts }) => [
      time,
      ...MEASURES.map(measure => counts[measure]),
      counts.pass_rate,
    ]),
  };
}
