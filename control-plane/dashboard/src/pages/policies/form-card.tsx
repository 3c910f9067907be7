// The form beside a policy's text, where the text can be shown so.

import { useMemo } from "preact/hooks";
import { type Finding, type Language, reasons as reasonsOf } from "../../api/calls";
import { type PolicyForm, readPolicy, sentence, writePolicy } from "../../policy/document";
import { faultsByField } from "../../policy/faults";
import { useLive } from "../../state/live";
import { Empty } from "../../ui/states";
import { PolicyFormView } from "./form";

interface FormCardProps {
  text: string;
  setText: (text: string) => void;
  readOnly: boolean;
  named: boolean;
  known: Language | undefined;
  findings: readonly Finding[];
}

export function FormCard({ text, setText, readOnly, named, known, findings }: FormCardProps) {
  const read = useMemo(() => readPolicy(text), [text]);
  const lists = useMemo(
    () =>
      (known?.names ?? []).flatMap(({ name }) =>
        name.startsWith("lists.") ? name.slice("lists.".length) : [],
      ),
    [known],
  );
  const given = useLive("reasons", reasonsOf);
  const reasons = useMemo(() => (given.data?.reasons ?? []).map(one => one.reason), [given.data]);
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
