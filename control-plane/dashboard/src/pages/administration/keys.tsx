// Keys and sessions: what sessions are verified with, and which were ended before their time.

import { useState } from "preact/hooks";
import { api, done, got } from "../../api/client";
import type { Revocation } from "../../api/types";
import { whyNot } from "../../app/session";
import { useLive, useNow } from "../../state/live";
import { address } from "../../state/query";
import { type Query, useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { useDeed } from "../../ui/deed";
import { Dialog } from "../../ui/dialog";
import { Pager, paged, SearchField } from "../../ui/pages";
import { Card, PageHead, SelectField, Tag, TextField, When } from "../../ui/parts";
import { Answered, Empty, Failed } from "../../ui/states";

const EVERY_MS = 5_000;

export default function KeysPage() {
  const query = useQuery();
  const revocations = useLive("revocations", signal => got(api.GET("/api/v1/revocations", { signal })), {
    every: EVERY_MS,
  });
  const { device, session } = query.values;
  const [asking, setAsking] = useState(Boolean(device || session));
  return (
    <>
      <PageHead
        title="Keys and sessions"
        crumb="Administration"
        lead="A session is a signed token: it holds until it ends, unless it is revoked here."
      >
        <Button kind="primary" refusal={whyNot("editor")} onClick={() => setAsking(true)}>
          Revoke …
        </Button>
      </PageHead>
      <Keys />
      <Card title="Revoked" flush>
        <Answered live={revocations} lines={4}>
          {data => <Revoked all={data.revocations} query={query} reload={revocations.reload} />}
        </Answered>
      </Card>
      {asking && (
        <RevokeDialog
          kind={session ? "session" : "device"}
          value={session ?? device ?? ""}
          onClose={() => {
            setAsking(false);
            query.set({ device: undefined, session: undefined }, true);
          }}
          onDone={revocations.reload}
        />
      )}
    </>
  );
}

function Keys() {
  const now = useNow(10_000);
  const [asking, setAsking] = useState(false);
  const keys = useLive("keys", signal => got(api.GET("/api/v1/keys", { signal })), { every: EVERY_MS });
  return (
    <Card
      title="Session keys"
      flush
      actions={
        <Button compact icon="key" refusal={whyNot("approver")} onClick={() => setAsking(true)}>
          Rotate …
        </Button>
      }
    >
      <Answered live={keys} lines={3}>
        {data =>
          data.keys.length === 0 ? (
            <Empty icon="key" title="No key yet">
              An auth sidecar registers its public key when it connects; until then no challenge can be
              passed.
            </Empty>
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: on a phone it scrolls, and holds nothing else to reach it by.
            <section class="table-wrap" aria-label="Session keys as a table" tabIndex={0}>
              <table class="table">
                <thead>
                  <tr>
                    <th scope="col">Key</th>
                    <th scope="col">Algorithm</th>
                    <th scope="col">Sidecar</th>
                    <th scope="col">Registered</th>
                    <th scope="col">State</th>
                  </tr>
                </thead>
                <tbody>
                  {data.keys.map(key => (
                    <tr key={key.kid + key.sidecar}>
                      <td class="mono break">{key.kid}</td>
                      <td>{key.algorithm}</td>
                      <td>{key.sidecar}</td>
                      <td>
                        <When time={key.registered} now={now} />
                      </td>
                      <td>
                        {key.live ? (
                          <Tag tone="good">on every node</Tag>
                        ) : (
                          <span title="No session is signed with it before every connected node holds it">
                            <Tag tone="warn">on its way</Tag>
                          </span>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )
        }
      </Answered>
      {asking && <RotateDialog onClose={() => setAsking(false)} onDone={keys.reload} />}
    </Card>
  );
}

function RotateDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { busy, problem, run } = useDeed(
    async () => {
      await got(api.POST("/api/v1/keys/rotate"));
      return "The sidecars make new keys";
    },
    () => {
      onDone();
      onClose();
    },
  );
  return (
    <Dialog
      title="Rotate the session keys?"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={run}>
            Rotate
          </Button>
        </>
      }
    >
      {problem && <Failed problem={problem} />}
      <p>
        Every auth sidecar makes a new key, and signs with it once every node holds it. Sessions of the former
        key stay good until they end; nobody is asked again.
      </p>
    </Dialog>
  );
}

interface RevokeProps {
  /** What the page was asked for. */
  kind: "session" | "device";
  value: string;
  onClose: () => void;
  onDone: () => void;
}

function RevokeDialog({ kind: asked, value: named, onClose, onDone }: RevokeProps) {
  const [kind, setKind] = useState(asked);
  const [value, setValue] = useState(named);
  const [message, setMessage] = useState("");
  const { busy, problem, run } = useDeed(
    async () => {
      const said = value.trim();
      await got(
        api.POST("/api/v1/revocations", { body: { kind, value: said, ...(message ? { message } : {}) } }),
      );
      return kind === "device" ? `The sessions of ${said} are ended` : `The session ${said} is ended`;
    },
    () => {
      onDone();
      onClose();
    },
  );
  return (
    <Dialog
      title="Revoke"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" busy={busy} refusal={value.trim() ? "" : "say which one"} onClick={run}>
            Revoke
          </Button>
        </>
      }
    >
      {problem && <Failed problem={problem} />}
      <SelectField
        label="What"
        value={kind}
        options={[
          ["device", "All that a device has earned so far"],
          ["session", "One session"],
        ]}
        onChange={word => setKind(word as "session" | "device")}
        hint={
          kind === "device"
            ? "It can be challenged and pass again; a device rule keeps it out."
            : "Its id is the claim jti of the token."
        }
      />
      <TextField label={kind === "device" ? "Device" : "Session"} value={value} onInput={setValue} mono />
      <TextField label="Why" value={message} onInput={setMessage} placeholder="Shown in the list" />
    </Dialog>
  );
}

function Revoked({ all, query, reload }: { all: readonly Revocation[]; query: Query; reload: () => void }) {
  const now = useNow(10_000);
  const [asked, setAsked] = useState<Revocation>();
  if (all.length === 0) {
    return (
      <Empty icon="key" title="Nothing is revoked">
        Every session holds until it ends by itself.
      </Empty>
    );
  }
  const searched = (query.values["q"] ?? "").toLowerCase();
  const rows = all.filter(one =>
    `${one.value} ${one.author} ${one.message}`.toLowerCase().includes(searched),
  );
  const { shown, page } = paged(rows, query);
  return (
    <>
      <div class="inset">
        <SearchField
          query={query}
          label="Search revocations"
          placeholder="Search by device, session, author or reason"
        />
      </div>
      {rows.length === 0 ? (
        <Empty icon="search" title="None is like that" />
      ) : (
        <div class="table-wrap">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">Which</th>
                <th scope="col">Revoked</th>
                <th scope="col">Of use until</th>
                <th scope="col">Why</th>
                <th scope="col">
                  <span class="visually-hidden">Take back</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map(one => (
                <tr key={one.id}>
                  <td>{one.kind}</td>
                  <td class="mono break">
                    {one.kind === "device" ? (
                      <a
                        class="figure-link plain-link"
                        href={address("/events", { device: one.value, range: "24h" })}
                      >
                        {one.value}
                      </a>
                    ) : (
                      one.value
                    )}
                  </td>
                  <td class="nowrap">
                    <When time={one.created} now={now} />{" "}
                    <span class="muted">by {one.author || "nobody known"}</span>
                  </td>
                  <td title="By then every session that it concerns has ended by itself">
                    <When time={one.expires} now={now} />
                  </td>
                  <td class="break">{one.message}</td>
                  <td class="number">
                    <Button compact refusal={whyNot("editor")} onClick={() => setAsked(one)}>
                      Take back …
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pager total={rows.length} page={page} query={query} />
      {asked && <TakeBackDialog revocation={asked} onClose={() => setAsked(undefined)} onDone={reload} />}
    </>
  );
}

interface TakeBackProps {
  revocation: Revocation;
  onClose: () => void;
  onDone: () => void;
}

function TakeBackDialog({ revocation, onClose, onDone }: TakeBackProps) {
  const { busy, problem, run } = useDeed(
    async () => {
      await done(api.DELETE("/api/v1/revocations/{id}", { params: { path: { id: revocation.id } } }));
      return `The ${revocation.kind} ${revocation.value} is no longer revoked`;
    },
    () => {
      onDone();
      onClose();
    },
  );
  return (
    <Dialog
      title="Take the revocation back?"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button kind="primary" busy={busy} onClick={run}>
            Take it back
          </Button>
        </>
      }
    >
      {problem && <Failed problem={problem} />}
      <p>
        What the {revocation.kind} <code>{revocation.value}</code> has earned, and what has not ended by
        itself, is good again.
      </p>
    </Dialog>
  );
}
