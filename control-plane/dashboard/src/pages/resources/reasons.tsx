// The reasons that occur, where they come from, and what they lead to.

import { useMemo } from "preact/hooks";
import { reasons as reasonsOf, top } from "../../api/calls";
import { count, exact } from "../../format/numbers";
import { newPath, REASON_OVERRIDE, SIGNAL } from "../../policy/kinds";
import { useLive } from "../../state/live";
import { address } from "../../state/query";
import { NewButton } from "../../ui/origin";
import { Card, VerdictTag } from "../../ui/parts";
import { Failed, Loading } from "../../ui/states";

const DAY_MS = 86_400_000;
const EVERY_MS = 30_000;

export function Reasons({ refusal }: { refusal: string }) {
  const known = useLive("reasons", reasonsOf, { every: EVERY_MS });
  const seen = useLive(
    "top reasons",
    signal => top("reason", { from: new Date(Date.now() - DAY_MS).toISOString(), limit: 100 }, signal),
    { every: EVERY_MS },
  );
  const rows = useMemo(() => {
    const counted = new Map(
      (seen.data?.entries ?? []).map(({ key, counts }) => [
        key,
        counts.allow + counts.block + counts.redirect + counts.challenge,
      ]),
    );
    return (known.data?.reasons ?? [])
      .map(one => ({ ...one, events: counted.get(one.reason) ?? 0 }))
      .sort((a, b) => b.events - a.events || a.reason.localeCompare(b.reason));
  }, [known.data, seen.data]);
  return (
    <Card title="Reasons" flush>
      {known.data === undefined ? (
        known.problem ? (
          <Failed problem={known.problem} again={known.reload} />
        ) : (
          <Loading />
        )
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
                        {one.reason === "RULE_MATCH"
                          ? "a device rule"
                          : one.public
                            ? "a trusted hop"
                            : "no signal of this set"}
                      </span>
                    )}
                  </td>
                  <td>
                    <VerdictTag
                      verdict={
                        one.override?.verdict ??
                        one.signals.find(signal => signal.verdict)?.verdict ??
                        one.default
                      }
                    />{" "}
                    <span class="muted">
                      {one.override
                        ? `overridden, else ${one.default}`
                        : one.signals.some(signal => signal.verdict)
                          ? "as its signal says"
                          : "by default"}
                    </span>
                  </td>
                  <td class="number">
                    <a
                      class="figure-link"
                      href={address("/events", { reason: one.reason, range: "24h" })}
                      aria-label={`${one.reason}: ${exact(one.events)} requests, show events`}
                    >
                      {seen.data ? count(one.events) : "…"}
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
                          href={address(newPath(REASON_OVERRIDE), { reason: one.reason })}
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
