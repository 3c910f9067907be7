// A change, line by line.

import { diffLines, folded } from "../policy/diff";

const SIGN = { same: " ", added: "+", removed: "−" } as const;
const SAID = { same: "", added: "added: ", removed: "removed: " } as const;

export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = folded(diffLines(before, after));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="diff" aria-label={label} tabIndex={0}>
      {lines.map((line, index) =>
        line === null ? (
          <div class="fold" key={index}>
            …
          </div>
        ) : (
          <div class={line.kind} key={index}>
            <span aria-hidden="true">{SIGN[line.kind]}</span>
            <span class="visually-hidden">{SAID[line.kind]}</span>
            <code>{line.text || " "}</code>
          </div>
        ),
      )}
    </section>
  );
}
