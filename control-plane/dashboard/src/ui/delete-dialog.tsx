// Takes one resource out, after asking.

import { api, got } from "../api/client";
import type { Resource } from "../api/types";
import { Button } from "./button";
import { useDeed } from "./deed";
import { Dialog } from "./dialog";
import { Failed } from "./states";

interface Props {
  resource: Resource;
  base: string;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteDialog({ resource, base, onClose, onDeleted }: Props) {
  const { busy, problem, run } = useDeed(async () => {
    const applied = await got(
      api.DELETE("/api/v1/resources/{kind}/{name}", {
        params: { path: { kind: resource.kind, name: resource.name }, query: { base } },
      }),
    );
    return `${resource.name} is deleted${applied.revision ? ` by revision ${applied.revision.revision}` : ""}`;
  }, onDeleted);
  return (
    <Dialog
      title={`Delete ${resource.name}?`}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button kind="danger" icon="trash" busy={busy} onClick={run}>
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
