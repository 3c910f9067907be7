// The form beside a policy's text, where the text can be shown so.

import { useMemo } from "preact/hooks";
import type { Finding, Language } from "../../api/calls";
import { type PolicyForm, readPolicy, sentence, writePolicy } from "../../policy/document";
import { specOf, word } from "../../policy/facts";
import { faultsByField } from "../../policy/faults";
import type { Resources } from "../../state/resources";
import { Empty } from "../../ui/states";
import { PolicyFormView } from "./form";

interface FormCardProps {
  text: string;
  setText: (text: string) => void;
  readOnly: boolean;
  named: boolean;
  data: Resources;
  known: Language | undefined;
  findings: readonly Finding[];
}

export function FormCard({ text, setText, readOnly, named, data, known, findings }: FormCardProps) {
  const read = useMemo(() => readPolicy(text), [text]);
  const lists = useMemo(() => {
    const named = (known?.names ?? []).flatMap(({ name }) =>
      name.startsWith("lists.") ? name.slice(6) : [],
    );
    return named.length > 0 ? named : data.resources.flatMap(one => (one.kind === "List" ? one.name : []));
  }, [known, data]);
  const reasons = useMemo(
    () =>
      [
        ...new Set(data.resources.flatMap(one => (one.kind === "Signal" ? word(specOf(one), "reason") : []))),
      ].filter(Boolean),
    [data],
  );
  const faults = useMemo(() => faultsByField(text, findings), [text, findings]);
  if (!read.form) {
    return (
      <section class="card" aria-label="Form">
        <Empty icon="warn" title="The form cannot show this text">
          {read.problem}
        </Empty>
      </section>
    );
  }
  const form: PolicyForm = read.form;
  return (
    <section class="card form-card" aria-label="Form">
      <p class="sentence">{sentence(form)}</p>
      <PolicyFormView
        form={form}
        readOnly={readOnly}
        named={named}
        lists={lists}
        reasons={reasons}
        faults={faults}
        onChange={next => setText(writePolicy(text, form, next))}
      />
    </section>
  );
}
