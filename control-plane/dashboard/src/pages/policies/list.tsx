// Policies > Mitigation Policies: all of them, in the order in which they run.

import { useMemo } from "preact/hooks";
import { resources as resourcesOf } from "../../api/calls";
import { api, got } from "../../api/client";
import { ACTIONS, type Counts, type Resource } from "../../api/types";
import { whyNot } from "../../app/session";
import { count, exact, share } from "../../format/numbers";
import { matching, specOf, word } from "../../policy/facts";
import { newPath, POLICY } from "../../policy/kinds";
import { useLive, useNow } from "../../state/live";
import { address } from "../../state/query";
import { useQuery } from "../../state/use-query";
import { FileErrors, Proposals } from "../../ui/notices";
import { NewButton, Origin } from "../../ui/origin";
import { Pager, paged, SearchField } from "../../ui/pages";
import { ActionTag, PageHead, SelectField, Tag, When } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";

const EVERY_MS = 10_000;
const TRAFFIC_EVERY_MS = 10_000;
const DAY_MS = 86_400_000;
const DEFAULT_PRIORITY = 1_000;

interface Row {
  resource: Resource;
  action: string;
  mode: string;
  priority: number;
  /** None where nothing was counted. */
  counts: Counts | undefined;
}

function hits(counts: Counts | undefined): number {
  return counts
    ? counts.allow + counts.block + counts.redirect + counts.challenge + counts.monitor + counts.satisfied
    : 0;
}

type Order = "priority" | "name" | "hits" | "pass" | "changed";

const ORDERS: Record<Order, (a: Row, b: Row) => number> = {
  priority: (a, b) => a.priority - b.priority || a.resource.name.localeCompare(b.resource.name),
  name: (a, b) => a.resource.name.localeCompare(b.resource.name),
  hits: (a, b) => hits(b.counts) - hits(a.counts),
  pass: (a, b) => (b.counts?.pass_rate ?? -1) - (a.counts?.pass_rate ?? -1),
  changed: (a, b) => (b.resource.changed ?? "").localeCompare(a.resource.changed ?? ""),
};

function useDay(): Map<string, Counts> | undefined {
  const traffic = useLive(
    "traffic of a day",
    signal =>
      got(
        api.GET("/api/v1/challenges", {
          signal,
          params: { query: { from: new Date(Date.now() - DAY_MS).toISOString(), step: "86400" } },
        }),
      ),
    { every: TRAFFIC_EVERY_MS },
  );
  return useMemo(
    () => traffic.data && new Map(traffic.data.policies.map(({ policy, counts }) => [policy, counts])),
    [traffic.data],
  );
}

export default function PolicyList() {
  const query = useQuery();
  const resources = useLive("policies", signal => resourcesOf(POLICY.kind, {}, signal), { every: EVERY_MS });
  const day = useDay();
  const refusal = whyNot("editor");
  return (
    <>
      <PageHead
        title="Mitigation Policies"
        crumb="Policies"
        lead="Run from the lowest priority number up, until one allows, blocks or redirects, or challenges without a session that satisfies it."
      >
        <NewButton href={newPath(POLICY)} refusal={refusal}>
          New policy
        </NewButton>
      </PageHead>
      <FileErrors />
      <Proposals />
      <Answered live={resources} lines={8}>
        {data => <Policies resources={data.resources} day={day} query={query} refusal={refusal} />}
      </Answered>
    </>
  );
}

interface Props {
  resources: readonly Resource[];
  day: Map<string, Counts> | undefined;
  query: ReturnType<typeof useQuery>;
  refusal: string;
}

