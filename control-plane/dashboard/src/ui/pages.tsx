// Long lists, a page at a time.

import { exact } from "../format/numbers";
import type { Query } from "../state/use-query";
import { Button } from "./button";

export const PAGE = 100;

/** The page that the address names; 0 = the first. */
export function pageOf(query: Query): number {
  return Math.max(0, (Number.parseInt(query.values["page"] ?? "1", 10) || 1) - 1);
}

/** The rows of the page that the address names, and what to show below them. */
export function paged<T>(rows: readonly T[], query: Query): { shown: T[]; page: number } {
  const last = Math.max(0, Math.ceil(rows.length / PAGE) - 1);
  const page = Math.min(last, pageOf(query));
  return { shown: rows.slice(page * PAGE, (page + 1) * PAGE), page };
}

export function Pager({ total, page, query }: { total: number; page: number; query: Query }) {
  if (total <= PAGE && page === 0) {
    return null;
  }
  const last = Math.max(0, Math.ceil(total / PAGE) - 1);
  const go = (to: number) => query.set({ page: to === 0 ? undefined : String(to + 1) });
  return (
    <nav class="pager" aria-label="Pages of the list">
      <span class="muted small">
        {page > last
          ? `past the last of ${exact(total)}`
          : `${exact(page * PAGE + 1)} to ${exact(Math.min(total, (page + 1) * PAGE))} of ${exact(total)}`}
      </span>
      <span class="actions">
        <Button
          compact
          icon="left"
          refusal={page === 0 ? "this is the first page" : ""}
          onClick={() => go(Math.min(page - 1, last))}
        >
          Previous
        </Button>
        <Button compact refusal={page >= last ? "this is the last page" : ""} onClick={() => go(page + 1)}>
          Next
        </Button>
      </span>
    </nav>
  );
}

/** A field that searches as one types. */
export function SearchField({
  query,
  label,
  placeholder,
}: {
  query: Query;
  label: string;
  placeholder?: string;
}) {
  return (
    <input
      class="input search-field"
      type="search"
      aria-label={label}
      placeholder={placeholder ?? label}
      value={query.values["q"] ?? ""}
      onInput={event => query.set({ q: event.currentTarget.value || undefined, page: undefined }, true)}
    />
  );
}
