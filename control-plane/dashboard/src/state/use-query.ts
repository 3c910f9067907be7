// Reading and writing the parameters of the page's address.

import { useCallback, useMemo } from "preact/hooks";
import { useLocation } from "preact-iso";
import { address, changed, type Values } from "./query";

export interface Query {
  values: Record<string, string | undefined>;
  /** Changes some parameters; `replace` leaves no step to go back to. */
  set: (values: Values, replace?: boolean) => void;
  /** The address of this page with some parameters changed. */
  link: (values: Values) => string;
}

export function useQuery(): Query {
  const { url, path, route } = useLocation();
  const search = url.includes("?") ? url.slice(url.indexOf("?")) : "";
  const values = useMemo(() => Object.fromEntries(new URLSearchParams(search)), [search]);
  const link = useCallback((next: Values) => address(path, changed(search, next)), [path, search]);
  const set = useCallback(
    (next: Values, replace = false) => route(address(path, changed(location.search, next)), replace),
    [path, route],
  );
  return { values, set, link };
}
