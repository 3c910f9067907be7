// Challenges over time: passed or not, and the rate.

import { useMemo } from "preact/hooks";
import type { Traffic } from "../../api/types";
import { type Series, TimeChart } from "../../chart/time-chart";
import { writeRange } from "../../state/range";
import type { Query } from "../../state/use-query";
import { times } from "./times";

export function Challenges({ data, query, step }: { data: Traffic; query: Query; step: number }) {
  const at = useMemo(() => times(data), [data]);
  const series = useMemo<Series[]>(() => {
    const values = (read: (counts: Traffic["points"][number]["counts"]) => number | null) =>
      data.points.map(point => read(point.counts));
    return [
      { name: "Passed", colour: "good", shown: true, values: values(counts => counts.passed ?? 0) },
      {
        name: "Not passed",
        colour: "challenge",
        shown: true,
        // A pass belongs to the minute of its challenge, so that this is never less than nothing.
        values: values(counts => Math.max(0, (counts.challenge ?? 0) - (counts.passed ?? 0))),
      },
      {
        name: "Pass rate",
        colour: "text",
        shown: true,
        share: true,
        values: values(counts => counts.pass_rate ?? null),
      },
    ];
  }, [data]);
  return (
    <>
      <ul class="legend">
        {series.map(one => (
          <li key={one.name}>
            <span class={`swatch ${one.colour}`} aria-hidden="true" />
            {one.name}
          </li>
        ))}
      </ul>
      <TimeChart
        label="Challenges over time: passed, not passed, and the pass rate. The table above has the numbers."
        times={at}
        step={step}
        series={series}
        short
        onZoom={(from, to) =>
          query.set({
            ...writeRange({ word: "", from, to }),
            step: undefined,
          })
        }
      />
    </>
  );
}
