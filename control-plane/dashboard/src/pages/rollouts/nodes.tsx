// Which node runs what.

import { useState } from "preact/hooks";
import { api, got } from "../../api/client";
import type { Node, Nodes } from "../../api/types";
import { exact } from "../../format/numbers";
import { useLive, useNow } from "../../state/live";
import { type Query, useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { PAGE, Pager, pageOf, SearchField } from "../../ui/pages";
import { Card, SelectField, Tag, type Tone, When } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";
import { Ticks } from "../../ui/ticks";
import { RolloutsHead } from "./tabs";

const EVERY_MS = 2_000;

const STATES: Record<string, { tone: Tone; says: string }> = {
  LIVE: { tone: "good", says: "every worker runs what it should" },
  ACKED: { tone: "info", says: "Envoy took it; not every worker has reported yet" },
  SENT: { tone: "info", says: "sent, not answered yet" },
  WAITING: { tone: "", says: "nothing to send yet" },
  NACKED: { tone: "bad", says: "Envoy refused it and keeps what it had" },
  SUSPECT: { tone: "bad", says: "workers are silent or behind" },
  DISCONNECTED: { tone: "warn", says: "not connected; it runs what it had" },
};

const ORDER = ["NACKED", "SUSPECT", "DISCONNECTED", "SENT", "ACKED", "WAITING", "LIVE"] as const;

export default function NodesPage() {
  const query = useQuery();
  const page = pageOf(query);
  const state = ORDER.find(word => word === query.values["state"]);
  const q = query.values["q"];
  const asked = {
    limit: PAGE,
    offset: page * PAGE,
    ...(state ? { state } : {}),
    ...(q ? { q } : {}),
  };
  const live = useLive(
    `nodes ${JSON.stringify(asked)}`,
    signal => got(api.GET("/api/v1/nodes", { params: { query: asked }, signal })),
    { every: EVERY_MS },
  );
  return (
    <>
      <RolloutsHead />
      <Answered live={live} lines={6}>
        {data => <Fleet data={data} page={page} query={query} />}
      </Answered>
      <Relays />
    </>
  );
}

function Fleet({ data, page, query }: { data: Nodes; page: number; query: Query }) {
  const now = useNow();
  const { nodes, states, total, target_revision: target } = data;
  if (Object.keys(states).length === 0) {
    return (
      <Card title="Nodes">
        <Empty icon="rollout" title="No node has connected yet">
          An Envoy appears here when it asks the control plane for its policy;{" "}
          <code>envoy/bootstrap.yaml</code> shows how.
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <div class="filters">
        <div class="field grow">
          <SearchField query={query} label="Search nodes" placeholder="Search by id, cluster or reason" />
        </div>
        <SelectField
          label="State"
          value={query.values["state"] ?? ""}
          options={[["", "All states"], ...ORDER.map(word => [word, word] as const)]}
          onChange={word => query.set({ state: word, page: undefined })}
        />
        <ul class="chips tall" aria-label="Nodes by state">
          {ORDER.filter(word => word in states).map(word => (
            <li key={word}>
              <a
                class={`tag ${STATES[word]?.tone ?? ""}`}
                href={query.link({ state: word, page: undefined })}
                title={STATES[word]?.says}
              >
                {word} <b>{exact(states[word] ?? 0)}</b>
              </a>
            </li>
          ))}
        </ul>
      </div>
      <Card
        title="Nodes"
        flush
        actions={
          <span class="muted small">
            stable revision <code>{target || "nothing yet"}</code>
          </span>
        }
      >
        {nodes.length === 0 ? (
          <Empty icon="search" title={total === 0 ? "No node is like that" : "There are no more nodes"} />
        ) : (
          <div class="table-wrap">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Node</th>
                  <th scope="col">State</th>
                  <th scope="col">Runs</th>
                  <th scope="col">Workers</th>
                  <th scope="col">Envoy</th>
                  <th scope="col">Since</th>
                  <th scope="col">Reason</th>
                </tr>
              </thead>
              <tbody>
                {nodes.map(node => (
                  <NodeRow key={node.id} node={node} now={now} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        <Pager total={total} page={page} query={query} />
      </Card>
    </>
  );
}

function NodeRow({ node, now }: { node: Node; now: number }) {
  const [open, setOpen] = useState(false);
  const current = node.workers.filter(worker => worker.revision === node.target).length;
  const runs = node.runs ?? node.revision;
  const denials = node.guard_denials ?? 0;
  const state = STATES[node.state];
  return (
    <>
      <tr>
        <td>
          <span class="node-name">
            <Button
              kind="quiet"
              compact
              icon={open ? "down" : "right"}
              label={`Workers of ${node.id}`}
              expanded={open}
              onClick={() => setOpen(!open)}
            />
            <span>
              <span class="row-name">{node.id}</span> <span class="muted">{node.cluster}</span>
            </span>
          </span>
        </td>
        <td>
          <span title={state?.says}>
            <Tag tone={state?.tone ?? ""}>{node.state}</Tag>
          </span>
        </td>
        <td class="nowrap">
          <code>{runs || "nothing"}</code>
          {node.target && node.target !== runs && (
            <span class="muted">
              {" "}
              → <code>{node.target}</code>
            </span>
          )}
        </td>
        <td class="nowrap">
          {current} of {node.expected_workers || node.workers.length}
        </td>
        <td>{node.envoy_version}</td>
        <td>
          <When time={node.since} now={now} />
        </td>
        <td class="break">
          {node.reason ? <Ticks text={node.reason} /> : <span class="muted">{state?.says}</span>}
          {node.refused && (
            <div class="fault">
              refused <code>{node.refused.revision}</code> <When time={node.refused.time} now={now} />:{" "}
              <Ticks text={node.refused.reason} />
            </div>
          )}
          {(node.events?.missing ?? 0) > 0 && (
            <div class="fault">{exact(node.events?.missing ?? 0)} events of its workers did not arrive</div>
          )}
          {denials > 0 && (
            <div class="fault">
              {exact(denials)} requests did not pass the filter and were refused by the guard
            </div>
          )}
        </td>
      </tr>
      {open && (
        <tr class="sub">
          <td colSpan={7}>
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Worker</th>
                  <th scope="col">Runs</th>
                  <th scope="col">Reported</th>
                  <th scope="col">Filter</th>
                </tr>
              </thead>
              <tbody>
                {node.workers.map(worker => (
                  <tr key={worker.vm}>
                    <td class="mono">{worker.vm}</td>
                    <td>
                      <code>{worker.revision}</code>
                    </td>
                    <td>
                      <When time={worker.seen} now={now} />
                    </td>
                    <td>{worker.filter_version}</td>
                  </tr>
                ))}
                {(node.resources ?? [])
                  .filter(one => one.name !== "countersign" || one.reason || one.renewals > 0)
                  .map(one => (
                    <tr key={one.name}>
                      <td>
                        <code>{one.name}</code>{" "}
                        {one.gateway && <span class="muted">gateway {one.gateway}</span>}
                      </td>
                      <td>
                        <code>{one.revision}</code>
                      </td>
                      <td>
                        <Tag tone={STATES[one.state]?.tone ?? ""}>{one.state}</Tag>
                      </td>
                      <td>
                        {one.reason} {one.renewals > 0 && `sent again ${one.renewals} times`}
                      </td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </td>
        </tr>
      )}
    </>
  );
}

function Relays() {
  const now = useNow();
  const live = useLive("relays", signal => got(api.GET("/api/v1/relays", { signal })), { every: 5_000 });
  const relays = live.data?.relays ?? [];
  if (relays.length === 0) {
    return null;
  }
  return (
    <Card title="Relays" flush>
      <div class="table-wrap">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">State</th>
              <th scope="col">Seen</th>
              <th scope="col" class="number">
                Delivered
              </th>
              <th scope="col" class="number">
                Waiting
              </th>
              <th scope="col" class="number">
                Lost
              </th>
              <th scope="col">Version</th>
            </tr>
          </thead>
          <tbody>
            {relays.map(relay => (
              <tr key={relay.node + relay.spool}>
                <td class="row-name">{relay.node}</td>
                <td>
                  <Tag tone={relay.connected ? "good" : "warn"}>{relay.connected ? "connected" : "away"}</Tag>
                </td>
                <td>
                  <When time={relay.seen} now={now} />
                </td>
                <td class="number">{exact(relay.events.delivered)}</td>
                <td class="number">{exact(relay.events.waiting)}</td>
                <td class="number">{exact(relay.events.lost)}</td>
                <td>{relay.version}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
