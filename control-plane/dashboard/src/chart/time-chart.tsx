// A chart over time: stacked bars, lines above them, a note under the pointer, a stretch to zoom into.
//
// uPlot: a tenth of the size of the usual chart libraries, draws a hundred thousand points in the time of a
// frame, and sets styles through the object model only, which a strict content security policy permits.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colour, paint } from "../app/theme";
import { count, exact } from "../format/numbers";
import { axisTimes, dateTime } from "../format/time";
import { stack } from "./stack";

export interface Series {
  name: string;
  /** A colour of the style sheet. */
  colour: string;
  values: (number | null)[];
  shown: boolean;
  /** Drawn as a line by itself, not part of the stack. */
  line?: boolean;
  /** A line of shares, on an axis of its own from 0 to 100 %. */
  share?: boolean;
}

interface Props {
  /** What the chart says, for whoever does not see it. */
  label: string;
  /** Seconds: where each point begins. */
  times: number[];
  step: number;
  series: Series[];
  short?: boolean;
  onZoom?: (fromMs: number, toMs: number) => void;
  onPick?: (index: number) => void;
}

const HEIGHT = 280;
const SHORT = 220;

function bars(): uPlot.Series.PathBuilder {
  const make = uPlot.paths.bars;
  if (!make) {
    throw new Error("uPlot was built without bars");
  }
  return make({ size: [0.86, 48], align: 1, gap: 0 });
}

function steps(): uPlot.Series.PathBuilder {
  const make = uPlot.paths.stepped;
  if (!make) {
    throw new Error("uPlot was built without steps");
  }
  return make({ align: 1 });
}

/** The series as uPlot draws them: the highest stack first, so that lower ones cover its lower part. */
function arranged(series: Series[], times: number[]): { data: uPlot.AlignedData; order: number[] } {
  const stackedAt = series.flatMap((one, index) => (one.line || one.share ? [] : [index]));
  const stacked = stack(
    stackedAt.map(index => (series[index]?.values ?? []).map(value => value ?? 0)),
    stackedAt.map(index => series[index]?.shown ?? false),
  );
  const columns = new Map<number, (number | null)[]>();
  stackedAt.forEach((index, at) => {
    columns.set(index, stacked[at] ?? []);
  });
  series.forEach((one, index) => {
    if (one.line || one.share) {
      columns.set(index, one.shown ? one.values : one.values.map(() => null));
    }
  });
  const lines = series.flatMap((one, index) => (one.line || one.share ? [index] : []));
  const order = [...stackedAt.toReversed(), ...lines];
  return { data: [times, ...order.map(index => columns.get(index) ?? [])] as uPlot.AlignedData, order };
}

