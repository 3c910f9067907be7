// A field whose value goes to the address a moment after the last key.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Query } from "../state/use-query";
import { TextField } from "./parts";

/** A pause in typing after which is searched. */
const AFTER_MS = 300;

interface Props {
  query: Query;
  name: string;
  label: string;
  placeholder: string;
  grow?: boolean;
}

export function TypedField({ query, name, label, placeholder, grow = false }: Props) {
  const given = query.values[name] ?? "";
  const [typed, setTyped] = useState(given);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useLayoutEffect(() => setTyped(now => (now.trim() === given ? now : given)), [given]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div class={grow ? "field grow" : ""}>
      <TextField
        label={label}
        value={typed}
        placeholder={placeholder}
        onInput={text => {
          setTyped(text);
          clearTimeout(timer.current);
          timer.current = setTimeout(
            () => query.set({ [name]: text.trim(), cursor: undefined }, true),
            AFTER_MS,
          );
        }}
      />
    </div>
  );
}
