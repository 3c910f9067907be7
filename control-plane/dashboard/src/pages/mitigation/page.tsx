// Dashboards > Mitigation: what is done to traffic, and how challenges end.

import { useMemo } from "preact/hooks";
import { api, got } from "../../api/client";
import { ACTIONS, type Traffic } from "../../api/types";
import { type Series, TimeChart } from "../../chart/time-chart";
import { csv, download } from "../../format/csv";
import { count, exact, ratio, share } from "../../format/numbers";
import { shortTime } from "../../format/time";
import { useLive, useNow } from "../../state/live";
import { address } from "../../state/query";
import { bounds, isLive, type Range, readRange, STEPS, stepOf, writeRange } from "../../state/range";
import { type Query, useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { Card, PageHead, Tag } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";
import { Controls } from "./controls";
import { Funnel } from "./funnel";
import { byAssurance, causes, decisions, passRate, type Sums, total, trafficTable } from "./sums";

/** As fresh as the demand "live within two seconds" wants it. */
const EVERY_MS = 2_000;
const HOSTS_EVERY_MS = 60_000;

export default function MitigationDashboard() {
  const query = useQuery();
  const range = readRange(query.values);
  const step = stepOf(range, query.values["step"]);
  const policy = query.values["policy"] ?? "";
  const host = query.values["host"] ?? "";
  const live = isLive(range);

  const ask = (signal: AbortSignal) => {
    const { from, to } = bounds(range, step, Date.now());
    return got(
      api.GET("/api/v1/challenges", {
        signal,
        params: {
          query: { from, to, step: String(step), policy: policy || undefined, host: host || undefined },
        },
      }),
    );
  };
  const traffic = useLive(JSON.stringify([range, step, policy, host]), ask, { every: live ? EVERY_MS : 0 });
  const names = usePolicyNames();
  const hosts = useHosts();

  const events = (values: Record<string, string | undefined>) =>
    address("/events", { ...writeRange(range), policy, host, ...values });

  return (
    <>
      <PageHead title="Mitigation" crumb="Dashboards">
        <Freshness live={live} failed={traffic.problem !== undefined} />
        <Button
          icon="save"
          refusal={traffic.data ? "" : "there is nothing to export yet"}
          onClick={() => traffic.data && exportCsv(traffic.data, policy, host)}
        >
          Export CSV
        </Button>
      </PageHead>
      <Controls query={query} range={range} policies={names} hosts={hosts} />
      <Answered live={traffic} lines={9}>
        {data => <Contents data={data} query={query} range={range} step={step} events={events} />}
      </Answered>
    </>
  );
}

function exportCsv(traffic: Traffic, policy: string, host: string) {
  const { head, rows } = trafficTable(traffic);
  const name = ["mitigation", policy, host.replaceAll(/[^\w.-]/g, "_"), new Date().toISOString().slice(0, 16)]
    .filter(Boolean)
    .join("-")
    .replaceAll(":", "");
  download(`${name}.csv`, "text/csv;charset=utf-8", csv(head, rows));
}

function Freshness({ live, failed }: { live: boolean; failed: boolean }) {
  if (!live) {
    return <Tag>fixed range</Tag>;
  }
  return failed ? (
    <Tag tone="warn">not fresh</Tag>
  ) : (
    <Tag tone="good">
      <span class="dot good" aria-hidden="true" />
      live
    </Tag>
  );
}

function usePolicyNames(): string[] {
  const resources = useLive("policy names", signal => got(api.GET("/api/v1/resources", { signal })));
  return useMemo(
    () =>
      (resources.data?.resources ?? [])
        .filter(resource => resource.kind === "MitigationPolicy")
        .map(resource => resource.name)
        .sort(),
    [resources.data],
  );
}

function useHosts(): string[] {
  const events = useLive(
    "hosts",
    signal => got(api.GET("/api/v1/events", { signal, params: { query: { limit: 200 } } })),
    { every: HOSTS_EVERY_MS },
  );
  return useMemo(
    () => [...new Set((events.data?.events ?? []).flatMap(event => event.host || []))].sort(),
    [events.data],
  );
}

interface Props {
  data: Traffic;
  query: Query;
  range: Range;
  step: number;
  events: (values: Record<string, string | undefined>) => string;
}

function Contents({ data, query, range, step, events }: Props) {
  const sums = useMemo(() => total(data.points.map(point => point.counts)), [data]);
  const all = decisions(sums);
  return (
    <>
      <Tiles sums={sums} all={all} events={events} />
      <TrafficCard data={data} sums={sums} query={query} range={range} step={step} events={events} />
      <div class="columns">
        <Card title="Challenges over time" span={7}>
          <Challenges data={data} query={query} step={step} />
        </Card>
        <Card title="What became of the challenges" span={5}>
          {sums.challenge === 0 ? (
            <Empty title="Nothing was challenged">In this range no request was asked for proof.</Empty>
          ) : (
            <Funnel
              sums={sums}
              causes={causes(data.policies)}
              link={(word, cause) =>
                events({ action: "challenge", step: word === "challenge" ? undefined : word, cause })
              }
            />
          )}
        </Card>
        <Card title="By policy" span={7} flush>
          <ByPolicy data={data} query={query} events={events} />
        </Card>
        <Card title="Pass rate by assurance" span={5} flush>
          <ByAssurance data={data} events={events} />
        </Card>
      </div>
    </>
  );
}

function Tiles({ sums, all, events }: { sums: Sums; all: number; events: Props["events"] }) {
  const figure = (number: number, values: Record<string, string | undefined>, name: string) => (
    <a
      class="figure-link"
      href={events(values)}
      title={exact(number)}
      aria-label={`${name}: ${exact(number)}, show events`}
    >
      {count(number)}
    </a>
  );
  return (
    <section class="tiles" aria-label="Totals of the range">
      <div class="tile">
        <span class="name">Challenges</span>
        <span class="value">{figure(sums.challenge, { action: "challenge" }, "Challenges")}</span>
        <span class="note">{share(ratio(sums.challenge, all))} of decisions</span>
      </div>
      <div class="tile">
        <span class="name">Pass rate</span>
        <span class="value">
          <a
            class="figure-link"
            href={events({ action: "challenge", step: "passed" })}
            aria-label={`Pass rate: ${share(passRate(sums))}, show passed challenges`}
          >
            {share(passRate(sums))}
          </a>
        </span>
        <span class="note">{exact(sums.passed)} passed</span>
      </div>
      {(["block", "redirect", "allow"] as const).map(action => (
        <div class="tile" key={action}>
          <span class="name">
            <span class={`swatch ${action}`} aria-hidden="true" />
            {{ block: "Blocked", redirect: "Redirected", allow: "Allowed" }[action]}
          </span>
          <span class="value">{figure(sums[action], { action }, action)}</span>
          <span class="note">{share(ratio(sums[action], all))} of decisions</span>
        </div>
      ))}
      <div class="tile">
        <span class="name">Decisions</span>
        <span class="value">{figure(all, {}, "Decisions")}</span>
        <span class="note">{exact(sums.satisfied)} with a session already</span>
      </div>
    </section>
  );
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

function times(data: Traffic): number[] {
  return data.points.map(point => (point.time ? Date.parse(point.time) / 1000 : 0));
}

function TrafficCard({ data, sums, query, range, step, events }: Props & { sums: Sums }) {
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
  const bucket = (index: number) => {
    const from = (at[index] ?? 0) * 1000;
    return events(writeRange({ word: "", from, to: from + step * 1000 }));
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
        <TrafficTable data={data} link={bucket} range={range} />
      ) : (
        <TimeChart
          label={label}
          times={at}
          step={step}
          series={series}
          onZoom={(from, to) =>
            query.set({
              ...writeRange({ word: "", from: Math.floor(from), to: Math.ceil(to) }),
              step: undefined,
            })
          }
          onPick={index => {
            location.assign(bucket(index));
          }}
        />
      )}
    </Card>
  );
}

function TrafficTable({ data, link }: { data: Traffic; link: (index: number) => string; range: Range }) {
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
                    {exact(point.counts[action] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}

function Challenges({ data, query, step }: { data: Traffic; query: Query; step: number }) {
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
            ...writeRange({ word: "", from: Math.floor(from), to: Math.ceil(to) }),
            step: undefined,
          })
        }
      />
    </>
  );
}

function ByPolicy({ data, query, events }: { data: Traffic; query: Query; events: Props["events"] }) {
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
    return (
      <Empty title="No policy matched">
        In this range every request went through without a policy's say.
      </Empty>
    );
  }
  const figure = (number: number, policy: string, action: string) =>
    number === 0 ? (
      <span class="muted">0</span>
    ) : (
      <a
        class="figure-link"
        href={events({ policy, action })}
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
              <td class="number">{share(passRate(sums))}</td>
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

function ByAssurance({ data, events }: { data: Traffic; events: Props["events"] }) {
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
              <td class="number">{share(passRate(sums))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
