// All resources of one kind.

import { useLocation } from "preact-iso";
import type { Resource } from "../../api/types";
import { whyNot } from "../../app/session";
import { matching, specOf } from "../../policy/facts";
import {
  DEVICE_RULE,
  KINDS,
  type Kind,
  LIST,
  REASON_OVERRIDE,
  SETTINGS,
  SIGNAL,
  STRATEGY,
} from "../../policy/kinds";
import { useNow } from "../../state/live";
import { useResources } from "../../state/resources";
import { type Query, useQuery } from "../../state/use-query";
import { FileErrors } from "../../ui/notices";
import { NewButton, Origin } from "../../ui/origin";
import { Pager, paged, SearchField } from "../../ui/pages";
import { PageHead, SelectField, When } from "../../ui/parts";
import { Answered, Empty } from "../../ui/states";
import { RolloutsHead } from "../rollouts/tabs";
import { COLUMNS, expired } from "./columns";
import { Reasons } from "./reasons";

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

export default function ResourceList() {
  const { path } = useLocation();
  const kind = KINDS.find(one => one.path === path) ?? SIGNAL;
  const query = useQuery();
  const resources = useResources();
  const refusal = whyNot("editor");
  const button = (
    <NewButton href={`${kind.path}/new`} refusal={refusal}>
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
      <Answered live={resources} lines={7}>
        {data => (
          <>
            <Rows
              key={kind.kind}
              kind={kind}
              all={data.resources.filter(one => one.kind === kind.kind)}
              query={query}
            />
            {kind === REASON_OVERRIDE && <Reasons resources={data.resources} refusal={refusal} />}
          </>
        )}
      </Answered>
    </>
  );
}

function Rows({ kind, all, query }: { kind: Kind; all: readonly Resource[]; query: Query }) {
  const now = useNow(10_000);
  const columns = COLUMNS[kind.kind] ?? [];
  const state = query.values["state"] ?? "";
  const ends = kind === DEVICE_RULE;
  const rows = matching(all, query.values["q"] ?? "")
    .filter(one => !ends || state === "" || (state === "ended") === expired(one, now))
    .sort((a, b) => a.name.localeCompare(b.name));
  const { shown, page } = paged(rows, query);
  return (
    <>
      {all.length > 0 && (
        <div class="filters">
          <div class="field grow">
            <SearchField
              query={query}
              label={`Search ${kind.many.toLowerCase()}`}
              placeholder="Search by name or text"
            />
          </div>
          {ends && (
            <SelectField
              label="State"
              value={state}
              options={[
                ["", "All"],
                ["holds", "Holds"],
                ["ended", "Ended"],
              ]}
              onChange={word => query.set({ state: word, page: undefined })}
            />
          )}
        </div>
      )}
      <section class="card" aria-label={kind === REASON_OVERRIDE ? "Overrides" : kind.many}>
        {all.length === 0 ? (
          <Empty title={`There is no ${kind.one} yet`}>{NONE[kind.kind]}</Empty>
        ) : rows.length === 0 ? (
          <Empty icon="search" title={`No ${kind.one} is like that`} />
        ) : (
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
                {shown.map(resource => (
                  <tr key={resource.name} class={ends && expired(resource, now) ? "faded" : ""}>
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
                      <When time={resource.changed} now={now} />{" "}
                      <span class="muted">by {resource.author}</span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <Pager total={rows.length} page={page} query={query} />
      </section>
    </>
  );
}
