// The reasons that occur, where they come from, and what they lead to.

import { useMemo } from "preact/hooks";
import { top } from "../../api/calls";
import type { Resource } from "../../api/types";
import { count, exact } from "../../format/numbers";
import { specOf, word } from "../../policy/facts";
import { REASON_OVERRIDE, SIGNAL } from "../../policy/kinds";
import { useLive } from "../../state/live";
import { address } from "../../state/query";
import { NewButton } from "../../ui/origin";
import { Card, VerdictTag } from "../../ui/parts";
import { Empty } from "../../ui/states";

const DAY_MS = 86_400_000;
const EVERY_MS = 30_000;

interface Row {
  reason: string;
  signals: { name: string; verdict: string }[];
  override: { name: string; verdict: string } | undefined;
  events: number;
}

export function Reasons({ resources, refusal }: { resources: readonly Resource[]; refusal: string }) {
  const seen = useLive(
    "top reasons",
    signal => top("reason", { from: new Date(Date.now() - DAY_MS).toISOString(), limit: 100 }, signal),
    { every: EVERY_MS },
  );
  const rows = useMemo(() => {
    const known = new Map<string, Row>();
    const row = (reason: string): Row => {
      const found = known.get(reason) ?? { reason, signals: [], override: undefined, events: 0 };
      known.set(reason, found);
      return found;
    };
    for (const resource of resources) {
      const spec = specOf(resource);
      if (resource.kind === SIGNAL.kind) {
        row(word(spec, "reason")).signals.push({ name: resource.name, verdict: word(spec, "verdict") });
      } else if (resource.kind === REASON_OVERRIDE.kind) {
        row(word(spec, "reason")).override = { name: resource.name, verdict: word(spec, "verdict") };
      }
    }
    for (const { key, counts } of seen.data?.entries ?? []) {
      row(key).events += (["allow", "block", "redirect", "challenge"] as const).reduce(
        (sum, name) => sum + (counts[name] ?? 0),
        0,
      );
    }
    known.delete("");
    return [...known.values()].sort((a, b) => b.events - a.events || a.reason.localeCompare(b.reason));
  }, [resources, seen.data]);
  return (
    <Card title="Reasons that occur" flush>
      {rows.length === 0 ? (
        <Empty title="No reason has occurred">
          Signals and device rules give reasons; none is there or none held in a day.
        </Empty>
      ) : (
        <div class="table-wrap">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Reason</th>
                <th scope="col">Given by</th>
                <th scope="col">Leads to</th>
                <th scope="col" class="number">
                  Requests, 24 h
                </th>
                <th scope="col">
                  <span class="visually-hidden">Override</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(one => (
                <tr key={one.reason}>
                  <td>
                    <code>{one.reason}</code>
                  </td>
                  <td>
                    {one.signals.map(signal => (
                      <a
                        key={signal.name}
                        class="spaced"
                        href={`${SIGNAL.path}/${encodeURIComponent(signal.name)}`}
                      >
                        {signal.name}
                      </a>
                    ))}
                    {one.signals.length === 0 && (
                      <span class="muted">
                        {one.reason === "RULE_MATCH" ? "a device rule" : "no signal of this set"}
                      </span>
                    )}
                  </td>
                  <td>
                    {one.override ? (
                      <>
                        <VerdictTag verdict={one.override.verdict} /> <span class="muted">overridden</span>
                      </>
                    ) : one.signals.some(signal => signal.verdict) ? (
                      <VerdictTag verdict={one.signals.find(signal => signal.verdict)?.verdict ?? ""} />
                    ) : (
                      <span class="muted">its default</span>
                    )}
                  </td>
                  <td class="number">
                    <a
                      class="figure-link"
                      href={address("/events", { reason: one.reason, range: "24h" })}
                      aria-label={`${one.reason}: ${exact(one.events)} requests, show events`}
                    >
                      {count(one.events)}
                    </a>
                  </td>
                  <td class="number">
                    {one.reason !== "RULE_MATCH" &&
                      (one.override ? (
                        <a href={`${REASON_OVERRIDE.path}/${encodeURIComponent(one.override.name)}`}>
                          Override
                        </a>
                      ) : (
                        <NewButton
                          quiet
                          href={address(`${REASON_OVERRIDE.path}/new`, { reason: one.reason })}
                          refusal={refusal}
                        >
                          Override
                        </NewButton>
                      ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
