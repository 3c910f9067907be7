// Takes one resource out, after asking.

import { useState } from "preact/hooks";
import { api, got } from "../api/client";
import { type ApiProblem, asProblem } from "../api/problem";
import type { Resource } from "../api/types";
import { say } from "../app/toasts";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Failed } from "./states";

interface Props {
  resource: Resource;
  base: string;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteDialog({ resource, base, onClose, onDeleted }: Props) {
  const [problem, setProblem] = useState<ApiProblem>();
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      const applied = await got(
        api.DELETE("/api/v1/resources/{kind}/{name}", {
          params: { path: { kind: resource.kind, name: resource.name }, query: { base } },
        }),
      );
      say(
        `${resource.name} is deleted${applied.revision ? ` by revision ${applied.revision.revision}` : ""}`,
      );
      onDeleted();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Delete ${resource.name}?`}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button kind="danger" icon="trash" busy={busy} onClick={() => void remove()}>
            Delete
          </Button>
        </>
      }
    >
      {problem && <Failed problem={problem} />}
      <p>
        {resource.kind} <b>{resource.name}</b> is taken out by a new revision. A rollback to a revision before
        it brings it back.
      </p>
    </Dialog>
  );
}
