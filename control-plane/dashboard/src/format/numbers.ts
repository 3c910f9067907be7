// Numbers as people read them.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** `12,345`; above a hundred thousand `123.5k`, `4.20M`. */
export function count(number: number): string {
  if (number < 100_000) {
    return whole.format(number);
  }
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
  ] as const) {
    if (number >= size) {
      return `${(number / size).toFixed(2)}${unit}`;
    }
  }
  return `${(number / 1e3).toFixed(1)}k`;
}

/** Every digit, for titles and tables. */
export function exact(number: number): string {
  return whole.format(number);
}

/** `42.1 %`; `–` where there is nothing to have a share of. */
export function share(part: number | undefined): string {
  if (part === undefined || Number.isNaN(part)) {
    return "–";
  }
  const percent = part * 100;
  return `${percent >= 99.95 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

export function ratio(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${exact(number)} ${number === 1 ? one : many}`;
}
