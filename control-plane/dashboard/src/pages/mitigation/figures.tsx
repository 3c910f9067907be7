// A table of figures: what they are about in the first column, numbers in all others.

import type { ComponentChildren } from "preact";

interface Props<Row> {
  /** Of a table without a link: on a phone it scrolls, and holds nothing else to reach it by. */
  label?: string;
  /** The title of the first column. */
  about: string;
  name: (row: Row) => ComponentChildren;
  columns: readonly { title: string; figure: (row: Row) => ComponentChildren }[];
  rows: readonly Row[];
  id: (row: Row) => string;
}

export function Figures<Row>({ label, about, name, columns, rows, id }: Props<Row>) {
  const table = (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{about}</th>
          {columns.map(({ title }) => (
            <th key={title} scope="col" class="number">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <tr key={id(row)}>
            <td>{name(row)}</td>
            {columns.map(({ title, figure }) => (
              <td key={title} class="number">
                {figure(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
  if (label === undefined) {
    return <div class="table-wrap">{table}</div>;
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see `label`.
    <section class="table-wrap" aria-label={label} tabIndex={0}>
      {table}
    </section>
  );
}
