// Traffic by policy, and pass rates by assurance.

import { useMemo } from "preact/hooks";
import type { Traffic } from "../../api/types";
import { count, exact, share } from "../../format/numbers";
import type { Query } from "../../state/use-query";
import { Empty } from "../../ui/states";
import { Figures } from "./figures";
import type { EventsLink } from "./page";
import { byAssurance, decisions, passRate, total } from "./sums";

export function ByPolicy({ data, query, events }: { data: Traffic; query: Query; events: EventsLink }) {
  const rows = useMemo(
    () =>
      data.policies
        .map(({ policy, counts }) => ({ policy, sums: total([counts]) }))
        .map(row => ({ ...row, hits: row.sums.monitor + decisions(row.sums) + row.sums.satisfied }))
        .filter(row => row.hits > 0 && row.policy !== "")
        .sort((a, b) => b.hits - a.hits),
    [data],
  );
  if (rows.length === 0) {
    return <Empty title="No policy matched">In this range no request met the conditions of any.</Empty>;
  }
  const figure = (number: number, policy: string, action: string) =>
    number === 0 ? (
      <span class="muted">0</span>
    ) : (
      <a
        class="figure-link"
        href={events(action === "monitor" ? { policy: undefined, mentions: policy } : { policy, action })}
        aria-label={`${policy}, ${action}: ${exact(number)} events`}
      >
        {count(number)}
      </a>
    );
  const passed = ({ policy, sums }: (typeof rows)[number]) =>
    sums.challenge === 0 ? (
      <span class="muted">–</span>
    ) : (
      <a
        class="figure-link"
        href={events({ policy, action: "challenge", step: "passed" })}
        aria-label={`${policy}, pass rate: ${share(passRate(sums))}, show passed challenges`}
      >
        {share(passRate(sums))}
      </a>
    );
  return (
    <Figures
      about="Policy"
      name={({ policy }) => <a href={query.link({ policy })}>{policy}</a>}
      id={({ policy }) => policy}
      rows={rows}
      columns={[
        { title: "Challenge", figure: ({ sums, policy }) => figure(sums.challenge, policy, "challenge") },
        { title: "Pass rate", figure: passed },
        { title: "Block", figure: ({ sums, policy }) => figure(sums.block, policy, "block") },
        { title: "Redirect", figure: ({ sums, policy }) => figure(sums.redirect, policy, "redirect") },
        { title: "Allow", figure: ({ sums, policy }) => figure(sums.allow, policy, "allow") },
        { title: "Monitor", figure: ({ sums, policy }) => figure(sums.monitor, policy, "monitor") },
      ]}
    />
  );
}

export function ByAssurance({ data, events }: { data: Traffic; events: EventsLink }) {
  const rows = useMemo(() => byAssurance(data.policies), [data]);
  if (rows.length === 0) {
    return <Empty title="No challenge, no assurance">Grades appear with the first challenge.</Empty>;
  }
  return (
    <Figures
      about="Assurance demanded"
      name={({ assurance }) => <code>{assurance}</code>}
      id={({ assurance }) => assurance}
      rows={rows}
      columns={[
        {
          title: "Challenges",
          figure: ({ assurance, sums }) => (
            <a class="figure-link" href={events({ action: "challenge", assurance })}>
              {count(sums.challenge)}
            </a>
          ),
        },
        {
          title: "Passed",
          figure: ({ assurance, sums }) => (
            <a class="figure-link" href={events({ action: "challenge", assurance, step: "passed" })}>
              {count(sums.passed)}
            </a>
          ),
        },
        {
          title: "Pass rate",
          figure: ({ assurance, sums }) => (
            <a
              class="figure-link"
              href={events({ action: "challenge", assurance, step: "passed" })}
              aria-label={`${assurance}, pass rate: ${share(passRate(sums))}, show passed challenges`}
            >
              {share(passRate(sums))}
            </a>
          ),
        },
      ]}
    />
  );
}