function Policies({ resources, day, query, refusal }: Props) {
  const now = useNow(10_000);
  const order = (query.values["sort"] ?? "priority") as Order;
  const action = query.values["action"] ?? "";
  const all = useMemo<Row[]>(
    () =>
      resources.map(resource => {
        const spec = specOf(resource);
        return {
          resource,
          action: word(spec, "action"),
          mode: word(spec, "mode", "enforce"),
          priority: Number(word(spec, "priority", String(DEFAULT_PRIORITY))),
          counts: day?.get(resource.name),
        };
      }),
    [resources, day],
  );
  if (all.length === 0) {
    return (
      <section class="card" aria-label="Policies">
        <Empty
          icon="policy"
          title="There is no policy yet"
          action={
            <NewButton href={newPath(POLICY)} refusal={refusal}>
              New policy
            </NewButton>
          }
        >
          Without one every request is let through. Begin with one that only counts, and look at what it would
          hit.
        </Empty>
      </section>
    );
  }
  const found = new Set(
    matching(
      all.map(row => row.resource),
      query.values["q"] ?? "",
    ),
  );
  const rows = all
    .filter(row => found.has(row.resource) && (action === "" || row.action === action))
    .sort(ORDERS[order] ?? ORDERS.priority);
  const { shown, page } = paged(rows, query);
  const head = (name: Order, text: string, number = false) => (
    <th
      scope="col"
      class={number ? "number" : ""}
      aria-sort={
        order === name ? (name === "priority" || name === "name" ? "ascending" : "descending") : undefined
      }
    >
      <button type="button" onClick={() => query.set({ sort: name === "priority" ? undefined : name }, true)}>
        {text}
        {order === name && (
          <span aria-hidden="true">{name === "priority" || name === "name" ? " ↑" : " ↓"}</span>
        )}
      </button>
    </th>
  );
  return (
    <>
      <div class="filters">
        <div class="field grow">
          <SearchField query={query} label="Search policies" placeholder="Search by name or text" />
        </div>
        <SelectField
          label="Action"
          value={action}
          options={[["", "All actions"], ...ACTIONS.map(one => [one, one] as const)]}
          onChange={one => query.set({ action: one, page: undefined })}
        />
      </div>
      <section class="card" aria-label="Policies">
        {rows.length === 0 ? (
          <Empty icon="search" title="No policy is like that">
            Nothing matches the search.
          </Empty>
        ) : (
          <div class="table-wrap">
            <table class="table">
              <thead>
                <tr>
                  {head("priority", "Priority", true)}
                  {head("name", "Name")}
                  <th scope="col">Action</th>
                  <th scope="col">Mode</th>
                  {head("hits", "Hits, 24 h", true)}
                  {head("pass", "Pass rate, 24 h", true)}
                  {head("changed", "Last change")}
                </tr>
              </thead>
              <tbody>
                {shown.map(row => (
                  <PolicyRow key={row.resource.name} row={row} now={now} known={day !== undefined} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        <Pager total={rows.length} page={page} query={query} />
      </section>
    </>
  );
}

function PolicyRow({ row, now, known }: { row: Row; now: number; known: boolean }) {
  const { resource, action, mode, priority, counts } = row;
  const number = hits(counts);
  return (
    <tr>
      <td class="number muted">{priority}</td>
      <td>
        <a class="row-name" href={`${POLICY.path}/${encodeURIComponent(resource.name)}`}>
          {resource.name}
        </a>{" "}
        <Origin resource={resource} />
      </td>
      <td>
        <ActionTag action={action} />
      </td>
      <td>{mode === "monitor" ? <Tag tone="warn">only counts</Tag> : <span class="muted">enforce</span>}</td>
      <td class="number">
        {!known ? (
          "…"
        ) : number === 0 ? (
          <span class="muted">0</span>
        ) : (
          <a
            class="figure-link"
            href={address("/dashboards/mitigation", { policy: resource.name, range: "24h" })}
            aria-label={`${resource.name}: ${exact(number)} hits in 24 hours, show its dashboard`}
          >
            {count(number)}
          </a>
        )}
      </td>
      <td class="number">{known ? share(counts?.pass_rate) : "…"}</td>
      <td class="nowrap">
        <When time={resource.changed} now={now} />{" "}
        <span class="muted">by {resource.author || "nobody known"}</span>
      </td>
    </tr>
  );
}
