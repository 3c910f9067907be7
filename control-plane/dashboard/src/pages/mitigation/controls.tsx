// Which stretch of time, how finely, of which policy and host.

import { useState } from "preact/hooks";
import { stepOf, stepsFor } from "../../state/range";
import { RangePicker, type RangeProps } from "../../state/range-picker";
import { SelectField, TextField } from "../../ui/parts";

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
