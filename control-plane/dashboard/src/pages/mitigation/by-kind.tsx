// What became of challenges by the kind of proof that was tried.

import type { Traffic } from "../../api/types";
import { count, share } from "../../format/numbers";
import { Empty } from "../../ui/states";

export function ByKind({ data }: { data: Traffic }) {
  if (data.kinds.length === 0) {
    return <Empty title="Nothing was tried">Kinds appear when somebody begins to give proof.</Empty>;
  }
  const rows = [...data.kinds].sort((a, b) => b.started - a.started || a.kind.localeCompare(b.kind));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: on a phone it scrolls, and holds nothing else to reach it by.
    <section class="table-wrap" aria-label="Challenges by kind of proof as a table" tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col" class="number">
              Started
            </th>
            <th scope="col" class="number">
              Unsupported
            </th>
            <th scope="col" class="number">
              Cancelled
            </th>
            <th scope="col" class="number">
              Rejected
            </th>
            <th scope="col" class="number">
              Passed
            </th>
            <th scope="col" class="number">
              Pass rate
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.kind}>
              <td>
                <code>{row.kind}</code>
              </td>
              <td class="number">{count(row.started)}</td>
              <td class="number">{count(row.unsupported)}</td>
              <td class="number">{count(row.cancelled)}</td>
              <td class="number">{count(row.rejected)}</td>
              <td class="number">{count(row.passed)}</td>
              <td class="number">{share(row.pass_rate ?? undefined)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
