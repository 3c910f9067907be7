// Events: every decision that was recorded, searched.

import { useState } from "preact/hooks";
import { EVENT_FILTERS, type EventFilter, type EventPage, events } from "../../api/calls";
import type { DecisionEvent } from "../../api/types";
import { ACTIONS } from "../../api/types";
import { csv, download } from "../../format/csv";
import { shortTime } from "../../format/time";
import { useLive, useNow } from "../../state/live";
import { bounds, isLive, readRange } from "../../state/range";
import { RangePicker } from "../../state/range-picker";
import { type Query, useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { ActionTag, PageHead, SelectField, Tag } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";
import { TypedField } from "../../ui/typed-field";

const PAGE = 50;
const EVENT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** As fresh as the dashboard. */
const FOLLOW_MS = 2_000;

const LABELS: Record<EventFilter, string> = {
  q: "Text",
  policy: "Policy",
  mentions: "Mentions policy",
  action: "Action",
  host: "Host",
  path: "Path",
  address: "Address",
  device: "Device",
  reason: "Reason",
  verdict: "Verdict",
  step: "Step",
  cause: "Rejected for",
  assurance: "Assurance",
};

const STEPS = [
  ["", "Any step"],
  ["page_served", "Page served"],
  ["started", "Started"],
  ["unsupported", "Unsupported"],
  ["cancelled", "Cancelled"],
  ["rejected", "Rejected"],
  ["passed", "Passed"],
] as const;

export default function EventList() {
  const query = useQuery();
  const range = readRange(query.values);
  const follow = query.values["follow"] === "1" && isLive(range);
  const cursor = query.values["cursor"];
  const filters = Object.fromEntries(EVENT_FILTERS.map(name => [name, query.values[name]]));
  const ask = (signal: AbortSignal) => {
    // Who knows an event's id wants that one, however old.
    const span = EVENT_ID.test(filters["q"] ?? "") ? {} : bounds(range, 60, Date.now());
    return events({ ...filters, ...span, cursor, limit: PAGE }, signal);
  };
  const page = useLive(JSON.stringify([range, filters, cursor]), ask, {
    every: follow && !cursor ? FOLLOW_MS : 0,
  });
  return (
    <>
      <PageHead title="Events" crumb="Investigate" lead="Every refusal, and every allow or a share of them.">
        {isLive(range) && (
          <Button
            icon={follow ? "pause" : "play"}
            pressed={follow}
            onClick={() => query.set({ follow: follow ? undefined : "1", cursor: undefined }, true)}
          >
            {follow ? "Stop following" : "Follow"}
          </Button>
        )}
        <Button icon="refresh" label="Look again" onClick={page.reload} />
        <Button
          icon="save"
          refusal={page.data?.events.length ? "" : "there is nothing to export"}
          onClick={() => page.data && exportCsv(page.data.events)}
        >
          Export CSV
        </Button>
      </PageHead>
      <Filters query={query} />
      <Active query={query} />
      <section class="card" aria-label="Events">
        <Answered live={page} lines={10}>
          {data => <EventTable data={data} query={query} />}
        </Answered>
      </section>
    </>
  );
}

function exportCsv(shown: readonly DecisionEvent[]) {
  const head = [
    "time",
    "event_id",
    "action",
    "policy",
    "status",
    "score",
    "verdict",
    "reasons",
    "method",
    "host",
    "path",
  ];
  const rows = shown.map(one => [
    one.time,
    one.event_id,
    one.action,
    one.policy,
    one.status,
    one.score,
    one.verdict,
    one.reasons.join(" "),
    one.method,
    one.host,
    one.path,
    one.client_address,
    one.user_agent,
  ]);
  download("events.csv", "text/csv;charset=utf-8", csv([...head, "client_address", "user_agent"], rows));
}

function Filters({ query }: { query: Query }) {
  const { values, set } = query;
  const more = ["path", "address", "device", "reason", "verdict", "step", "policy", "host"].some(
    name => values[name],
  );
  const [open, setOpen] = useState(more);
  return (
    <>
      <div class="filters">
        <RangePicker query={query} range={readRange(values)} />
        <TypedField
          query={query}
          name="q"
          label="Search"
          placeholder="Event id, address, path, device …"
          grow
        />
        <SelectField
          label="Action"
          value={values["action"] ?? ""}
          options={[["", "All actions"], ...ACTIONS.map(one => [one, one] as const)]}
          onChange={action => set({ action, cursor: undefined })}
        />
        <Button expanded={open} icon={open ? "down" : "right"} kind="quiet" onClick={() => setOpen(!open)}>
          More filters
        </Button>
      </div>
      {open && (
        <div class="filters">
          <TypedField query={query} name="policy" label="Policy" placeholder="Exact name" />
          <TypedField query={query} name="host" label="Host" placeholder="shop.example.com" />
          <TypedField query={query} name="path" label="Path" placeholder="/checkout" />
          <TypedField
            query={query}
            name="address"
            label="Client address"
            placeholder="203.0.113.7 or a range"
          />
          <TypedField query={query} name="device" label="Device" placeholder="Device id" />
          <TypedField query={query} name="reason" label="Reason" placeholder="VIRTUAL_MACHINE" />
          <SelectField
            label="Verdict"
            value={values["verdict"] ?? ""}
            options={[
              ["", "Any verdict"],
              ...["ALLOW", "CHALLENGE", "BLOCK"].map(one => [one, one] as const),
            ]}
            onChange={verdict => set({ verdict, cursor: undefined })}
          />
          <SelectField
            label="Challenge came to"
            value={values["step"] ?? ""}
            options={STEPS}
            onChange={step => set({ step, cursor: undefined })}
          />
        </div>
      )}
    </>
  );
}

/** Every filter that holds, each with a way out of it. */
function Active({ query }: { query: Query }) {
  const set = EVENT_FILTERS.filter(name => query.values[name]);
  if (set.length === 0) {
    return null;
  }
  return (
    <ul class="chips" aria-label="Filters that hold">
      {set.map(name => (
        <li key={name}>
          <a
            class="tag info"
            href={query.link({ [name]: undefined, cursor: undefined })}
            aria-label={`${LABELS[name]}: ${query.values[name]}, remove this filter`}
          >
            {LABELS[name]}: {query.values[name]}
            <Icon name="close" />
          </a>
        </li>
      ))}
      {set.length > 1 && (
        <li>
          <a
            href={query.link({
              ...Object.fromEntries(set.map(name => [name, undefined])),
              cursor: undefined,
            })}
          >
            Remove all
          </a>
        </li>
      )}
    </ul>
  );
}

function outcome(event: DecisionEvent): { said: string; tone: "good" | "warn" | "bad" | "" } {
  const last = event.outcomes.at(-1);
  if (event.action !== "challenge") {
    return { said: event.status ? String(event.status) : "", tone: "" };
  }
  if (!last) {
    return { said: "no answer", tone: "" };
  }
  const passed = event.outcomes.some(one => one.step === "passed");
  const tone = passed ? "good" : last.step === "rejected" ? "bad" : last.step === "page_served" ? "" : "warn";
  return { said: passed ? "passed" : last.step.replaceAll("_", " "), tone };
}

function EventTable({ data, query }: { data: EventPage; query: Query }) {
  const now = useNow(30_000);
  const older = data.next_cursor;
  if (data.events.length === 0) {
    return older ? (
      <Empty
        icon="search"
        title="Nothing among the newest"
        action={<Button onClick={() => query.set({ cursor: older })}>Look further back</Button>}
      >
        A part of the range was looked through without a match.
      </Empty>
    ) : (
      <Empty
        icon="search"
        title={query.values["cursor"] ? "No older events" : "No events"}
        action={
          query.values["range"] === "30d" ? undefined : (
            <Button
              onClick={() => query.set({ range: "24h", from: undefined, to: undefined, cursor: undefined })}
            >
              Look at 24 hours
            </Button>
          )
        }
      >
        Nothing in this range is like that.
      </Empty>
    );
  }
  return (
    <>
      <div class="table-wrap">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Action</th>
              <th scope="col">Request</th>
              <th scope="col">Policy</th>
              <th scope="col" class="number">
                Score
              </th>
              <th scope="col">Reasons</th>
              <th scope="col">Client</th>
              <th scope="col">Outcome</th>
            </tr>
          </thead>
          <tbody>
            {data.events.map(event => (
              <EventRow key={event.event_id} event={event} now={now} query={query} />
            ))}
          </tbody>
        </table>
      </div>
      <nav class="pager" aria-label="Pages of events">
        <span class="muted small">{query.values["cursor"] ? "Older events" : "Newest first"}</span>
        <span class="actions">
          {query.values["cursor"] && (
            <Button compact onClick={() => query.set({ cursor: undefined })}>
              Newest
            </Button>
          )}
          <Button
            compact
            refusal={older ? "" : "these are the oldest of the range"}
            onClick={() => query.set({ cursor: older })}
          >
            Older
          </Button>
        </span>
      </nav>
    </>
  );
}

function EventRow({ event, now, query }: { event: DecisionEvent; now: number; query: Query }) {
  const { said, tone } = outcome(event);
  const filter = (values: Record<string, string>) => query.link({ ...values, cursor: undefined });
  return (
    <tr>
      <td class="nowrap">
        <a href={`/events/${event.event_id}`}>{shortTime(event.time, now)}</a>
      </td>
      <td>
        <ActionTag action={event.action} />
      </td>
      <td class="request">
        <span class="muted">{event.method}</span>{" "}
        <a class="figure-link plain-link" href={filter({ host: event.host })}>
          {event.host}
        </a>
        <a class="figure-link plain-link break" href={filter({ path: event.path })}>
          {event.path}
        </a>
      </td>
      <td>
        {event.policy ? (
          <a class="figure-link plain-link" href={filter({ policy: event.policy })}>
            {event.policy}
          </a>
        ) : event.monitored.length > 0 ? (
          <span class="muted">counted: {event.monitored.map(one => one.policy).join(", ")}</span>
        ) : (
          <span class="muted">none</span>
        )}
      </td>
      <td class="number">{event.score}</td>
      <td>
        {event.reasons.map(reason => (
          <a key={reason} class="tag reason-tag" href={filter({ reason })}>
            {reason}
          </a>
        ))}
      </td>
      <td>
        <a class="figure-link plain-link mono" href={filter({ address: event.client_address })}>
          {event.client_address}
        </a>
      </td>
      <td class="nowrap">{tone ? <Tag tone={tone}>{said}</Tag> : <span class="muted">{said}</span>}</td>
    </tr>
  );
}
