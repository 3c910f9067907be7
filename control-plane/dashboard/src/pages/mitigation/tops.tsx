// What occurs most: policies, paths, reasons, each with what was answered.

import { type Top, type TopBy, top } from "../../api/calls";
import { ApiProblem } from "../../api/problem";
import { ACTIONS, type Counts } from "../../api/types";
import { count, exact } from "../../format/numbers";
import { shortTime } from "../../format/time";
import { useLive, useNow } from "../../state/live";
import { bounds, type Range } from "../../state/range";
import { Bar, Card } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";

const EVERY_MS = 5_000;
/** What is counted event by event is work for the store: it need not be as fresh. */
const EVENTS_EVERY_MS = 15_000;
const SHOWN = 8;

interface Props {
  range: Range;
  step: number;
  policy: string;
  host: string;
  live: boolean;
  events: (values: Record<string, string | undefined>) => string;
}

const DECIDING = ACTIONS.filter(action => action !== "monitor");

function decided(counts: Counts): number {
  return DECIDING.reduce((sum, action) => sum + (counts[action] ?? 0), 0);
}

/** What the row counts: decisions, or for a policy that only counts what it counted. */
function size(counts: Counts): number {
  return decided(counts) || (counts.monitor ?? 0);
}

const NAMES: Partial<Record<TopBy, { title: string; filter: string; none: string }>> = {
  path: { title: "Top paths", filter: "path", none: "No request was recorded." },
  reason: { title: "Top reasons", filter: "reason", none: "No request had a reason." },
  policy: { title: "Top policies", filter: "mentions", none: "No policy matched." },
};

export function Tops(props: Props) {
  return (
    <div class="columns">
      {(["policy", "path", "reason"] as const).map(by => (
        <TopCard key={by} by={by} {...props} />
      ))}
    </div>
  );
}

function TopCard({ by, range, step, policy, host, live, events }: Props & { by: TopBy }) {
  const ask = (signal: AbortSignal) => {
    const { from, to } = bounds(range, step, Date.now());
    return top(by, { from, to, policy, host, limit: SHOWN }, signal);
  };
  const found = useLive(JSON.stringify([by, range, step, policy, host]), ask, {
    every: live ? (by === "policy" ? EVERY_MS : EVENTS_EVERY_MS) : 0,
  });
  const names = NAMES[by];
  if (!names || (found.problem instanceof ApiProblem && found.problem.status === 404)) {
    return null;
  }
  return (
    <Card title={names.title} span={4} actions={found.data && <Looked data={found.data} />}>
      <Answered live={found} lines={5}>
        {data => <TopList data={data} filter={names.filter} none={names.none} events={events} />}
      </Answered>
    </Card>
  );
}

/** Counted over events, not over all traffic: the reader should know over how many. */
function Looked({ data }: { data: Top }) {
  const now = useNow(10_000);
  if (!data.events) {
    return null;
  }
  const { looked_at, since, whole } = data.events;
  return (
    <span class="muted small">
      {whole
        ? `of ${exact(looked_at)} events`
        : `of the newest ${exact(looked_at)} events${since ? `, since ${shortTime(since, now)}` : ""}`}
    </span>
  );
}

interface ListProps {
  data: Top;
  filter: string;
  none: string;
  events: Props["events"];
}

function TopList({ data, filter, none, events }: ListProps) {
  const entries = data.entries.filter(entry => entry.key !== "").slice(0, SHOWN);
  const largest = Math.max(1, ...entries.map(entry => size(entry.counts)));
  if (entries.length === 0) {
    return <Empty title={none} />;
  }
  return (
    <ol class="bars plainlist">
      {entries.map(({ key, counts }) => {
        const number = size(counts);
        const parts = decided(counts) > 0 ? DECIDING : (["monitor"] as const);
        return (
          <li key={key}>
            <span class="truncate" title={key}>
              {key}
            </span>
            <a
              class="figure-link number"
              href={events({ policy: undefined, [filter]: key })}
              aria-label={`${key}: ${exact(number)}, show events`}
            >
              {count(number)}
            </a>
            <Bar parts={parts.map(action => ({ kind: action, share: (counts[action] ?? 0) / largest }))} />
          </li>
        );
      })}
    </ol>
  );
}
