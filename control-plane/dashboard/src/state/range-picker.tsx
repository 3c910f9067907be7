// Which stretch of time a page looks at.

import { useState } from "preact/hooks";
import { localInput, zoneName } from "../format/time";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/parts";
import { RANGES, type Range, rangeSeconds, writeRange } from "./range";
import type { Query } from "./use-query";

export interface RangeProps {
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
      <p class="muted">Times are those of {zoneName()}.</p>
      <div class="form-grid">
        <TextField label="From" type="datetime-local" value={from} onInput={setFrom} />
        <TextField label="To" type="datetime-local" value={to} onInput={setTo} fault={fault} />
      </div>
    </Dialog>
  );
}
