// The rollout under way, as its gates are checked, and those before it.

import { rollout, rollouts } from "../../api/calls";
import type { RolloutView } from "../../api/types";
import { dateTime } from "../../format/time";
import { useLive, useNow } from "../../state/live";
import { type Query, useQuery } from "../../state/use-query";
import { LinkButton } from "../../ui/button";
import { Card, Tag, type Tone, When } from "../../ui/parts";
import { Answered, Banner, Empty } from "../../ui/states";
import { Ticks } from "../../ui/ticks";
import { Gates, Sides, Stages } from "./stages";
import { Steering } from "./steering";
import { RolloutsHead } from "./tabs";

const EVERY_MS = 1_000;
const LIST_EVERY_MS = 10_000;

const OPEN = ["waiting for approval", "progressing", "paused"];

const TONES: Record<string, Tone> = {
  "waiting for approval": "warn",
  progressing: "info",
  paused: "warn",
  "rolled back": "bad",
  rejected: "bad",
  aborted: "bad",
  superseded: "",
  complete: "good",
};

export default function RolloutPage() {
  const query = useQuery();
  const current = useLive("rollout", rollout, { every: EVERY_MS });
  const former = useLive("rollouts", rollouts, { every: LIST_EVERY_MS });
  const asked = Number(query.values["id"] ?? 0);
  const shown = asked ? former.data?.find(one => one.id === asked) : current.data;
  return (
    <>
      <RolloutsHead />
      <Answered live={current} lines={6}>
        {now => {
          const one = asked && asked !== now?.id ? shown : now;
          return one ? (
            <Detail rollout={one} reload={current.reload} />
          ) : (
            <Card title="Rollout">
              <Empty
                icon="rollout"
                title="There was no rollout in stages yet"
                action={<LinkButton href="/rollouts/strategies">Strategies</LinkButton>}
              >
                Changes reach every node at once until one is made with a rollout strategy.
              </Empty>
            </Card>
          );
        }}
      </Answered>
      <Card title="Rollouts" flush>
        <Answered live={former} lines={4}>
          {list => <Former list={list} query={query} shown={asked || current.data?.id} />}
        </Answered>
      </Card>
    </>
  );
}

function Detail({ rollout: one, reload }: { rollout: RolloutView; reload: () => void }) {
  const now = useNow();
  const open = OPEN.includes(one.state);
  return (
    <>
      <Card
        title={`Rollout ${one.id}`}
        actions={
          <>
            <Tag tone={TONES[one.state] ?? ""}>{one.state}</Tag>
            {open && <Steering rollout={one} reload={reload} />}
          </>
        }
      >
        {one.unanswered && (
          <Banner kind="warn" title="It stays where it is:">
            <Ticks text={one.unanswered} />
          </Banner>
        )}
        <dl class="facts">
          <dt>Candidate</dt>
          <dd>
            <a class="mono" href={`/rollouts/history/${one.candidate}`}>
              {one.candidate}
            </a>
            {one.message && <> · {one.message}</>}
          </dd>
          <dt>Stable</dt>
          <dd>
            <a class="mono" href={`/rollouts/history/${one.stable}`}>
              {one.stable || "none"}
            </a>
          </dd>
          <dt>By</dt>
          <dd>
            {one.author || "nobody known"}, <When time={one.started} now={now} />
          </dd>
          <dt>Strategy</dt>
          <dd>{one.strategy || "at once"}</dd>
          {one.why && (
            <>
              <dt>Why it stands so</dt>
              <dd>
                <Ticks text={one.why} />
              </dd>
            </>
          )}
          <dt>Nodes</dt>
          <dd>
            {one.nodes.live} live on the candidate, {one.nodes.reached} reached, {one.nodes.connected}{" "}
            connected
          </dd>
        </dl>
        <Stages rollout={one} open={open} />
      </Card>
      <div class="columns">
        <Card title="Gates" span={7} flush>
          <Gates rollout={one} />
        </Card>
        <Card title="Candidate beside the others" span={5} flush>
          <Sides candidate={one.candidate_counts} control={one.control_counts} />
        </Card>
      </div>
      <Card title="What happened">
        <ol class="log">
          {one.steps.toReversed().map(step => (
            <li key={`${step.time}${step.state}${step.why}`}>
              <time class="muted nowrap" dateTime={step.time ?? undefined}>
                {dateTime(step.time)}
              </time>
              <Tag tone={TONES[step.state] ?? ""}>{step.state}</Tag>
              <span class="break">
                stage {step.stage}
                {step.who && `, by ${step.who}`}
                {step.why && (
                  <>
                    : <Ticks text={step.why} />
                  </>
                )}
              </span>
            </li>
          ))}
        </ol>
      </Card>
    </>
  );
}

function Former({
  list,
  query,
  shown,
}: {
  list: readonly RolloutView[];
  query: Query;
  shown: number | undefined;
}) {
  const now = useNow(10_000);
  if (list.length === 0) {
    return <Empty title="None yet">Rollouts in stages are listed here, with how they ended.</Empty>;
  }
  return (
    <div class="table-wrap">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Rollout</th>
            <th scope="col">Candidate</th>
            <th scope="col">State</th>
            <th scope="col">Strategy</th>
            <th scope="col">By</th>
            <th scope="col">Started</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {list.map(one => (
            <tr key={one.id}>
              <td>
                <a
                  href={query.link({ id: String(one.id) })}
                  aria-current={one.id === shown ? "true" : undefined}
                >
                  {one.id}
                </a>
              </td>
              <td class="mono nowrap">{one.candidate}</td>
              <td>
                <Tag tone={TONES[one.state] ?? ""}>{one.state}</Tag>
              </td>
              <td>{one.strategy || "at once"}</td>
              <td>{one.author}</td>
              <td>
                <When time={one.started} now={now} />
              </td>
              <td class="muted break">
                <Ticks text={one.why || one.message} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
