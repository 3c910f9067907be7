// One revision: what it changed, what tells it from another, and the way back to it.

import { useEffect, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { api, got } from "../../api/client";
import { type ApiProblem, asProblem } from "../../api/problem";
import type { Applied, Difference } from "../../api/types";
import { whyNot } from "../../app/session";
import { say } from "../../app/toasts";
import { dateTime } from "../../format/time";
import { resourcePath } from "../../policy/kinds";
import { useLive } from "../../state/live";
import { useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Diff } from "../../ui/diff";
import { Card, PageHead, SelectField, Tag, TextField, type Tone } from "../../ui/parts";
import { Replay } from "../../ui/replay";
import { RollOutField, useRollOut } from "../../ui/roll-out";
import { Answered, Banner, Empty, Failed, Loading } from "../../ui/states";

const TONES: Record<string, Tone> = { created: "good", deleted: "bad", updated: "info" };

export default function RevisionPage() {
  const { params } = useRoute();
  const query = useQuery();
  const name = params["revision"] ?? "";
  const against = query.values["against"] ?? "";
  const [asking, setAsking] = useState(false);
  const revisions = useLive("revisions 100", signal =>
    got(api.GET("/api/v1/revisions", { signal, params: { query: { limit: 100 } } })),
  );
  const current = revisions.data?.revisions[0];
  const toCurrent = against === "current";
  // Its number: while it only counts, nodes run it under another hash.
  const number = name.split("-")[0] ?? name;
  const from = toCurrent ? number : against;
  const to = toCurrent ? "" : number;
  const diff = useLive(`diff ${from} ${to}`, signal =>
    got(
      api.GET("/api/v1/diff", {
        signal,
        params: { query: { ...(from ? { from } : {}), ...(to ? { to } : {}) } },
      }),
    ),
  );
  const isCurrent = String(current?.number) === number;
  const known = revisions.data?.revisions.find(one => String(one.number) === number);
  return (
    <>
      <PageHead
        crumb={
          <>
            Delivery / <a href="/rollouts/history">History</a>
          </>
        }
        title={
          <>
            Revision <span class="mono-title">{known?.revision ?? name}</span>
          </>
        }
        lead={
          known && (
            <>
              {dateTime(known.time)} by {known.author || "nobody known"}
              {known.message && `: ${known.message}`}
            </>
          )
        }
      >
        <Button
          kind="primary"
          refusal={isCurrent ? "this is the current revision" : whyNot("editor")}
          onClick={() => setAsking(true)}
        >
          Roll back to this …
        </Button>
      </PageHead>
      <div class="filters">
        <SelectField
          label="Compare with"
          value={against}
          options={[
            ["", "The one before it"],
            ["current", "The current one"],
            ...(revisions.data?.revisions ?? [])
              .filter(one => String(one.number) !== number)
              .map(one => [one.revision, `${one.revision} by ${one.author}`] as const),
          ]}
          onChange={word => query.set({ against: word }, true)}
        />
      </div>
      <Answered live={diff} lines={8}>
        {data => (
          <Differences
            list={data.differences}
            title={
              data.from
                ? `From ${data.from.revision} to ${data.to.revision}`
                : `All of ${data.to.revision}, which came before any other`
            }
          />
        )}
      </Answered>
      {asking && current && (
        <RollbackDialog
          revision={known?.revision ?? name}
          base={current.revision}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

function Differences({ list, title }: { list: readonly Difference[]; title: string }) {
  return (
    <Card title={title}>
      {list.length === 0 ? (
        <Empty title="The resources are the same">
          Keys may differ: new session and ticket keys make revisions too.
        </Empty>
      ) : (
        <div class="differences">
          {list.map(one => {
            const path = one.change === "deleted" ? undefined : resourcePath(one.kind, one.name);
            return (
              <div class="difference" key={`${one.kind}/${one.name}`}>
                <h3>
                  <Tag tone={TONES[one.change] ?? ""}>{one.change}</Tag> {one.kind}{" "}
                  {path ? <a href={path}>{one.name}</a> : <b>{one.name}</b>}
                </h3>
                <Diff
                  before={one.before ?? ""}
                  after={one.after ?? ""}
                  label={`Change of ${one.kind} ${one.name}`}
                />
              </div>
            );
          })}
        </div>
      )}
    </Card>
  );
}

interface RollbackProps {
  revision: string;
  base: string;
  onClose: () => void;
}

function RollbackDialog({ revision, base, onClose }: RollbackProps) {
  const { route } = useLocation();
  const [against, setAgainst] = useState(base);
  const rollOut = useRollOut();
  const [message, setMessage] = useState("");
  const [preview, setPreview] = useState<Applied>();
  const [problem, setProblem] = useState<ApiProblem>();
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let gone = false;
    setPreview(undefined);
    rollback(revision, { base: against, dryRun: true }).then(
      answer => !gone && setPreview(answer),
      error => !gone && setProblem(asProblem(error)),
    );
    return () => {
      gone = true;
    };
  }, [revision, against]);

  const act = async () => {
    setBusy(true);
    try {
      const applied = await rollback(revision, {
        base: against,
        ...(message ? { message } : {}),
        ...rollOut.options,
      });
      say(applied.revision ? `Rolled back by revision ${applied.revision.revision}` : "Nothing was changed");
      onClose();
      route("/rollouts/history");
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const same = preview !== undefined && (preview.differences ?? []).length === 0;
  return (
    <Dialog
      title={`Roll back to ${revision}`}
      onClose={onClose}
      wide
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={busy}
            refusal={preview ? (same ? "its resources are the present ones" : "") : "being worked out"}
            onClick={() => void act()}
          >
            Roll back
          </Button>
        </>
      }
    >
      {problem?.changedMeanwhile ? (
        <Banner
          kind="warn"
          title="Others made changes meanwhile."
          actions={
            <Button
              compact
              onClick={() => {
                setProblem(undefined);
                setAgainst(problem.current);
              }}
            >
              Look again
            </Button>
          }
        >
          The current revision is {problem.current} now.
        </Banner>
      ) : (
        problem && <Failed problem={problem} />
      )}
      <p>Its resources become the present ones again, by a new revision. This is what changes:</p>
      {preview
        ? (preview.differences ?? []).map(one => (
            <div class="difference" key={`${one.kind}/${one.name}`}>
              <h3>
                <Tag tone={TONES[one.change] ?? ""}>{one.change}</Tag> {one.kind} <b>{one.name}</b>
              </h3>
              <Diff
                before={one.before ?? ""}
                after={one.after ?? ""}
                label={`Change of ${one.kind} ${one.name}`}
              />
            </div>
          ))
        : !problem && <Loading lines={4} />}
      {preview?.replay && <Replay replay={preview.replay} />}
      {same && <p class="muted">Nothing: the resources are the same.</p>}
      <div class="form-grid">
        <TextField label="Why" value={message} onInput={setMessage} placeholder="Shown in the history" />
        <RollOutField rollOut={rollOut} />
      </div>
    </Dialog>
  );
}

function rollback(
  revision: string,
  body: { base: string; message?: string; dryRun?: boolean; strategy?: string; now?: boolean },
): Promise<Applied> {
  return got(api.POST("/api/v1/revisions/{revision}/rollback", { params: { path: { revision } }, body }));
}
