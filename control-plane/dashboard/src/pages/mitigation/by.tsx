// Traffic by policy, and pass rates by assurance.

import { useMemo } from "preact/hooks";
import type { Traffic } from "../../api/types";
import { count, exact, share } from "../../format/numbers";
import type { Query } from "../../state/use-query";
import { Empty } from "../../ui/states";
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
  return (
    <div class="table-wrap">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Policy</th>
            <th scope="col" class="number">
              Challenge
            </th>
            <th scope="col" class="number">
              Pass rate
            </th>
            <th scope="col" class="number">
              Block
            </th>
            <th scope="col" class="number">
              Redirect
            </th>
            <th scope="col" class="number">
              Allow
            </th>
            <th scope="col" class="number">
              Monitor
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ policy, sums }) => (
            <tr key={policy}>
              <td>
                <a href={query.link({ policy })}>{policy}</a>
              </td>
              <td class="number">{figure(sums.challenge, policy, "challenge")}</td>
              <td class="number">
                {sums.challenge === 0 ? (
                  <span class="muted">–</span>
                ) : (
                  <a
                    class="figure-link"
                    href={events({ policy, action: "challenge", step: "passed" })}
                    aria-label={`${policy}, pass rate: ${share(passRate(sums))}, show passed challenges`}
                  >
                    {share(passRate(sums))}
                  </a>
                )}
              </td>
              <td class="number">{figure(sums.block, policy, "block")}</td>
              <td class="number">{figure(sums.redirect, policy, "redirect")}</td>
              <td class="number">{figure(sums.allow, policy, "allow")}</td>
              <td class="number">{figure(sums.monitor, policy, "monitor")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function ByAssurance({ data, events }: { data: Traffic; events: EventsLink }) {
  const rows = useMemo(() => byAssurance(data.policies), [data]);
  if (rows.length === 0) {
    return <Empty title="No challenge, no assurance">Grades appear with the first challenge.</Empty>;
  }
  return (
    <div class="table-wrap">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Assurance demanded</th>
            <th scope="col" class="number">
              Challenges
            </th>
            <th scope="col" class="number">
              Passed
            </th>
            <th scope="col" class="number">
              Pass rate
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ assurance, sums }) => (
            <tr key={assurance}>
              <td>
                <code>{assurance}</code>
              </td>
              <td class="number">
                <a class="figure-link" href={events({ action: "challenge", assurance })}>
                  {count(sums.challenge)}
                </a>
              </td>
              <td class="number">
                <a class="figure-link" href={events({ action: "challenge", assurance, step: "passed" })}>
                  {count(sums.passed)}
                </a>
              </td>
              <td class="number">
                <a
                  class="figure-link"
                  href={events({ action: "challenge", assurance, step: "passed" })}
                  aria-label={`${assurance}, pass rate: ${share(passRate(sums))}, show passed challenges`}
                >
                  {share(passRate(sums))}
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
