// Audit: who did what, and who tried.

import { api, got } from "../../api/client";
import type { AuditEntry } from "../../api/types";
import { csv, download } from "../../format/csv";
import { shortTime } from "../../format/time";
import { useLive, useNow } from "../../state/live";
import { bounds, readRange } from "../../state/range";
import { RangePicker } from "../../state/range-picker";
import { type Query, useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { PageHead, SelectField, Tag, type Tone } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";
import { TypedField } from "../../ui/typed-field";

const PAGE = 100;
/** Characters of a cell; what is longer is folded. */
const LONG = 110;

const TONES: Record<string, Tone> = { done: "", failed: "warn", refused: "bad" };

export default function AuditPage() {
  const query = useQuery();
  const range = readRange(query.values, "30d");
  const { identity, action, outcome, cursor } = query.values;
  const ask = (signal: AbortSignal) => {
    const { from, to } = bounds(range, 60, Date.now());
    return got(
      api.GET("/api/v1/audit", {
        signal,
        params: {
          query: {
            limit: PAGE,
            fromMs: Date.parse(from),
            ...(to ? { toMs: Date.parse(to) } : {}),
            ...(identity ? { identity } : {}),
            ...(action ? { action } : {}),
            ...(outcome ? { outcome } : {}),
            ...(cursor ? { cursor } : {}),
          },
        },
      }),
    );
  };
  const page = useLive(JSON.stringify([range, identity, action, outcome, cursor]), ask);
  return (
    <>
      <PageHead title="Audit" crumb="Administration" lead="Only added to; goes back 400 days.">
        <Button icon="refresh" label="Look again" onClick={page.reload} />
        <Button
          icon="save"
          refusal={page.data?.entries.length ? "" : "there is nothing to export"}
          onClick={() => page.data && exportCsv(page.data.entries)}
        >
          Export CSV
        </Button>
      </PageHead>
      <div class="filters">
        <RangePicker query={query} range={range} />
        <TypedField query={query} name="identity" label="By" placeholder="Exact name" />
        <TypedField query={query} name="action" label="Call" placeholder="POST /api/v1/resources" />
        <SelectField
          label="Outcome"
          value={outcome ?? ""}
          options={[["", "All outcomes"], ...["done", "failed", "refused"].map(one => [one, one] as const)]}
          onChange={one => query.set({ outcome: one, cursor: undefined })}
        />
      </div>
      <section class="card" aria-label="Audit log">
        <Answered live={page} lines={9}>
          {data => <Entries entries={data.entries} next={data.next_cursor} query={query} />}
        </Answered>
      </section>
    </>
  );
}

function exportCsv(entries: readonly AuditEntry[]) {
  const head = [
    "time",
    "identity",
    "source",
    "address",
    "action",
    "object",
    "outcome",
    "detail",
    "revision",
    "request_id",
  ] as const;
  download(
    "audit.csv",
    "text/csv;charset=utf-8",
    csv(
      [...head],
      entries.map(entry => head.map(name => entry[name])),
    ),
  );
}

function Entries({
  entries,
  next,
  query,
}: {
  entries: readonly AuditEntry[];
  next: string | undefined;
  query: Query;
}) {
  const now = useNow(30_000);
  if (entries.length === 0) {
    return (
      <Empty icon="audit" title={query.values["cursor"] ? "No older entries" : "No entries"}>
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
              <th scope="col">By</th>
              <th scope="col">Call</th>
              <th scope="col">On</th>
              <th scope="col">Outcome</th>
              <th scope="col">Revision</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody>
            {entries.map(entry => (
              <tr key={entry.id}>
                <td class="nowrap" title={`request ${entry.request_id}`}>
                  {shortTime(entry.time, now)}
                </td>
                <td>
                  {entry.identity ? (
                    <a
                      class="figure-link plain-link"
                      href={query.link({ identity: entry.identity, cursor: undefined })}
                      title={entry.source}
                    >
                      {entry.identity}
                    </a>
                  ) : (
                    <span class="muted">nobody known</span>
                  )}
                </td>
                <td class="break">{entry.action}</td>
                <td class="break object">
                  {entry.object.length <= LONG ? (
                    entry.object
                  ) : (
                    <details>
                      <summary>{entry.object.slice(0, LONG)} …</summary>
                      {entry.object}
                    </details>
                  )}
                </td>
                <td>
                  <Tag tone={TONES[entry.outcome] ?? ""}>{entry.outcome}</Tag>
                  {entry.detail && <div class="small muted break">{entry.detail}</div>}
                </td>
                <td class="nowrap">
                  {entry.revision && (
                    <a class="mono" href={`/rollouts/history/${entry.revision}`}>
                      {entry.revision}
                    </a>
                  )}
                </td>
                <td class="mono nowrap">{entry.address}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <nav class="pager" aria-label="Pages of the audit log">
        <span class="muted small">{query.values["cursor"] ? "Older entries" : "Newest first"}</span>
        <span class="actions">
          {query.values["cursor"] && (
            <Button compact onClick={() => query.set({ cursor: undefined })}>
              Newest
            </Button>
          )}
          <Button
            compact
            refusal={next ? "" : "these are the oldest of the range"}
            onClick={() => query.set({ cursor: next })}
          >
            Older
          </Button>
        </span>
      </nav>
    </>
  );
}
