// Before a change is made: what it changes, why, and how it reaches the nodes.

import { useEffect, useState } from "preact/hooks";
import { apply, THIS_TEXT } from "../api/calls";
import { type ApiProblem, asProblem } from "../api/problem";
import type { Applied, Difference } from "../api/types";
import { plural } from "../format/numbers";
import { useNow } from "../state/live";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Diff } from "./diff";
import { Tag, TextField, When } from "./parts";
import { Replay } from "./replay";
import { RollOutField, useRollOut } from "./roll-out";
import { Banner, Failed, Loading } from "./states";

interface Props {
  text: string;
  /** The revision that the text was made from. */
  base: string;
  title: string;
  onClose: () => void;
  onSaved: (applied: Applied) => void;
  /** Somebody else's change was looked at: from here on it is the one to change. */
  onRebase: (revision: string) => void;
}

export function SaveDialog({ text, base, title, onClose, onSaved, onRebase }: Props) {
  const rollOut = useRollOut();
  const [message, setMessage] = useState("");
  const [preview, setPreview] = useState<Applied>();
  const [problem, setProblem] = useState<ApiProblem>();
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let gone = false;
    setPreview(undefined);
    setProblem(undefined);
    apply(text, { base, message: "", dryRun: true }).then(
      answer => !gone && setPreview(answer),
      error => !gone && setProblem(asProblem(error)),
    );
    return () => {
      gone = true;
    };
  }, [text, base]);

  const save = async () => {
    setBusy(true);
    try {
      onSaved(await apply(text, { base, message, ...rollOut.options }));
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  const nothing = preview?.changes.every(one => one.change === "unchanged") ?? false;
  const refusal = preview
    ? nothing
      ? "the text is the same as what is there"
      : ""
    : problem
      ? "see above"
      : "being checked";

  return (
    <Dialog
      title={title}
      onClose={onClose}
      wide
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" refusal={refusal} busy={busy} onClick={() => void save()}>
            {busy ? "Saving …" : rollOut.now ? "Save and roll out" : "Save and begin stages"}
          </Button>
        </>
      }
    >
      {problem?.changedMeanwhile ? (
        <Meanwhile problem={problem} onRebase={onRebase} />
      ) : problem ? (
        problem.diagnostics.length > 0 ? (
          <Banner kind="bad" title="It cannot be saved yet.">
            <pre class="rendered">{problem.diagnostics.map(one => one.rendered).join("\n\n")}</pre>
          </Banner>
        ) : (
          <Failed problem={problem} />
        )
      ) : null}
      {preview ? (
        <>
          <Changes preview={preview} />
          {preview.replay && <Replay replay={preview.replay} />}
        </>
      ) : (
        !problem && <Loading lines={4} what="What would change is being worked out" />
      )}
      <div class="form-grid">
        <TextField
          label="Why"
          value={message}
          onInput={setMessage}
          placeholder="Shown in the history"
          hint="One line for whoever looks at this change later."
        />
        <RollOutField rollOut={rollOut} />
      </div>
    </Dialog>
  );
}

function Changes({ preview }: { preview: Applied }) {
  const differences: readonly Difference[] = preview.differences ?? [];
  const own = preview.diagnostics.filter(one => one.file === THIS_TEXT);
  const others = preview.diagnostics.filter(one => one.file !== THIS_TEXT);
  return (
    <>
      {own.map(one => (
        <Banner kind="warn" key={one.rendered}>
          <pre class="rendered">{one.rendered}</pre>
        </Banner>
      ))}
      {others.length > 0 && (
        <details class="elsewhere">
          <summary>{plural(others.length, "warning")} about other resources</summary>
          {others.map(one => (
            <pre class="rendered" key={one.rendered}>
              {one.rendered}
            </pre>
          ))}
        </details>
      )}
      {differences.length === 0 && (
        <p class="muted">Nothing is changed: the text is the same as what is there.</p>
      )}
      {differences.map(one => (
        <div class="difference" key={`${one.kind}/${one.name}`}>
          <h3>
            <Tag tone={one.change === "deleted" ? "bad" : one.change === "created" ? "good" : "info"}>
              {one.change}
            </Tag>{" "}
            {one.kind} <b>{one.name}</b>
          </h3>
          <Diff
            before={one.before ?? ""}
            after={one.after ?? ""}
            label={`Change of ${one.kind} ${one.name}`}
          />
        </div>
      ))}
    </>
  );
}

function Meanwhile({ problem, onRebase }: { problem: ApiProblem; onRebase: (revision: string) => void }) {
  const now = useNow();
  return (
    <Banner
      kind="warn"
      title="Others made changes since you opened this."
      actions={
        <Button compact onClick={() => onRebase(problem.current)}>
          Save on top of them
        </Button>
      }
    >
      <ul class="bullets">
        {problem.meanwhile.map(one => (
          <li key={`${one.revision}${one.kind}${one.name}`}>
            {one.kind} <b>{one.name}</b> was {one.change} by {one.author || "nobody known"} in revision{" "}
            <a href={`/rollouts/history/${one.revision}`} target="_blank" rel="noopener">
              {one.revision}
            </a>
            , <When time={one.time} now={now} />
          </li>
        ))}
      </ul>
      Nothing of yours is lost. The comparison below will be with what is there now.
    </Banner>
  );
}
