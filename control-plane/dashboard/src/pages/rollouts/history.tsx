// Every revision: when, by whom and why.

import { api, got } from "../../api/client";
import { exact } from "../../format/numbers";
import { dateTime } from "../../format/time";
import { useLive, useNow } from "../../state/live";
import { useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { Card, Tag, When } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";
import { RolloutsHead } from "./tabs";

const EVERY_MS = 5_000;
const PAGE = 50;

export default function HistoryPage() {
  const query = useQuery();
  const now = useNow(10_000);
  const before = Number(query.values["before"]) || undefined;
  const live = useLive(
    `revisions before ${before ?? ""}`,
    signal =>
      got(
        api.GET("/api/v1/revisions", {
          signal,
          params: { query: { limit: PAGE, ...(before ? { before } : {}) } },
        }),
      ),
    { every: before ? 0 : EVERY_MS },
  );
  return (
    <>
      <RolloutsHead />
      <Card title="Revisions" flush>
        <Answered live={live} lines={8}>
          {data =>
            data.revisions.length === 0 ? (
              <Empty title="No revision yet">The first change of a resource makes the first revision.</Empty>
            ) : (
              <>
                <div class="table-wrap">
                  <table class="table">
                    <thead>
                      <tr>
                        <th scope="col">Revision</th>
                        <th scope="col">Time</th>
                        <th scope="col">By</th>
                        <th scope="col">Why</th>
                        <th scope="col" class="number">
                          Policies
                        </th>
                        <th scope="col" class="number">
                          Resources
                        </th>
                      </tr>
                    </thead>
                    <tbody>
                      {data.revisions.map((revision, index) => (
                        <tr key={revision.revision}>
                          <td class="nowrap">
                            <a class="mono" href={`/rollouts/history/${revision.revision}`}>
                              {revision.revision}
                            </a>{" "}
                            {index === 0 && !before && <Tag tone="good">current</Tag>}
                          </td>
                          <td class="nowrap">
                            {dateTime(revision.time)}{" "}
                            <span class="muted">
                              (<When time={revision.time} now={now} />)
                            </span>
                          </td>
                          <td>{revision.author || <span class="muted">nobody known</span>}</td>
                          <td class="break">{revision.message}</td>
                          <td class="number">{exact(revision.policies)}</td>
                          <td class="number">
                            {revision.resources === null ? "–" : exact(revision.resources)}
                          </td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
                {(before || data.before) && (
                  <nav class="pager" aria-label="Pages of the history">
                    <span class="muted small">{before ? "Older revisions" : "Newest first"}</span>
                    <span class="actions">
                      {before && (
                        <Button compact onClick={() => query.set({ before: undefined })}>
                          Newest
                        </Button>
                      )}
                      <Button
                        compact
                        refusal={data.before ? "" : "these are the oldest"}
                        onClick={() => query.set({ before: String(data.before) })}
                      >
                        Older
                      </Button>
                    </span>
                  </nav>
                )}
              </>
            )
          }
        </Answered>
      </Card>
    </>
  );
}
