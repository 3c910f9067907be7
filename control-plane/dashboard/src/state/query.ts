// The state of a page is in its address.

export type Values = Record<string, string | undefined>;

/** An address with these parameters; those without a value are left out. */
export function address(path: string, values: Values): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") {
      search.set(name, value);
    }
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** The parameters with some of them changed. */
export function changed(search: string, values: Values): Values {
  const before: Values = Object.fromEntries(new URLSearchParams(search));
  return { ...before, ...values };
}
