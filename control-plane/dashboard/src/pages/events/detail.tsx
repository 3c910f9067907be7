// One event, explained step by step, and what to do about it.

import { useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { event as readEvent } from "../../api/calls";
import type { DecisionEvent } from "../../api/types";
import { whyNot } from "../../app/session";
import { say } from "../../app/toasts";
import { dateTime, duration } from "../../format/time";
import { deviceOf } from "../../policy/device-rule";
import { resourcePath } from "../../policy/kinds";
import { useLive } from "../../state/live";
import { address } from "../../state/query";
import { Button, LinkButton } from "../../ui/button";
import { ActionTag, Card, PageHead, Tag, VerdictTag } from "../../ui/parts";
import { Answered } from "../../ui/states";
import { Ticks } from "../../ui/ticks";
import { RuleDialog } from "./rule-dialog";

/** What followed a challenge is told for minutes after it. */
const EVERY_MS = 3_000;

export default function EventPage() {
  const { params } = useRoute();
  const id = params["id"] ?? "";
  const found = useLive(`event ${id}`, signal => readEvent(id, signal), { every: EVERY_MS });
  return (
    <Answered live={found} lines={10}>
      {event => <Explained event={event} />}
    </Answered>
  );
}

function Explained({ event }: { event: DecisionEvent }) {
  const [ruling, setRuling] = useState(false);
  const device = deviceOf(event);
  const refusal = whyNot("editor");
  return (
    <>
      <PageHead
        crumb={<a href="/events">Events</a>}
        title={
          <span class="event-title">
            <ActionTag action={event.action} /> {event.method} {event.host}
            {event.path}
          </span>
        }
        lead={
          <>
            {dateTime(event.time)} · <code>{event.event_id}</code>
          </>
        }
      >
        <Button icon="copy" onClick={() => void copy(event.event_id)}>
          Copy id
        </Button>
        {device && (
          <LinkButton icon="key" href={address("/administration/keys", { device })}>
            End its sessions
          </LinkButton>
        )}
        <Button kind="primary" icon="device" refusal={refusal} onClick={() => setRuling(true)}>
          Make a device rule
        </Button>
      </PageHead>
      <div class="columns">
        <Card title="Step by step" span={7}>
          <ol class="steps">
            {event.explanation.map(line => (
              <li key={line}>
                <Ticks text={line} />
              </li>
            ))}
          </ol>
          {event.errors.length > 0 && (
            <>
              <h3>Conditions that failed</h3>
              <ul class="bullets">
                {event.errors.map(one => (
                  <li key={one.policy}>
                    <PolicyLink name={one.policy} />: {one.error}
                  </li>
                ))}
              </ul>
            </>
          )}
        </Card>
        <Card title="The request" span={5}>
          <dl class="facts">
            <dt>Client</dt>
            <dd>
              <a class="mono" href={address("/events", { address: event.client_address, range: "24h" })}>
                {event.client_address}
              </a>
            </dd>
            <dt>User agent</dt>
            <dd>{event.user_agent || <span class="muted">none</span>}</dd>
            <dt>Path</dt>
            <dd>
              <a href={address("/events", { path: event.path, host: event.host, range: "24h" })}>
                {event.path}
              </a>
            </dd>
            <dt>Device</dt>
            <dd>
              {device ? (
                <a class="mono" href={address("/events", { device, range: "24h" })}>
                  {device}
                </a>
              ) : (
                <span class="muted">not known</span>
              )}
            </dd>
            {event.ja4 && (
              <>
                <dt>JA4</dt>
                <dd class="mono">{event.ja4}</dd>
              </>
            )}
            <dt>Node</dt>
            <dd>{event.node}</dd>
            <dt>Revision</dt>
            <dd>
              <a class="mono" href={`/rollouts/history/${event.revision}`}>
                {event.revision}
              </a>
            </dd>
            <dt>Stands for</dt>
            <dd>{event.weight === 1 ? "one request" : `${event.weight} requests like it`}</dd>
          </dl>
        </Card>
        <Card title="The decision" span={7}>
          <dl class="facts">
            <dt>Policy</dt>
            <dd>
              {event.policy ? (
                <PolicyLink name={event.policy} />
              ) : (
                <span class="muted">no policy decided</span>
              )}
            </dd>
            <dt>Answer</dt>
            <dd>{event.status || <span class="muted">the service's own</span>}</dd>
            <dt>Verdict</dt>
            <dd>
              <VerdictTag verdict={event.verdict} />
            </dd>
            <dt>Score</dt>
            <dd>
              {event.score} of 100
              {event.upstream_score > 0 && (
                <span class="muted">, {event.upstream_score} from the trusted hop</span>
              )}
            </dd>
            <dt>Reasons</dt>
            <dd class="wrap">
              {event.reasons.length === 0 && <span class="muted">none</span>}
              {event.reasons.map(reason => (
                <a key={reason} class="tag" href={address("/events", { reason, range: "24h" })}>
                  {reason}
                </a>
              ))}
            </dd>
            {event.signals.length > 0 && (
              <>
                <dt>Signals</dt>
                <dd>
                  {event.signals.map(one => (
                    <div key={one.name}>
                      <a href={`/policies/signals/${encodeURIComponent(one.name)}`}>{one.name}</a>{" "}
                      <span class="muted">
                        added {one.weight} ({one.reason})
                      </span>
                    </div>
                  ))}
                </dd>
              </>
            )}
            <dt>Session</dt>
            <dd>
              {event.session ? (
                event.session.valid ? (
                  <>
                    <code>{event.session.assurance}</code>, {duration(event.session.age_s * 1000)} old
                    {event.session.bound ? ", renewed by a key of its device" : ", bound to no key"}
                    {event.session.id && (
                      <>
                        {", "}
                        <a href={address("/administration/keys", { session: event.session.id })}>end it</a>
                      </>
                    )}
                  </>
                ) : (
                  <span class="muted">{event.session.problem || "none was presented"}</span>
                )
              ) : (
                <span class="muted">nothing asked for one</span>
              )}
            </dd>
            {event.action === "challenge" && (
              <>
                <dt>Demanded</dt>
                <dd>
                  <code>{event.min_assurance}</code> or better
                </dd>
              </>
            )}
            {event.satisfied.length > 0 && (
              <>
                <dt>Satisfied</dt>
                <dd class="wrap">
                  {event.satisfied.map(name => (
                    <PolicyLink key={name} name={name} />
                  ))}
                </dd>
              </>
            )}
            {event.monitored.length > 0 && (
              <>
                <dt>Only counted</dt>
                <dd class="wrap">
                  {event.monitored.map(one => (
                    <span key={one.policy}>
                      <PolicyLink name={one.policy} /> <span class="muted">({one.action})</span>
                    </span>
                  ))}
                </dd>
              </>
            )}
            {event.inputs.map(one => (
              <>
                <dt>
                  <code>{one.name}</code>
                </dt>
                <dd class="mono">{one.value}</dd>
              </>
            ))}
          </dl>
        </Card>
        <Card title="What followed" span={5}>
          <Followed event={event} />
        </Card>
      </div>
      {ruling && <RuleDialog event={event} onClose={() => setRuling(false)} />}
    </>
  );
}

function PolicyLink({ name }: { name: string }) {
  return <a href={resourcePath("MitigationPolicy", name)}>{name}</a>;
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say("The event's id is in the clipboard");
  } catch {
    say("The browser does not let this page write to the clipboard", true);
  }
}

function Followed({ event }: { event: DecisionEvent }) {
  if (event.outcomes.length === 0) {
    return (
      <p class="muted">
        {event.action === "challenge"
          ? "Nothing yet: the challenge page was not asked for."
          : "Nothing: only a challenge has something that follows."}
      </p>
    );
  }
  const begun = event.time ? Date.parse(event.time) : 0;
  return (
    <ol class="outcomes">
      {event.outcomes.map(one => (
        <li key={`${one.step}${one.time}`}>
          <Tag tone={one.step === "passed" ? "good" : one.step === "rejected" ? "bad" : ""}>
            {one.step.replaceAll("_", " ")}
          </Tag>
          <span class="muted">
            {one.time && begun
              ? `${duration(Math.max(0, Math.floor((Date.parse(one.time) - begun) / 1000) * 1000))} after`
              : ""}
            {one.kind && `, ${one.kind}`}
            {one.assurance !== "none" && one.assurance && `, ${one.assurance}`}
            {one.cause && `, ${one.cause.replaceAll("_", " ")}`}
            {one.claimed && ", as the browser says"}
          </span>
        </li>
      ))}
    </ol>
  );
}
