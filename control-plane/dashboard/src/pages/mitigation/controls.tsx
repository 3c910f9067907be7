// Which stretch of time, how finely, of which policy and host.

import { useState } from "preact/hooks";
import { localInput } from "../../format/time";
import { RANGES, type Range, rangeSeconds, stepOf, stepsFor, writeRange } from "../../state/range";
import type { Query } from "../../state/use-query";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { SelectField, TextField } from "../../ui/parts";

interface RangeProps {
  query: Query;
  range: Range;
}

export function RangePicker({ query, range }: RangeProps) {
  const [asking, setAsking] = useState(false);
  return (
    <div class="field whole">
      <span class="label" id="range-label">
        Range
      </span>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out as a row in every browser. */}
      <div class="segmented" role="group" aria-labelledby="range-label">
        {RANGES.map(([word, label]) => (
          <button
            key={word}
            type="button"
            aria-pressed={range.word === word}
            onClick={() => query.set({ ...writeRange({ word }), step: undefined, cursor: undefined })}
          >
            {label}
          </button>
        ))}
        <button type="button" aria-pressed={range.word === ""} onClick={() => setAsking(true)}>
          Custom
        </button>
      </div>
      {asking && <CustomRange query={query} range={range} onClose={() => setAsking(false)} />}
    </div>
  );
}

function CustomRange({ query, range, onClose }: RangeProps & { onClose: () => void }) {
  const now = Date.now();
  const [from, setFrom] = useState(localInput(range.from ?? now - rangeSeconds(range) * 1000));
  const [to, setTo] = useState(localInput(range.to ?? now));
  const begin = Date.parse(from);
  const end = Date.parse(to);
  const fault =
    Number.isNaN(begin) || Number.isNaN(end)
      ? "give both times"
      : begin < end
        ? ""
        : "it ends before it begins";
  const take = () => {
    query.set({ ...writeRange({ word: "", from: begin, to: end }), step: undefined, cursor: undefined });
    onClose();
  };
  return (
    <Dialog
      title="Custom range"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" refusal={fault} onClick={take}>
            Show
          </Button>
        </>
      }
    >
      <p class="muted">Times are those of {Intl.DateTimeFormat().resolvedOptions().timeZone}.</p>
      <div class="form-grid">
        <TextField label="From" type="datetime-local" value={from} onInput={setFrom} />
        <TextField label="To" type="datetime-local" value={to} onInput={setTo} fault={fault} />
      </div>
    </Dialog>
  );
}

interface Props extends RangeProps {
  policies: readonly string[];
  hosts: readonly string[];
}

export function Controls({ query, range, policies, hosts }: Props) {
  const { values, set } = query;
  const policy = values["policy"] ?? "";
  const host = values["host"] ?? "";
  const known = policy && !policies.includes(policy) ? [policy, ...policies] : policies;
  return (
    <div class="filters">
      <RangePicker query={query} range={range} />
      <SelectField
        label="Resolution"
        value={values["step"] ? String(stepOf(range, values["step"])) : ""}
        options={[
          ["", "Automatic"],
          ...stepsFor(range).map(([step, label]) => [String(step), label] as const),
        ]}
        onChange={step => set({ step })}
      />
      <SelectField
        label="Policy"
        value={policy}
        options={[["", "All policies"], ...known.map(name => [name, name] as const)]}
        onChange={name => set({ policy: name })}
      />
      <HostField host={host} hosts={hosts} onChange={name => set({ host: name })} />
    </div>
  );
}

/** A host can be one that was not seen lately: it is typed, with those that were as suggestions. */
function HostField({
  host,
  hosts,
  onChange,
}: {
  host: string;
  hosts: readonly string[];
  onChange: (host: string) => void;
}) {
  const [typed, setTyped] = useState<string>();
  const take = () => {
    if (typed !== undefined && typed.trim() !== host) {
      onChange(typed.trim());
    }
    setTyped(undefined);
  };
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        take();
      }}
      onFocusOut={take}
    >
      <TextField
        label="Host"
        value={typed ?? host}
        onInput={text => {
          setTyped(text);
          if (hosts.includes(text) || text === "") {
            onChange(text);
          }
        }}
        placeholder="All hosts"
        list={hosts}
      />
    </form>
  );
}
