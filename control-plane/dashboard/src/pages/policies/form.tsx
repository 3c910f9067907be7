// A policy as a form.

import { useLayoutEffect, useState } from "preact/hooks";
import { ACTIONS, type Action } from "../../api/types";
import type { PolicyForm } from "../../policy/document";
import { Field, SelectField, TextField } from "../../ui/parts";
import { Ticks } from "../../ui/ticks";
import { ConditionBuilder } from "./condition-builder";

interface Props {
  form: PolicyForm;
  readOnly: boolean;
  /** A policy that is there keeps its name: another name would be another policy. */
  named: boolean;
  lists: readonly string[];
  reasons: readonly string[];
  /** What is wrong, by field. */
  faults: Record<string, string>;
  onChange: (form: PolicyForm) => void;
}

const SAYS: Record<Action, string> = {
  allow: "Lets the request through and looks no further.",
  block: "Answers 403. There is no way out.",
  redirect: "Sends the request elsewhere.",
  challenge: "Asks for proof, unless a session satisfies the demand already.",
  monitor: "Counts and does nothing. The first step of any new policy.",
};

const ACTION_NAMES: Record<Action, string> = {
  allow: "Allow",
  block: "Block",
  redirect: "Redirect",
  challenge: "Challenge",
  monitor: "Monitor",
};

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** The grades that a challenge can demand today. */
const DEMANDS = [
  ["", "As the settings say"],
  ["effort", "effort: some work was done"],
  ["human", "human: probably a person"],
  ["possession", "possession: a known device"],
  ["uv", "uv: the device verified its user"],
  ["uv_bound", "uv_bound: and its key cannot leave it"],
  ["uv_attested", "uv_attested: and its maker vouches for it"],
] as const;

export function PolicyFormView({ form, readOnly, named, lists, reasons, faults, onChange }: Props) {
  const set = (change: Partial<PolicyForm>) => onChange({ ...form, ...change });
  return (
    <fieldset class="policy-form" disabled={readOnly}>
      <legend class="visually-hidden">The policy</legend>
      <div class="form-grid">
        <TextField
          label="Name"
          fault={faults["name"]}
          value={form.name}
          disabled={named}
          onInput={name => set({ name })}
          hint={
            named ? "A name stays; another name would be another policy." : "Lower case, digits and hyphens."
          }
        />
        <TextField
          label="Priority"
          fault={faults["priority"]}
          value={form.priority}
          placeholder="1000"
          onInput={priority => set({ priority })}
          hint="Lower runs first."
        />
      </div>
      <h2 class="part">Which requests</h2>
      <div class="form-grid">
        <Lines
          label="Hosts"
          fault={faults["hosts"]}
          values={form.hosts}
          onChange={hosts => set({ hosts })}
          placeholder={"shop.example.com\n*.example.com"}
          hint="One a line; none = all."
        />
        <Lines
          label="Endpoints"
          fault={faults["endpoints"]}
          values={form.endpoints}
          onChange={endpoints => set({ endpoints })}
          placeholder={"/checkout/*\n/payment/*"}
          hint="Paths with *, one a line; none = all."
        />
      </div>
      <Methods methods={form.methods} onChange={methods => set({ methods })} />
      <h2 class="part" id="when-label">
        When
      </h2>
      <ConditionBuilder
        text={form.when}
        readOnly={readOnly}
        lists={lists}
        reasons={reasons}
        onChange={when => set({ when })}
      />
      {faults["when"] && (
        <p class="fault" role="alert">
          <Ticks text={faults["when"]} />
        </p>
      )}
      <h2 class="part">What is done</h2>
      <div class="form-grid">
        <SelectField
          label="Action"
          fault={faults["action"]}
          value={form.action}
          options={ACTIONS.map(action => [action, ACTION_NAMES[action]] as const)}
          onChange={action => set({ action: action as Action })}
          hint={SAYS[form.action]}
        />
        {form.action !== "monitor" && (
          <SelectField
            label="Mode"
            fault={faults["mode"]}
            value={form.mode}
            options={[
              ["enforce", "Enforce"],
              ["monitor", "Only count what it would do"],
            ]}
            onChange={mode => set({ mode: mode as PolicyForm["mode"] })}
            hint={
              form.mode === "monitor"
                ? "Nobody notices; the dashboard shows what would happen."
                : "The action is carried out."
            }
          />
        )}
        {form.action === "challenge" && (
          <>
            <SelectField
              label="Least assurance"
              fault={faults["minAssurance"]}
              value={form.minAssurance}
              options={
                DEMANDS.some(([grade]) => grade === form.minAssurance)
                  ? DEMANDS
                  : [...DEMANDS, [form.minAssurance, form.minAssurance] as const]
              }
              onChange={minAssurance => set({ minAssurance })}
              hint="A better one satisfies it too."
            />
            <TextField
              label="Oldest proof"
              fault={faults["maxAge"]}
              value={form.maxAge}
              onInput={maxAge => set({ maxAge })}
              placeholder="1h"
              hint="As 30m, 1h or 1h30m; empty = as the settings say."
            />
          </>
        )}
        {form.action === "redirect" && (
          <>
            <TextField
              label="Location"
              fault={faults["location"]}
              value={form.location}
              onInput={location => set({ location })}
              placeholder="https://example.com/sorry"
              hint="An absolute URL, or a path."
            />
            <SelectField
              label="Status"
              fault={faults["status"]}
              value={form.status || "302"}
              options={[
                ["302", "302 Found"],
                ["307", "307, keeps the method"],
                ["308", "308, for good, keeps the method"],
              ]}
              onChange={status => set({ status: status === "302" ? "" : status })}
            />
          </>
        )}
      </div>
    </fieldset>
  );
}

interface LinesProps {
  label: string;
  values: readonly string[];
  onChange: (values: string[]) => void;
  placeholder: string;
  hint: string;
  fault: string | undefined;
}

function entries(text: string): string[] {
  return text
    .split("\n")
    .map(line => line.trim())
    .filter(Boolean);
}

/** A list, one entry a line. What is typed stays as it is typed until the list is changed elsewhere. */
function Lines({ label, values, onChange, placeholder, hint, fault }: LinesProps) {
  const [typed, setTyped] = useState(values.join("\n"));
  const given = values.join("\n");
  useLayoutEffect(() => {
    setTyped(now => (entries(now).join("\n") === given ? now : given));
  }, [given]);
  return (
    <Field label={label} hint={hint} fault={fault}>
      {({ id, describedBy, invalid }) => (
        <textarea
          class="textarea"
          id={id}
          rows={3}
          value={typed}
          placeholder={placeholder}
          aria-describedby={describedBy}
          aria-invalid={invalid ? "true" : undefined}
          spellcheck={false}
          onInput={event => {
            setTyped(event.currentTarget.value);
            onChange(entries(event.currentTarget.value));
          }}
        />
      )}
    </Field>
  );
}

function Methods({
  methods,
  onChange,
}: {
  methods: readonly string[];
  onChange: (methods: string[]) => void;
}) {
  const all = [...METHODS, ...methods.filter(method => !METHODS.includes(method))];
  return (
    <fieldset class="methods">
      <legend class="label">Methods</legend>
      {all.map(method => (
        <label class="check" key={method}>
          <input
            type="checkbox"
            checked={methods.includes(method)}
            onChange={event =>
              onChange(
                event.currentTarget.checked ? [...methods, method] : methods.filter(one => one !== method),
              )
            }
          />
          {method}
        </label>
      ))}
      <span class="hint muted small">None = all.</span>
    </fieldset>
  );
}
