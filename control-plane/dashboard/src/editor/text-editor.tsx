// A text with the server's findings in it.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Finding, Language } from "../api/calls";
import { asProblem } from "../api/problem";
import { Failed, Loading } from "../ui/states";
import type { EditorHandle } from "./editor";

interface Props {
  label: string;
  text: string;
  readOnly: boolean;
  findings: readonly Finding[];
  language: Language | undefined;
  onChange: (text: string) => void;
  /** Where to go; another object goes there again. */
  target?: { line: number; column: number } | undefined;
}

export default function TextEditor({ label, text, readOnly, findings, language, onChange, target }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const [handle, setHandle] = useState<EditorHandle>();
  const [failure, setFailure] = useState<unknown>();
  const typed = useRef<string[]>([]);
  const latest = useRef({ text, readOnly, onChange, language });
  latest.current = { text, readOnly, onChange, language };

  useEffect(() => {
    let gone = false;
    let made: EditorHandle | undefined;
    import("./editor")
      .then(({ createEditor }) => {
        if (gone || !host.current) {
          return;
        }
        made = createEditor({
          host: host.current,
          label,
          text: latest.current.text,
          readOnly: latest.current.readOnly,
          language: () => latest.current.language,
          onChange: next => {
            typed.current.push(next);
            latest.current.onChange(next);
          },
        });
        setHandle(made);
      })
      .catch(setFailure);
    return () => {
      gone = true;
      made?.destroy();
    };
  }, [label]);

  // At once, so that no key comes between a change and its echo; and an echo of what was typed before the
  // latest key changes nothing.
  useLayoutEffect(() => {
    const echo = typed.current.indexOf(text);
    if (echo >= 0) {
      typed.current.splice(0, echo + 1);
    } else {
      typed.current = [];
      handle?.setText(text);
    }
  }, [handle, text]);
  useEffect(() => handle?.setReadOnly(readOnly), [handle, readOnly]);
  useEffect(() => handle?.setFindings(findings), [handle, findings]);
  useEffect(() => {
    if (target) {
      handle?.goTo(target.line, target.column);
    }
  }, [handle, target]);

  if (failure !== undefined) {
    return <Failed problem={asProblem(failure)} />;
  }
  return (
    <>
      {!handle && <Loading what="The editor is loading" />}
      <div class="editor-host" ref={host} hidden={!handle} />
    </>
  );
}
