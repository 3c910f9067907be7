// From an event to a device rule: all is filled in, a second click makes it.

import { useMemo, useState } from "preact/hooks";
import { apply } from "../../api/calls";
import { type ApiProblem, asProblem } from "../../api/problem";
import type { Applied, DecisionEvent } from "../../api/types";
import { say } from "../../app/toasts";
import { deviceOf, identifiers, ruleText } from "../../policy/device-rule";
import { DEVICE_RULE } from "../../policy/kinds";
import { Button, LinkButton } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { SelectField, TextField } from "../../ui/parts";
import { Banner, Failed } from "../../ui/states";

const HOUR_MS = 3_600_000;

const EXPIRIES = [
  ["1", "In an hour"],
  ["24", "In a day"],
  ["168", "In a week"],
  ["720", "In 30 days"],
  ["", "Never"],
] as const;

export function RuleDialog({ event, onClose }: { event: DecisionEvent; onClose: () => void }) {
  const known = useMemo(() => identifiers(event, deviceOf(event)), [event]);
  const [field, setField] = useState(known[0]?.field ?? "");
  const [verdict, setVerdict] = useState(event.action === "block" ? "ALLOW" : "BLOCK");
  const [hours, setHours] = useState("24");
  const [description, setDescription] = useState(`from event ${event.event_id}`);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const [made, setMade] = useState<{ applied: Applied; name: string }>();
  const identifier = known.find(one => one.field === field);

  const save = async () => {
    if (!identifier) {
      return;
    }
    setBusy(true);
    setProblem(undefined);
    const expires = hours ? Date.now() + Number(hours) * HOUR_MS : undefined;
    try {
      const text = ruleText(event, identifier, verdict, expires, description);
      const applied = await apply(text, {
        base: "",
        message: `device rule from event ${event.event_id}`,
        now: true,
      });
      const name = applied.changes.find(one => one.kind === DEVICE_RULE.kind)?.name ?? "";
      say(
        applied.revision
          ? `Device rule made by revision ${applied.revision.revision}`
          : "The rule was there already",
      );
      setMade({ applied, name });
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };

  if (made) {
    return (
      <Dialog
        title="The device rule is made"
        onClose={onClose}
        foot={
          <>
            <LinkButton href={`${DEVICE_RULE.path}/${encodeURIComponent(made.name)}`}>
              Open the rule
            </LinkButton>
            <Button kind="primary" onClick={onClose}>
              Done
            </Button>
          </>
        }
      >
        <p>
          {identifier?.label} gets the verdict <b>{verdict}</b> on every node within seconds.
        </p>
        {made.applied.diagnostics.map(one => (
          <Banner kind="warn" key={one.rendered}>
            <pre class="rendered">{one.rendered}</pre>
          </Banner>
        ))}
      </Dialog>
    );
  }
  return (
    <Dialog
      title="Make a device rule"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={busy}
            refusal={identifier ? "" : "the event tells nothing that a rule could go by"}
            onClick={() => void save()}
          >
            {busy ? "Saving …" : "Make the rule"}
          </Button>
        </>
      }
    >
      {problem &&
        (problem.diagnostics.length > 0 ? (
          <Banner kind="bad" title="It was refused.">
            <pre class="rendered">{problem.diagnostics.map(one => one.rendered).join("\n\n")}</pre>
          </Banner>
        ) : (
          <Failed problem={problem} />
        ))}
      <SelectField
        label="Whom"
        value={field}
        options={known.map(one => [one.field, one.label] as const)}
        onChange={setField}
        hint="The narrower, the fewer others are hit: an address may be shared by many people."
      />
      <div class="form-grid">
        <SelectField
          label="Verdict"
          value={verdict}
          options={[
            ["BLOCK", "BLOCK"],
            ["CHALLENGE", "CHALLENGE"],
            ...(field === "country_code" ? [] : [["ALLOW", "ALLOW"] as const]),
          ]}
          onChange={setVerdict}
        />
        <SelectField label="Ends" value={hours} options={EXPIRIES} onChange={setHours} />
      </div>
      <TextField label="Description" value={description} onInput={setDescription} />
    </Dialog>
  );
}
