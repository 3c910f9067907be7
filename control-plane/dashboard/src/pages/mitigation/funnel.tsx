// What became of the challenges: how many people got how far, and why the others did not.

import { count, exact, ratio, share } from "../../format/numbers";
import { Bar } from "../../ui/parts";
import type { Sums } from "./sums";

const STEPS: readonly { key: keyof Sums; name: string; off?: boolean; kind: string; what: string }[] = [
  { key: "challenge", name: "Issued", kind: "challenge", what: "requests that were asked for proof" },
  { key: "page_served", name: "Page served", kind: "challenge", what: "the challenge page was asked for" },
  { key: "started", name: "Started", kind: "challenge", what: "the person pressed the button" },
  {
    key: "unsupported",
    name: "Unsupported",
    off: true,
    kind: "off",
    what: "the device has no authenticator",
  },
  { key: "cancelled", name: "Cancelled", off: true, kind: "off", what: "the person closed the prompt" },
  { key: "rejected", name: "Rejected", off: true, kind: "off", what: "the answer was not good" },
  { key: "passed", name: "Passed", kind: "passed", what: "a session was given" },
  {
    key: "came_back",
    name: "Came back",
    kind: "passed",
    what: "the first request with the session was seen",
  },
];

interface Props {
  sums: Sums;
  causes: readonly { cause: string; count: number }[];
  link: (step: string, cause?: string) => string;
}

export function Funnel({ sums, causes, link }: Props) {
  return (
    <>
      <ol class="funnel">
        {STEPS.map(step => {
          const part = ratio(sums[step.key], sums.challenge);
          return (
            <li key={step.key} class={step.off ? "off" : ""} title={step.what}>
              <span>{step.name}</span>
              <Bar parts={[{ share: part ?? 0, kind: step.kind }]} />
              <span class="number">
                <a
                  class="figure-link"
                  href={link(step.key)}
                  aria-label={`${step.name}: ${exact(sums[step.key])} events`}
                >
                  {count(sums[step.key])}
                </a>
              </span>
              <span class="number muted">{share(part)}</span>
            </li>
          );
        })}
      </ol>
      {causes.length > 0 && (
        <div class="causes">
          <span class="muted small">Rejected because</span>
          {causes.map(({ cause, count: number }) => (
            <a key={cause} class="tag" href={link("rejected", cause)}>
              {cause.replaceAll("_", " ")} <b>{exact(number)}</b>
            </a>
          ))}
        </div>
      )}
    </>
  );
}
