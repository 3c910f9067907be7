// Times as the viewer's zone and language have them.

export interface Zone {
  /** BCP 47; the browser's where not said. */
  locale?: string;
  /** IANA; the browser's where not said. */
  timeZone?: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([zone, options]);
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(zone.locale, { ...options, timeZone: zone.timeZone, hourCycle: "h23" });
    formats.set(key, made);
  }
  return made;
}

/** `22 Nov 2026, 13:17:02`. */
export function dateTime(time: string | number | null | undefined, zone: Zone = {}): string {
  if (time === null || time === undefined || time === "") {
    return "never";
  }
  return format(zone, {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(new Date(time));
}

/** `13:17:02` today, with the day before it otherwise. */
export function shortTime(time: string | number | null | undefined, now: number, zone: Zone = {}): string {
  if (time === null || time === undefined || time === "") {
    return "never";
  }
  const date = new Date(time);
  const day = format(zone, { day: "numeric", month: "short" });
  const clock = format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(date);
  return day.format(date) === day.format(new Date(now)) ? clock : `${day.format(date)}, ${clock}`;
}

/** `13:17` on the axis of a chart, with the day where that changes. */
export function axisTimes(seconds: number[], stepSeconds: number, zone: Zone = {}): string[] {
  const day = format(zone, { day: "numeric", month: "short" });
  const clock = format(zone, { hour: "2-digit", minute: "2-digit" });
  let before = "";
  return seconds.map(second => {
    const date = new Date(second * 1000);
    const today = day.format(date);
    const changed = today !== before;
    before = today;
    if (stepSeconds >= DAY / 1000) {
      return today;
    }
    return changed ? `${clock.format(date)}\n${today}` : clock.format(date);
  });
}

/** `3 min ago`, `in 2 h`. */
export function ago(time: string | number | null | undefined, now: number): string {
  if (time === null || time === undefined || time === "") {
    return "never";
  }
  const distance = now - new Date(time).getTime();
  const size = Math.abs(distance);
  const text =
    size < 5_000
      ? "now"
      : size < MINUTE
        ? `${Math.floor(size / 1000)} s`
        : size < HOUR
          ? `${Math.floor(size / MINUTE)} min`
          : size < 2 * DAY
            ? `${Math.floor(size / HOUR)} h`
            : `${Math.floor(size / DAY)} days`;
  if (text === "now") {
    return text;
  }
  return distance >= 0 ? `${text} ago` : `in ${text}`;
}

/** `1 h 30 min`, `45 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const said = parts.filter(([number]) => number > 0).slice(0, 2);
  return said.length === 0 ? "0 s" : said.map(([number, unit]) => `${number} ${unit}`).join(" ");
}

/** What `<input type="datetime-local">` takes, in the viewer's zone. */
export function localInput(time: number): string {
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The viewer's zone by name. */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
