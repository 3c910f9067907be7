// What a change would have done to the decisions that are recorded.

import type { components } from "../api/schema";
import { exact, plural } from "../format/numbers";
import { dateTime } from "../format/time";
import { ActionTag } from "./parts";

type Outcome = components["schemas"]["Replay"];
type Change = Outcome["changes"][number];

const EXAMPLES = 3;

export function Replay({ replay }: { replay: Outcome }) {
  const { events, recorded, more, requests, estimated, changed, other_policy, undecided } = replay;
  const of = more || recorded > events ? ` of the newest ${plural(events, "recorded decision")}` : "";
  return (
    <section class="replay" aria-label="What it would have done">
      <h3>What it would have done</h3>
      {events === 0 ? (
        <p class="muted">Nothing was recorded since {dateTime(replay.since_ms)} that it could be tried on.</p>
      ) : (
        <p>
          {changed === 0 ? (
            <b>No request would have got another answer</b>
          ) : (
            <b>
              {estimated && "About "}
              {plural(changed, "request")} would have got another answer
            </b>
          )}
          , out of {exact(requests)} since {dateTime(replay.since_ms)}
          {of}.
          {other_policy > 0 && ` ${exact(other_policy)} would have got the same answer by another policy.`}
          {undecided > 0 && ` Of ${exact(undecided)} it cannot be told.`}
        </p>
      )}
      {replay.changes.length > 0 && <Changes replay={replay} />}
      {replay.lacking.length > 0 && (
        <p class="muted small">
          Not recorded:{" "}
          {replay.lacking.map(one => `${one.what} (${plural(one.requests, "request")})`).join(", ")}.
        </p>
      )}
    </section>
  );
}

function Side({ action, policy }: { action: string; policy: string }) {
  return (
    <>
      <ActionTag action={action} /> <span class="muted">{policy || "no policy"}</span>
    </>
  );
}

function Changes({ replay }: { replay: Outcome }) {
  const key = (one: Change) => `${one.before}/${one.policy_before}/${one.after}/${one.policy_after}`;
  return (
    <div class="table-wrap framed">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Was</th>
            <th scope="col">Would be</th>
            <th scope="col" class="number">
              Requests
            </th>
            <th scope="col">Such as</th>
          </tr>
        </thead>
        <tbody>
          {replay.changes.map(one => (
            <tr key={key(one)}>
              <td>
                <Side action={one.before} policy={one.policy_before} />
              </td>
              <td>
                <Side action={one.after} policy={one.policy_after} />
              </td>
              <td class="number">{exact(one.requests)}</td>
              <td class="break">
                {one.examples.slice(0, EXAMPLES).map(example => (
                  <a
                    class="spaced"
                    key={example.event_id}
                    href={`/events/${example.event_id}`}
                    target="_blank"
                    rel="noopener"
                  >
                    {example.method} {example.host}
                    {example.path}
                  </a>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {replay.changes_left_out > 0 && (
        <p class="inset muted small">And {plural(replay.changes_left_out, "request")} of rarer changes.</p>
      )}
    </div>
  );
}
