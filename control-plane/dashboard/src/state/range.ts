// The stretch of time that a page looks at, and how finely.

const MINUTE = 60;

/** Stretches that end now, in seconds. */
export const RANGES: readonly [word: string, label: string, seconds: number][] = [
  ["15m", "15 min", 15 * MINUTE],
  ["1h", "1 h", 3_600],
  ["6h", "6 h", 6 * 3_600],
  ["24h", "24 h", 86_400],
  ["7d", "7 d", 7 * 86_400],
  ["30d", "30 d", 30 * 86_400],
];

/** Steps that can be asked for, in seconds; the store counts by the minute. */
export const STEPS: readonly [seconds: number, label: string][] = [
  [60, "1 min"],
  [300, "5 min"],
  [900, "15 min"],
  [3_600, "1 h"],
  [6 * 3_600, "6 h"],
  [86_400, "1 day"],
];

/** More points than a wide screen has room for are neither read nor drawn. */
export const MAX_POINTS = 1_500;
/** So many are enough to see what happens. */
const GOOD_POINTS = 120;

export interface Range {
  /** One of `RANGES`, or empty where both ends are given. */
  word: string;
  /** Milliseconds; only of a range with fixed ends. */
  from?: number;
  to?: number;
}

const DEFAULT_RANGE = "1h";

function moment(text: string | undefined): number | undefined {
  if (!text) {
    return undefined;
  }
  const number = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(number) ? number : undefined;
}

/** The range that an address names; one that makes no sense is the usual one. */
export function readRange(query: Record<string, string | undefined>, usual = DEFAULT_RANGE): Range {
  const from = moment(query["from"]);
  const to = moment(query["to"]);
  if (from !== undefined && to !== undefined && from < to) {
    return { word: "", from, to };
  }
  const word = query["range"] ?? usual;
  return { word: RANGES.some(([known]) => known === word) ? word : usual };
}

/** The parameters of an address that name the range. */
export function writeRange(range: Range): Record<string, string | undefined> {
  if (range.word) {
    return { range: range.word, from: undefined, to: undefined };
  }
  return {
    range: undefined,
    from: range.from === undefined ? undefined : new Date(range.from).toISOString(),
    to: range.to === undefined ? undefined : new Date(range.to).toISOString(),
  };
}

/** Does the range end now, so that it goes on? */
export function isLive(range: Range): boolean {
  return range.word !== "";
}

export function rangeSeconds(range: Range): number {
  if (range.from !== undefined && range.to !== undefined) {
    return Math.max(MINUTE, Math.round((range.to - range.from) / 1000));
  }
  return RANGES.find(([word]) => word === range.word)?.[2] ?? 3_600;
}

/** The steps that give neither too many points nor a single one. */
export function stepsFor(range: Range): readonly [seconds: number, label: string][] {
  const seconds = rangeSeconds(range);
  return STEPS.filter(([step]) => seconds / step <= MAX_POINTS && seconds / step >= 2);
}

/** The step that was asked for, or the finest that stays readable. */
export function stepOf(range: Range, asked: string | undefined): number {
  const fits = stepsFor(range);
  const wanted = fits.find(([step]) => String(step) === asked);
  if (wanted) {
    return wanted[0];
  }
  const seconds = rangeSeconds(range);
  return (fits.find(([step]) => seconds / step <= GOOD_POINTS) ?? fits.at(-1) ?? [MINUTE])[0];
}

/** Both ends, as the API takes them: the beginning on a whole step, so that points stay where they are. */
export function bounds(range: Range, step: number, now: number): { from: string; to?: string } {
  if (range.from !== undefined && range.to !== undefined) {
    return { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
  }
  const size = step * 1000;
  const first = Math.floor((now - rangeSeconds(range) * 1000) / size) * size + size;
  return { from: new Date(first).toISOString() };
}
