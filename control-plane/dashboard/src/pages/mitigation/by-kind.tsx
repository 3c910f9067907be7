// What became of challenges by the kind of proof that was tried.

import type { Traffic } from "../../api/types";
import { count, share } from "../../format/numbers";
import { Empty } from "../../ui/states";
import { Figures } from "./figures";

export function ByKind({ data }: { data: Traffic }) {
  if (data.kinds.length === 0) {
    return <Empty title="Nothing was tried">Kinds appear when somebody begins to give proof.</Empty>;
  }
  const rows = [...data.kinds].sort((a, b) => b.started - a.started || a.kind.localeCompare(b.kind));
  return (
    <Figures
      label="Challenges by kind of proof as a table"
      about="Kind"
      name={row => <code>{row.kind}</code>}
      id={row => row.kind}
      rows={rows}
      columns={[
        { title: "Started", figure: row => count(row.started) },
        { title: "Unsupported", figure: row => count(row.unsupported) },
        { title: "Cancelled", figure: row => count(row.cancelled) },
        { title: "Rejected", figure: row => count(row.rejected) },
        { title: "Passed", figure: row => count(row.passed) },
        { title: "Pass rate", figure: row => share(row.pass_rate ?? undefined) },
      ]}
    />
  );
}
