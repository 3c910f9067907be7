// What the server finds in a text, as one types.

import { useEffect, useState } from "preact/hooks";
import { check, type Finding, THIS_TEXT } from "../../api/calls";
import { plural } from "../../format/numbers";
import { Card } from "../../ui/parts";

/** A pause in typing after which the text is checked. */
const CHECK_AFTER_MS = 300;

export interface Checked {
  text: string;
  accepted: boolean;
  findings: readonly Finding[];
  /** Those of other resources, which this text has no part in. */
  elsewhere: readonly Finding[];
}

/** The server's findings in a text, a moment after it was last changed. */
export function useCheck(text: string): { checked: Checked | undefined; failed: string } {
  const [checked, setChecked] = useState<Checked>();
  const [failed, setFailed] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      check(text, abort.signal).then(
        answer => {
          setFailed("");
          const own = (finding: Finding) => finding.file === THIS_TEXT || finding.file === "";
          setChecked({
            text,
            accepted: answer.accepted,
            findings: answer.diagnostics.filter(own),
            elsewhere: answer.diagnostics.filter(finding => !own(finding)),
          });
        },
        error => {
          if (!abort.signal.aborted) {
            setFailed(error instanceof Error ? error.message : String(error));
          }
        },
      );
    }, CHECK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);
  return { checked, failed };
}

interface FindingsProps {
  checked: Checked | undefined;
  current: boolean;
  failed: string;
  onPick: (finding: Finding) => void;
}

export function Findings({ checked, current, failed, onPick }: FindingsProps) {
  const findings = checked?.findings ?? [];
  const title = failed
    ? "It could not be checked"
    : !checked
      ? "Being checked"
      : findings.length === 0
        ? "No findings"
        : plural(findings.length, "finding");
  return (
    <Card
      title={title}
      flush
      actions={!current && checked && !failed && <span class="muted small">being checked again</span>}
    >
      <div aria-live="polite">
        {failed && <p class="inset muted">{failed}</p>}
        {!failed && checked && findings.length === 0 && (
          <p class="inset muted">The control plane can load this, and so can every filter.</p>
        )}
        <ul class="findings">
          {findings.map(finding => (
            <li key={`${finding.line}:${finding.column}:${finding.message}`}>
              <span class={`dot ${finding.severity === "error" ? "bad" : "warn"}`} aria-hidden="true" />
              <button type="button" onClick={() => onPick(finding)}>
                <b>
                  {finding.severity} in line {finding.line}:
                </b>{" "}
                {finding.message}
              </button>
              {finding.advice.map(line => (
                <span class="advice muted" key={line}>
                  {line}
                </span>
              ))}
            </li>
          ))}
        </ul>
        {checked && checked.elsewhere.length > 0 && (
          <details class="elsewhere">
            <summary>{plural(checked.elsewhere.length, "finding")} in other resources</summary>
            {checked.elsewhere.map(finding => (
              <pre class="rendered" key={finding.rendered}>
                {finding.rendered}
              </pre>
            ))}
          </details>
        )}
      </div>
    </Card>
  );
}
