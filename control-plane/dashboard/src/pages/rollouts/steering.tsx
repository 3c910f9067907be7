// What can be done to a rollout, by whom.

import { useState } from "preact/hooks";
import { api, got } from "../../api/client";
import type { RolloutView } from "../../api/types";
import { identity, type Role, whyNot } from "../../app/session";
import { Button } from "../../ui/button";
import { useDeed } from "../../ui/deed";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/parts";
import { Failed } from "../../ui/states";

interface Deed {
  word: string;
  label: string;
  says: string;
  role: Role;
  all?: boolean;
  kind?: "primary" | "danger";
  icon?: "pause" | "play";
}

const DEEDS: Record<string, readonly Deed[]> = {
  "waiting for approval": [
    {
      word: "reject",
      label: "Reject",
      says: "The change does not go out.",
      role: "approver",
      kind: "danger",
    },
    { word: "approve", label: "Approve", says: "The first stage begins.", role: "approver", kind: "primary" },
  ],
  progressing: [
    {
      word: "abort",
      label: "Abort",
      says: "Every node goes back to the stable revision.",
      role: "editor",
      kind: "danger",
    },
    {
      word: "promote",
      label: "All stages",
      says: "Every node gets the candidate now, without waiting for gates.",
      role: "editor",
      all: true,
    },
    {
      word: "promote",
      label: "Next stage",
      says: "The stage ends now, without waiting for its time.",
      role: "editor",
    },
    {
      word: "pause",
      label: "Pause",
      says: "Nodes keep what they run; gates hold on, time does not.",
      role: "editor",
      icon: "pause",
    },
  ],
  paused: [
    {
      word: "abort",
      label: "Abort",
      says: "Every node goes back to the stable revision.",
      role: "editor",
      kind: "danger",
    },
    {
      word: "promote",
      label: "Next stage",
      says: "The stage ends now, without waiting for its time.",
      role: "editor",
    },
    { word: "resume", label: "Resume", says: "Time goes on.", role: "editor", kind: "primary", icon: "play" },
  ],
};

export function Steering({ rollout: one, reload }: { rollout: RolloutView; reload: () => void }) {
  const [asked, setAsked] = useState<Deed>();
  const mine = one.author !== "" && identity.value?.name === one.author;
  return (
    <>
      {(DEEDS[one.state] ?? []).map(deed => (
        <Button
          key={deed.label}
          compact
          {...(deed.kind ? { kind: deed.kind } : {})}
          {...(deed.icon ? { icon: deed.icon } : {})}
          refusal={
            whyNot(deed.role) ||
            (deed.word === "approve" && mine ? "you wrote this change; somebody else has to approve it" : "")
          }
          onClick={() => setAsked(deed)}
        >
          {deed.label}
        </Button>
      ))}
      {asked && <DeedDialog deed={asked} rollout={one} onClose={() => setAsked(undefined)} onDone={reload} />}
    </>
  );
}

interface DeedProps {
  deed: Deed;
  rollout: RolloutView;
  onClose: () => void;
  onDone: () => void;
}

function DeedDialog({ deed, rollout: one, onClose, onDone }: DeedProps) {
  const [message, setMessage] = useState("");
  const { busy, problem, run } = useDeed(
    async () => {
      await got(
        api.POST("/api/v1/rollout/{action}", {
          params: {
            path: { action: deed.word },
            query: { ...(message ? { message } : {}), ...(deed.all ? { all: true } : {}) },
          },
        }),
      );
      return `Rollout ${one.id}: ${deed.label.toLowerCase()}`;
    },
    () => {
      onDone();
      onClose();
    },
  );
  return (
    <Dialog
      title={`${deed.label}: rollout ${one.id}`}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={deed.kind === "danger" ? "danger" : "primary"} busy={busy} onClick={run}>
            {deed.label}
          </Button>
        </>
      }
    >
      {problem && <Failed problem={problem} />}
      <p>{deed.says}</p>
      <TextField label="Why" value={message} onInput={setMessage} placeholder="Shown in what happened" />
    </Dialog>
  );
}
