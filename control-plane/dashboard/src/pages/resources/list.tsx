// All resources of one kind.

import { useLocation } from "preact-iso";
import { resources } from "../../api/calls";
import type { components } from "../../api/schema";
import { whyNot } from "../../app/session";
import { plural } from "../../format/numbers";
import { specOf } from "../../policy/facts";
import {
  DEVICE_RULE,
  KINDS,
  type Kind,
  LIST,
  newPath,
  REASON_OVERRIDE,
  SETTINGS,
  SIGNAL,
  STRATEGY,
} from "../../policy/kinds";
import { useLive, useNow } from "../../state/live";
import { type Query, useQuery } from "../../state/use-query";
import { Button } from "../../ui/button";
import { FileErrors } from "../../ui/notices";
import { NewButton, Origin } from "../../ui/origin";
import { PageHead, SelectField, When } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";
import { TypedField } from "../../ui/typed-field";
import { RolloutsHead } from "../rollouts/tabs";
import { COLUMNS, expired } from "./columns";
import { Reasons } from "./reasons";

type Page = components["schemas"]["Resources"];

const LEADS: Record<string, string> = {
  [SIGNAL.kind]: "A condition that, when it holds, adds a weight to the score and a reason.",
  [DEVICE_RULE.kind]:
    "A device, an address range, a network or a country, and the verdict it gets. The strongest identifier wins.",
  [REASON_OVERRIDE.kind]:
    "What each reason leads to. The strictest reason of a request wins, after overrides.",
  [LIST.kind]: "Named sets that conditions look things up in.",
  [SETTINGS.kind]:
    "What concerns every request: trusted hops, verdicts, defaults of challenges and sessions.",
  [STRATEGY.kind]: "In which stages a change reaches the nodes, and what must hold meanwhile.",
};

const NONE: Record<string, string> = {
  [SIGNAL.kind]:
    "Signals turn what is odd about a request into a score and a reason, for policies to act on.",
  [DEVICE_RULE.kind]: "Make one here, or from an event: open the event and press Make a device rule.",
  [REASON_OVERRIDE.kind]: "Every reason leads to its own verdict.",
  [LIST.kind]: "A list of addresses, numbers or texts can be named in any condition.",
  [SETTINGS.kind]: "The defaults hold.",
  [STRATEGY.kind]: "Every change reaches all nodes at once.",
};

const STANDINGS = [
  ["", "All rules"],
  ["false", "In force"],
  ["true", "Ended"],
] as const;

/** What an address says of it; anything else is no restriction. */
function inForce(word: string | undefined): { expired?: boolean } {
  return word === "true" || word === "false" ? { expired: word === "true" } : {};
}

const PAGE = 100;
/** Somebody else's change shows without a reload. */
const EVERY_MS = 10_000;

export default function ResourceList() {
  const { path } = useLocation();
  const kind = KINDS.find(one => one.path === path) ?? SIGNAL;
  const query = useQuery();
  const { q, cursor, expired: ended } = query.values;
  const page = useLive(
    JSON.stringify([kind.kind, q, cursor, ended]),
    signal => resources(kind.kind, { q, cursor, limit: PAGE, ...inForce(ended) }, signal),
    { every: EVERY_MS },
  );
  const refusal = whyNot("editor");
  const button = (
    <NewButton href={newPath(kind)} refusal={refusal}>
      New {kind.one}
    </NewButton>
  );
  return (
    <>
      {kind === STRATEGY ? (
        <RolloutsHead>{button}</RolloutsHead>
      ) : (
        <PageHead title={kind.many} crumb="Policies" lead={LEADS[kind.kind]}>
          {button}
        </PageHead>
      )}
      <FileErrors />
      <div class="filters">
        <TypedField query={query} name="q" label="Search" placeholder="Name or text" grow />
        {kind === DEVICE_RULE && (
          <div class="field">
            <SelectField
              label="Show"
              value={ended ?? ""}
              options={STANDINGS}
              onChange={word => query.set({ expired: word, cursor: undefined })}
            />
          </div>
        )}
      </div>
      <section class="card" aria-label={kind === REASON_OVERRIDE ? "Overrides" : kind.many}>
        <Answered live={page} lines={7}>
          {data => <Rows key={kind.kind} kind={kind} data={data} query={query} />}
        </Answered>
      </section>
      {kind === REASON_OVERRIDE && <Reasons refusal={refusal} />}
    </>
  );
}

interface RowsProps {
  kind: Kind;
  data: Page;
  query: Query;
}

function Rows({ kind, data, query }: RowsProps) {
  const now = useNow(10_000);
  const columns = COLUMNS[kind.kind] ?? [];
  const { q, cursor, expired: ended } = query.values;
  const next = data.next_cursor;
  if (data.resources.length === 0) {
    return q || cursor || ended ? (
      <Empty icon="search" title={`No ${kind.one} is like that`} />
    ) : (
      <Empty title={`There is no ${kind.one} yet`}>{NONE[kind.kind]}</Empty>
    );
  }
  return (
    <>
      <div class="table-wrap">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              {columns.map(column => (
                <th scope="col" key={column.name} class={column.number ? "number" : ""}>
                  {column.name}
                </th>
              ))}
              <th scope="col">Last change</th>
            </tr>
          </thead>
          <tbody>
            {data.resources.map(resource => (
              <tr key={resource.name} class={expired(resource, now) ? "faded" : ""}>
                <td class="nowrap">
                  <a class="row-name" href={`${kind.path}/${encodeURIComponent(resource.name)}`}>
                    {resource.name}
                  </a>{" "}
                  <Origin resource={resource} />
                </td>
                {columns.map(column => (
                  <td key={column.name} class={column.number ? "number" : ""}>
                    {column.show(specOf(resource), now, resource)}
                  </td>
                ))}
                <td class="nowrap">
                  <When time={resource.changed} now={now} /> <span class="muted">by {resource.author}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(cursor || next) && (
        <nav class="pager" aria-label="Pages of the list">
          <span class="muted small">{plural(data.total, kind.one)}, by name</span>
          <span class="actions">
            {cursor && (
              <Button compact onClick={() => query.set({ cursor: undefined })}>
                First page
              </Button>
            )}
            <Button
              compact
              refusal={next ? "" : "this is the last page"}
              onClick={() => query.set({ cursor: next })}
            >
              Next
            </Button>
          </span>
        </nav>
      )}
    </>
  );
}