export function TimeChart({ label, times, step, series, short = false, onZoom, onPick }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [hover, setHover] = useState<{ index: number; left: number; flip: boolean }>();
  const painted = paint.value;
  const hasShares = series.some(one => one.share);
  const shape = JSON.stringify([series.map(one => [one.name, one.colour, one.line, one.share]), step, short]);
  const callbacks = useRef({ onZoom, onPick });
  callbacks.current = { onZoom, onPick };
  const latest = useRef({ times, series });
  latest.current = { times, series };

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when its shape or its colours change.
  useEffect(() => {
    const element = host.current;
    if (!element) {
      return;
    }
    const { data, order } = arranged(latest.current.series, latest.current.times);
    const text = colour("muted");
    const line = colour("line");
    const axis: uPlot.Axis = {
      stroke: text,
      font: "12px system-ui, sans-serif",
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      width: element.clientWidth || 600,
      height: short ? SHORT : HEIGHT,
      padding: [10, hasShares ? 0 : 18, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false },
        points: { show: false },
        x: true,
        y: false,
      },
      scales: {
        x: { time: true, range: (_, min, max) => [min, max + step] },
        y: { range: (_, __, max) => [0, Math.max(max * 1.06, 4)] },
        share: { range: [0, 1] },
      },
      axes: [
        { ...axis, grid: { show: false }, values: (_, at) => axisTimes(at, step), space: 70, size: 40 },
        {
          ...axis,
          values: (_, at) => at.map(value => (Number.isInteger(value) ? count(value) : "")),
          size: 52,
        },
        ...(hasShares
          ? [
              {
                ...axis,
                scale: "share",
                side: 1 as const,
                grid: { show: false },
                values: (_: uPlot, at: number[]) => at.map(value => `${Math.round(value * 100)} %`),
                size: 50,
              },
            ]
          : []),
      ],
      series: [
        {},
        ...order.map(index => {
          const one = latest.current.series[index];
          const ink = colour(one?.colour ?? "muted");
          if (one?.share) {
            return {
              stroke: ink,
              width: 2,
              scale: "share",
              spanGaps: true,
              points: { size: 4, fill: ink, stroke: ink },
            };
          }
          if (one?.line) {
            return { stroke: ink, width: 2, dash: [5, 4], paths: steps(), points: { show: false } };
          }
          return { fill: ink, stroke: ink, width: 0, paths: bars(), points: { show: false } };
        }),
      ],
      hooks: {
        setCursor: [
          drawn => {
            const index = drawn.cursor.idx;
            const left = drawn.cursor.left ?? -1;
            if (index === null || index === undefined || left < 0) {
              setHover(undefined);
            } else {
              const over = drawn.over.offsetLeft + left;
              setHover({ index, left: over, flip: over > element.clientWidth / 2 });
            }
          },
        ],
        setSelect: [
          drawn => {
            const { left, width } = drawn.select;
            if (width > 8) {
              // Whole points: half of one would show as fewer.
              const from = Math.floor(drawn.posToVal(left, "x") / step) * step * 1000;
              const to = Math.ceil(drawn.posToVal(left + width, "x") / step) * step * 1000;
              drawn.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              callbacks.current.onZoom?.(from, to);
            }
          },
        ],
        ready: [
          drawn => {
            let down = 0;
            drawn.over.addEventListener("mousedown", event => {
              down = event.clientX;
            });
            drawn.over.addEventListener("click", event => {
              const index = drawn.cursor.idx;
              if (Math.abs(event.clientX - down) < 4 && index !== null && index !== undefined) {
                callbacks.current.onPick?.(index);
              }
            });
          },
        ],
      },
    };
    const made = new uPlot(options, data, element);
    plot.current = made;
    const watch = new ResizeObserver(() => {
      if (element.clientWidth > 0) {
        made.setSize({ width: element.clientWidth, height: short ? SHORT : HEIGHT });
      }
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, painted]);

  useEffect(() => {
    plot.current?.setData(arranged(series, times).data);
  }, [times, series]);

  return (
    <figure>
      <div class={short ? "chart short" : "chart"} role="img" aria-label={label}>
        <div ref={host} />
        {hover && <Note hover={hover} times={times} series={series} />}
      </div>
    </figure>
  );
}

interface NoteProps {
  hover: { index: number; left: number; flip: boolean };
  times: number[];
  series: Series[];
}

function Note({ hover, times, series }: NoteProps) {
  const time = times[hover.index];
  if (time === undefined) {
    return null;
  }
  const shift = hover.flip
    ? `translateX(calc(${hover.left}px - 100% - 12px))`
    : `translateX(${hover.left + 12}px)`;
  return (
    <div class="chart-tip" style={{ transform: shift }}>
      <b>{dateTime(time * 1000)}</b>
      <dl>
        {series
          .filter(one => one.shown)
          .map(one => {
            const value = one.values[hover.index];
            const said =
              value === null || value === undefined
                ? "–"
                : one.share
                  ? `${(value * 100).toFixed(1)} %`
                  : exact(value);
            return (
              <>
                <dt>
                  <span class={`swatch ${one.colour}`} />
                  {one.name}
                </dt>
                <dd>{said}</dd>
              </>
            );
          })}
      </dl>
    </div>
  );
}
