import { expect, test } from "vitest";
import type { Counts, PolicyTraffic } from "../../api/types";
import { byAssurance, causes, decisions, MEASURES, nothing, passRate, total, trafficTable } from "./sums";

const counts = (said: Partial<Counts>): Counts => ({ ...nothing(), ...said });

test("counts are added up", () => {
  expect(total([counts({ allow: 1, challenge: 4 }), counts({ challenge: 6, passed: 5 })])).toEqual({
    ...nothing(),
    allow: 1,
    challenge: 10,
    passed: 5,
  });
});

test("a policy that only counts decides nothing", () => {
  expect(decisions({ ...nothing(), allow: 3, block: 1, monitor: 9 })).toBe(4);
});

test("there is no pass rate without challenges", () => {
  expect(passRate(nothing())).toBeUndefined();
  expect(passRate({ challenge: 8, passed: 2 })).toBe(0.25);
});

const POLICIES: PolicyTraffic[] = [
  {
    policy: "a",
    counts: counts({}),
    by_assurance: [
      { assurance: "uv", counts: counts({ challenge: 3, passed: 1 }) },
      { assurance: "human", counts: counts({ challenge: 0 }) },
    ],
    rejected_by: [{ cause: "expired", count: 1 }],
  },
  {
    policy: "b",
    counts: counts({}),
    by_assurance: [
      { assurance: "uv", counts: counts({ challenge: 1 }) },
      { assurance: "uv_bound", counts: counts({ challenge: 9 }) },
    ],
    rejected_by: [
      { cause: "wrong_origin", count: 2 },
      { cause: "expired", count: 4 },
    ],
  },
];

test("grades and causes are added up over policies, the most frequent first", () => {
  expect(byAssurance(POLICIES).map(one => [one.assurance, one.sums.challenge, one.sums.passed])).toEqual([
    ["uv_bound", 9, 0],
    ["uv", 4, 1],
  ]);
  expect(causes(POLICIES)).toEqual([
    { cause: "expired", count: 5 },
    { cause: "wrong_origin", count: 2 },
  ]);
});

test("the table has a column for each measure and an empty cell for no rate", () => {
  const { head, rows } = trafficTable({
    total: nothing(),
    policies: [],
    kinds: [],
    points: [{ time: "2026-11-22T12:00:00.000Z", counts: counts({ allow: 7 }) }],
  });
  expect(head).toEqual(["time", ...MEASURES, "pass_rate"]);
  expect(rows).toEqual([["2026-11-22T12:00:00.000Z", 7, ...MEASURES.slice(1).map(() => 0), undefined]]);
});
