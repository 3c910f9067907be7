// What somebody who looks at policies should know: files that are not taken, and what pass rates speak for.

import { api, got } from "../api/client";
import { plural } from "../format/numbers";
import { POLICY } from "../policy/kinds";
import { useLive } from "../state/live";
import { Banner } from "./states";
import { Ticks } from "./ticks";

const ERRORS_EVERY_MS = 10_000;
const PROPOSALS_EVERY_MS = 60_000;

/** The watched directory has errors: what runs is what it said before. */
export function FileErrors() {
  const errors = useLive("file errors", signal => got(api.GET("/api/v1/resources/errors", { signal })), {
    every: ERRORS_EVERY_MS,
  });
  const found = errors.data?.diagnostics ?? [];
  if (found.length === 0) {
    return null;
  }
  return (
    <Banner kind="bad" title={`The policy directory is not taken: ${plural(found.length, "error")}.`}>
      Nodes run what it said before.
      <details>
        <summary>Show</summary>
        <pre class="rendered">{found.map(one => one.rendered).join("\n\n")}</pre>
      </details>
    </Banner>
  );
}

/** Where nearly everybody passes, a challenge may be asked of the wrong people. Nothing is changed by itself. */
export function Proposals() {
  const proposals = useLive("proposals", signal => got(api.GET("/api/v1/proposals", { signal })), {
    every: PROPOSALS_EVERY_MS,
  });
  return (
    <>
      {(proposals.data?.proposals ?? []).map(one => (
        <Banner kind="info" key={one.policy} title="A proposal:">
          <a href={`${POLICY.path}/${encodeURIComponent(one.policy)}`}>{one.policy}</a> could say{" "}
          <code>{one.line}</code>. <Ticks text={one.reason} />
        </Banner>
      ))}
    </>
  );
}
