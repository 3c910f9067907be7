// The chart of traffic by action, its legend with numbers, and the same as a table.

import { useMemo } from "preact/hooks";
import { useLocation } from "preact-iso";
import { ACTIONS, type Traffic } from "../../api/types";
import { type Series, TimeChart } from "../../chart/time-chart";
import { count, exact } from "../../format/numbers";
import { shortTime } from "../../format/time";
import { useNow } from "../../state/live";
import { STEPS, writeRange } from "../../state/range";
import type { Query } from "../../state/use-query";
import { Card } from "../../ui/parts";
import type { EventsLink } from "./page";
import type { Sums } from "./sums";
import { times } from "./times";

interface Props {
  data: Traffic;
  sums: Sums;
  query: Query;
  step: number;
  events: EventsLink;
}

const NAMES: Record<(typeof ACTIONS)[number], string> = {
  allow: "Allow",
  block: "Block",
  redirect: "Redirect",
  challenge: "Challenge",
  monitor: "Monitor",
};

/** From the bottom up: what is let through carries what is done about the rest. */
const STACKED = ["allow", "challenge", "redirect", "block", "monitor"] as const;

export function TrafficCard({ data, sums, query, step, events }: Props) {
  const { route } = useLocation();
  const hidden = (query.values["hide"] ?? "").split(",").filter(Boolean);
  const table = query.values["view"] === "table";
  const at = useMemo(() => times(data), [data]);
  const hiddenKey = hidden.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: `hiddenKey` is `hidden` as a value.
  const series = useMemo<Series[]>(
    () =>
      STACKED.map(action => ({
        name: NAMES[action],
        colour: action,
        values: data.points.map(point => point.counts[action] ?? 0),
        shown: !hidden.includes(action),
        line: action === "monitor",
      })),
    [data, hiddenKey],
  );
  const toggle = (action: string) => {
    const next = hidden.includes(action) ? hidden.filter(word => word !== action) : [...hidden, action];
    query.set({ hide: next.join(",") }, true);
  };
  const bucket = (index: number, action?: string) => {
    const from = (at[index] ?? 0) * 1000;
    return events({ ...writeRange({ word: "", from, to: from + step * 1000 }), action });
  };
  const label = `Decisions over time by action. ${ACTIONS.map(action => `${NAMES[action]} ${exact(sums[action])}`).join(", ")}.`;
  const stepName = STEPS.find(([seconds]) => seconds === step)?.[1] ?? `${step} s`;
  return (
    <Card
      title="Traffic by action"
      actions={
        <>
          <span class="muted small">{stepName} each</span>
          <div class="segmented">
            <button type="button" aria-pressed={!table} onClick={() => query.set({ view: undefined }, true)}>
              Chart
            </button>
            <button type="button" aria-pressed={table} onClick={() => query.set({ view: "table" }, true)}>
              Table
            </button>
          </div>
        </>
      }
    >
      <ul class="legend">
        {ACTIONS.map(action => (
          <li key={action}>
            <button
              type="button"
              aria-pressed={!hidden.includes(action)}
              title={
                action === "monitor"
                  ? "Counted only; each is in one of the others too"
                  : `Show or hide ${NAMES[action]}`
              }
              onClick={() => toggle(action)}
            >
              <span class={`swatch ${action}`} aria-hidden="true" />
              {NAMES[action]}
            </button>
            <a
              class="figure-link"
              href={events({ action })}
              aria-label={`${NAMES[action]}: ${exact(sums[action])}, show events`}
            >
              {count(sums[action])}
            </a>
          </li>
        ))}
      </ul>
      {table ? (
        <TrafficTable data={data} link={bucket} />
      ) : (
        <TimeChart
          label={label}
          times={at}
          step={step}
          series={series}
          onZoom={(from, to) =>
            query.set({
              ...writeRange({ word: "", from, to }),
              step: undefined,
            })
          }
          onPick={index => {
            route(bucket(index));
          }}
        />
      )}
    </Card>
  );
}

function TrafficTable({ data, link }: { data: Traffic; link: (index: number, action?: string) => string }) {
  const now = useNow(60_000);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section class="table-wrap scroll" aria-label="Traffic by action as a table" tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {ACTIONS.map(action => (
              <th scope="col" class="number" key={action}>
                {NAMES[action]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.points
            .map((point, index) => ({ point, index }))
            .toReversed()
            .map(({ point, index }) => (
              <tr key={point.time}>
                <td>
                  <a class="figure-link" href={link(index)}>
                    {shortTime(point.time, now)}
                  </a>
                </td>
                {ACTIONS.map(action => (
                  <td class="number" key={action}>
                    {point.counts[action] ? (
                      <a
                        class="figure-link"
                        href={link(index, action)}
                        aria-label={`${NAMES[action]}, ${shortTime(point.time, now)}: ${exact(point.counts[action])} events`}
                      >
                        {exact(point.counts[action])}
                      </a>
                    ) : (
                      <span class="muted">0</span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}
