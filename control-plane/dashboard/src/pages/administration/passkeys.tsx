// Passkeys: what people sign in to the dashboard with, and how one is taken away again.

import { useState } from "preact/hooks";
import { api, done, got } from "../../api/client";
import { MakePasskeyDialog } from "../../app/make-passkey";
import { here, type Passkey, type Unavailable, unavailable } from "../../app/passkeys";
import { identity, may, open, signedOut } from "../../app/session";
import { useLive, useNow } from "../../state/live";
import { type Query, useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { useDeed } from "../../ui/deed";
import { Dialog } from "../../ui/dialog";
import { Pager, paged, SearchField } from "../../ui/pages";
import { Card, PageHead, Tag, When } from "../../ui/parts";
import { Answered, Banner, Empty, Failed } from "../../ui/states";

const EVERY_MS = 10_000;

export default function PasskeysPage() {
  const query = useQuery();
  const ways = useLive("ways", signal => got(api.GET("/api/v1/session", { signal })));
  const passkeys = useLive("passkeys", signal => got(api.GET("/api/v1/passkeys", { signal })), {
    every: EVERY_MS,
  });
  const [making, setMaking] = useState(false);
  const away = ways.data && unavailable(ways.data, here());
  const refusal = away === undefined ? "one moment" : (away?.reason ?? "");
  return (
    <>
      <PageHead
        title="Passkeys"
        crumb="Administration"
        lead="What people sign in here with. A passkey has the name and the role of what it was made with, and no more: it ends with the token that it comes from."
      >
        <Button kind="primary" icon="passkey" refusal={refusal} onClick={() => setMaking(true)}>
          Make a passkey …
        </Button>
      </PageHead>
      {away && !open.value && <Elsewhere away={away} />}
      <Card title="Passkeys" flush>
        <Answered live={passkeys} lines={4}>
          {data => <List all={data.passkeys} query={query} reload={passkeys.reload} />}
        </Answered>
      </Card>
      {making && <MakePasskeyDialog onClose={() => setMaking(false)} onMade={passkeys.reload} />}
    </>
  );
}

/** Passkeys cannot be made on this page. */
function Elsewhere({ away }: { away: Unavailable }) {
  return (
    <Banner kind="info" title="None can be made here:">
      {away.reason}
      {away.there && (
        <>
          {" "}
          <a href={away.there + location.pathname}>Open this page there</a>
        </>
      )}
    </Banner>
  );
}

const STATE: Record<Passkey["state"], { tone: "good" | "warn" | ""; why: string }> = {
  good: { tone: "good", why: "One can sign in with it" },
  ended: { tone: "warn", why: "The token that it comes from has expired or was revoked" },
  removed: { tone: "", why: "Somebody removed it" },
};

function List({ all, query, reload }: { all: readonly Passkey[]; query: Query; reload: () => void }) {
  const now = useNow(10_000);
  const [asked, setAsked] = useState<Passkey>();
  if (all.length === 0) {
    return (
      <Empty icon="passkey" title="Nobody has a passkey yet">
        {open.value
          ? "Access is open here: nobody signs in, and nobody needs one."
          : "With one you sign in by fingerprint, face, PIN or security key, and keep no token at hand."}
      </Empty>
    );
  }
  const searched = (query.values["q"] ?? "").toLowerCase();
  const rows = all.filter(one =>
    `${one.name} ${one.identity} ${one.role} ${one.state}`.toLowerCase().includes(searched),
  );
  const { shown, page } = paged(rows, query);
  return (
    <>
      <div class="inset">
        <SearchField
          query={query}
          label="Search passkeys"
          placeholder="Search by name, owner, role or state"
        />
      </div>
      {rows.length === 0 ? (
        <Empty icon="search" title="None is like that" />
      ) : (
        <div class="table-wrap">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Passkey</th>
                <th scope="col">Whose</th>
                <th scope="col">Role</th>
                <th scope="col">Made</th>
                <th scope="col">Last used</th>
                <th scope="col">Ends</th>
                <th scope="col">State</th>
                <th scope="col">
                  <span class="visually-hidden">Remove</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map(one => (
                <tr key={one.id}>
                  <td class="break">
                    {one.name} {one.current && <Tag tone="info">this session</Tag>}
                    <div class="muted small mono">{one.id}</div>
                  </td>
                  <td class="break">{one.identity}</td>
                  <td>{one.role}</td>
                  <td>
                    <When time={one.created} now={now} />
                    <div class="muted small">{madeBy(one.created_by)}</div>
                  </td>
                  <td>{one.used ? <When time={one.used} now={now} /> : <span class="muted">never</span>}</td>
                  <td>
                    {one.ends ? (
                      <When time={one.ends} now={now} />
                    ) : (
                      <span class="muted">{one.state === "good" ? "when it is removed" : ""}</span>
                    )}
                  </td>
                  <td title={STATE[one.state].why}>
                    <Tag tone={STATE[one.state].tone}>{one.state}</Tag>
                  </td>
                  <td class="number">
                    {one.state !== "removed" && (
                      <Button compact refusal={mayNotRemove(one)} onClick={() => setAsked(one)}>
                        Remove …
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pager total={rows.length} page={page} query={query} />
      {asked && <RemoveDialog passkey={asked} onClose={() => setAsked(undefined)} onDone={reload} />}
    </>
  );
}

function madeBy(source: string): string {
  const [kind, id] = source.split(":");
  return kind === "bootstrap" ? "by the one-time token" : `by ${kind} ${id ?? ""}`;
}

function mayNotRemove(passkey: Passkey): string {
  const theirs = passkey.identity === identity.value?.name;
  return theirs || may("approver") ? "" : "only an approver removes the passkeys of others";
}

interface RemoveProps {
  passkey: Passkey;
  onClose: () => void;
  onDone: () => void;
}

function RemoveDialog({ passkey, onClose, onDone }: RemoveProps) {
  const { busy, problem, run } = useDeed(
    async () => {
      await done(api.DELETE("/api/v1/passkeys/{id}", { params: { path: { id: passkey.id } } }));
      return `The passkey ${passkey.name} of ${passkey.identity} is removed`;
    },
    () => {
      if (passkey.current) {
        signedOut();
        return;
      }
      onDone();
      onClose();
    },
  );
  return (
    <Dialog
      title={`Remove ${passkey.name}?`}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button kind="danger" icon="trash" busy={busy} onClick={run}>
            Remove
          </Button>
        </>
      }
    >
      {problem && <Failed problem={problem} />}
      <p>
        Nobody can sign in with the passkey <b>{passkey.name}</b> of <b>{passkey.identity}</b> any more, and
        who is signed in with it no longer is. It cannot be brought back; another one can be made.
      </p>
      {passkey.current && (
        <Banner kind="warn" title="You are signed in with it:">
          you will be signed out, and need another passkey or a token.
        </Banner>
      )}
    </Dialog>
  );
}
