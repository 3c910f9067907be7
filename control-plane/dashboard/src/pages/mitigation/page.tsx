// Dashboards > Mitigation: what is done to traffic, and how challenges end.

import { useMemo } from "preact/hooks";
import { resources, top } from "../../api/calls";
import { api, got } from "../../api/client";
import type { Traffic } from "../../api/types";
import { csv, download } from "../../format/csv";
import { count, exact, ratio, share } from "../../format/numbers";
import { useLive } from "../../state/live";
import { address } from "../../state/query";
import { bounds, isLive, readRange, stepOf, writeRange } from "../../state/range";
import { type Query, useQuery } from "../../state/use-query";
import { Button, LinkButton } from "../../ui/button";
import { Card, PageHead, Tag } from "../../ui/parts";
import { Answered, Banner, Empty } from "../../ui/states";
import { ByAssurance, ByPolicy } from "./by";
import { ByKind } from "./by-kind";
import { Challenges } from "./challenges";
import { Controls } from "./controls";
import { Funnel } from "./funnel";
import { causes, decisions, passRate, type Sums, trafficTable } from "./sums";
import { Tops } from "./tops";
import { TrafficCard } from "./traffic-card";

/** A decision shows within two seconds: up to one until it is told and stored, and one until the next look. */
const EVERY_MS = 1_000;
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
  // What is counted from single events takes longer: it is not to keep the chart waiting.
  const charted = traffic.data !== undefined || traffic.problem !== undefined;
  const hosts = useHosts(charted);

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
        {data => <Contents data={data} query={query} step={step} events={events} />}
      </Answered>
      {charted && <Tops range={range} step={step} policy={policy} host={host} live={live} events={events} />}
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
  const policies = useLive("policy names", signal => resources("MitigationPolicy", {}, signal));
  return useMemo(
    () => (policies.data?.resources ?? []).map(resource => resource.name).sort(),
    [policies.data],
  );
}

function useHosts(ask: boolean): string[] {
  const hosts = useLive(ask ? "hosts" : null, signal => top("host", { limit: 100 }, signal), {
    every: HOSTS_EVERY_MS,
  });
  return useMemo(() => (hosts.data?.entries ?? []).flatMap(({ key }) => key || []).sort(), [hosts.data]);
}

/** The events behind a figure. */
export type EventsLink = (values: Record<string, string | undefined>) => string;

/** Steps of the funnel whose events are found by another: who came back had passed. */
const STEP_OF: Record<string, string | undefined> = { challenge: undefined, came_back: "passed" };

interface Props {
  data: Traffic;
  query: Query;
  step: number;
  events: EventsLink;
}

function Contents({ data, query, step, events }: Props) {
  const sums = data.total;
  const all = decisions(sums);
  return (
    <>
      {all === 0 && (
        <Banner
          kind="info"
          title="No decision in this range."
          actions={
            <LinkButton compact href="/rollouts/nodes">
              See the nodes
            </LinkButton>
          }
        >
          Nodes tell theirs within a second or two: either no request came, or no node is connected.
        </Banner>
      )}
      <Tiles sums={sums} all={all} events={events} />
      <TrafficCard data={data} sums={sums} query={query} step={step} events={events} />
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
                events({ action: "challenge", step: word in STEP_OF ? STEP_OF[word] : word, cause })
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
        <Card title="By kind of proof" flush>
          <ByKind data={data} />
        </Card>
      </div>
    </>
  );
}

function Tiles({ sums, all, events }: { sums: Sums; all: number; events: EventsLink }) {
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
