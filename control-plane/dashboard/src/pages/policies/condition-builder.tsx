// A condition row by row.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import {
  blankRow,
  type Condition,
  FIELDS,
  fieldInfo,
  OPERATORS,
  type Row,
  readCondition,
  writeCondition,
} from "../../policy/condition";
import { Button } from "../../ui/button";

interface Props {
  text: string;
  readOnly: boolean;
  lists: readonly string[];
  reasons: readonly string[];
  onChange: (text: string) => void;
}

export function ConditionBuilder({ text, readOnly, lists, reasons, onChange }: Props) {
  const [condition, setCondition] = useState<Condition>(() => readCondition(text));
  // What was written last: a text that comes back is our own, and its unfinished rows stay.
  const written = useRef(text);
  useLayoutEffect(() => {
    if (text.trim() !== written.current.trim()) {
      written.current = text;
      setCondition(readCondition(text));
    }
  }, [text]);
  const change = (next: Condition) => {
    setCondition(next);
    written.current = writeCondition(next);
    onChange(written.current);
  };
  const { join, rows } = condition;
  const setRow = (index: number, row: Row) =>
    change({ join, rows: rows.map((one, at) => (at === index ? row : one)) });
  return (
    // biome-ignore lint/a11y/useSemanticElements: its heading labels it.
    <div class="conditions" role="group" aria-labelledby="when-label">
      {rows.length === 0 && <p class="muted">Always. Add a condition to narrow it down.</p>}
      {rows.length > 1 && (
        <label class="join">
          <select
            class="select"
            value={join}
            aria-label="How the conditions are joined"
            onChange={event => change({ join: event.currentTarget.value as Condition["join"], rows })}
          >
            <option value="all">All of these hold</option>
            <option value="any">Any of these holds</option>
          </select>
        </label>
      )}
      <ol class="condition-rows">
        {rows.map((row, index) => (
          <li key={index}>
            <RowFields
              row={row}
              number={index + 1}
              lists={lists}
              reasons={reasons}
              onChange={next => setRow(index, next)}
            />
            <Button
              kind="quiet"
              icon="close"
              label={`Remove condition ${index + 1}`}
              refusal={readOnly ? "this cannot be changed here" : ""}
              onClick={() => change({ join, rows: rows.filter((_, at) => at !== index) })}
            />
          </li>
        ))}
      </ol>
      {!readOnly && (
        <div class="actions">
          <Button compact icon="plus" onClick={() => change({ join, rows: [...rows, blankRow()] })}>
            Add condition
          </Button>
          <Button
            compact
            kind="quiet"
            onClick={() => change({ join, rows: [...rows, { kind: "text", text: "" }] })}
          >
            Add CEL
          </Button>
        </div>
      )}
    </div>
  );
}

interface RowProps {
  row: Row;
  number: number;
  lists: readonly string[];
  reasons: readonly string[];
  onChange: (row: Row) => void;
}

function RowFields({ row, number, lists, reasons, onChange }: RowProps) {
  if (row.kind === "text") {
    return (
      <input
        class="input mono wide"
        value={row.text}
        aria-label={`Condition ${number} in CEL`}
        placeholder="CEL, for example now.getHours() < 6"
        spellcheck={false}
        onInput={event => onChange({ kind: "text", text: event.currentTarget.value })}
      />
    );
  }
  const info = fieldInfo(row.field);
  const type = info?.type ?? "string";
  const words = type === "address" ? lists.map(name => `lists.${name}`) : (info?.words ?? []);
  const choices = type !== "reasons" && (words.length > 0 || type === "address");
  const known = words.includes(row.value) || row.value === "" ? words : [row.value, ...words];
  return (
    <>
      <select
        class="select"
        value={row.field}
        aria-label={`Field of condition ${number}`}
        onChange={event => onChange(blankRow(event.currentTarget.value))}
      >
        {FIELDS.map(field => (
          <option key={field.name} value={field.name}>
            {field.label}
          </option>
        ))}
      </select>
      <select
        class="select"
        value={row.operator}
        aria-label={`Operator of condition ${number}`}
        onChange={event => onChange({ ...row, operator: event.currentTarget.value })}
      >
        {OPERATORS[type].map(([word, label]) => (
          <option key={word} value={word}>
            {label}
          </option>
        ))}
      </select>
      {type === "bool" ? null : choices ? (
        <select
          class="select"
          value={row.value}
          aria-label={`Value of condition ${number}`}
          onChange={event => onChange({ ...row, value: event.currentTarget.value })}
        >
          {row.value === "" && (
            <option value="">{known.length === 0 ? "there is no list yet" : "choose"}</option>
          )}
          {known.map(word => (
            <option key={word} value={word}>
              {word}
            </option>
          ))}
        </select>
      ) : (
        <>
          <input
            class="input"
            inputMode={type === "number" ? "numeric" : "text"}
            value={row.value}
            list={type === "reasons" ? `reasons-${number}` : undefined}
            aria-label={`Value of condition ${number}`}
            spellcheck={false}
            onInput={event => onChange({ ...row, value: event.currentTarget.value })}
          />
          {type === "reasons" && (
            <datalist id={`reasons-${number}`}>
              {reasons.map(reason => (
                <option key={reason} value={reason} />
              ))}
            </datalist>
          )}
        </>
      )}
    </>
  );
}
