// Line icons on a grid of 16, drawn for this dashboard.

const PATHS = {
  chart: "M2 13.5h12M4 11V8m3.3 3V4.5M10.7 11V6.5M14 11V3",
  policy: "M8 1.8 3 3.6v4c0 3.1 2.1 5.4 5 6.6 2.9-1.2 5-3.5 5-6.6v-4zM5.9 8l1.5 1.5 2.8-3",
  signal: "M1.8 8h2.6l1.9-4.6 3.2 9.2L11.3 8h2.9",
  device: "M4.5 1.8h7v12.4h-7zM7.3 12h1.4",
  reason: "M2.5 3h11v8h-6L4.2 13.6V11H2.5zM5.3 6h5.4M5.3 8.3h3.4",
  list: "M5.5 4H14M5.5 8H14M5.5 12H14M2.3 4h.4M2.3 8h.4M2.3 12h.4",
  rollout: "M8 14V5m0 0L4.8 8.2M8 5l3.2 3.2M2.5 2h11",
  search: "M7 11.6A4.6 4.6 0 1 0 7 2.4a4.6 4.6 0 0 0 0 9.2zM10.4 10.4 14 14",
  key: "M5.4 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM7.6 7.8l5.6-5.6M10.6 4.8l2 2",
  passkey:
    "M5.8 7.4a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM1.4 13.8c0-2.7 1.9-4.4 4.4-4.4 1.1 0 2.1.3 2.8.9M12 8.6a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM12 8.6v5.6M12 12h1.8",
  audit: "M3.5 1.8h6L12.5 5v9.2h-9zM9.3 1.8v3.4h3.2M5.8 8.3h4.4M5.8 11h4.4",
  settings:
    "M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M10.5 6.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6zM5.5 13.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z",
  menu: "M2 4h12M2 8h12M2 12h12",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13",
  moon: "M13.4 9.7A5.7 5.7 0 0 1 6.3 2.6a5.7 5.7 0 1 0 7.1 7.1z",
  system: "M1.8 2.8h12.4v8.4H1.8zM5.5 14h5M8 11.2V14",
  exit: "M6.2 2.2H2.8v11.6h3.4M10.4 11.2 13.6 8l-3.2-3.2M13.4 8H6.2",
  warn: "M8 2 1.3 13.6h13.4zM8 6.4v3.3M8 11.7v.2",
  info: "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM8 7.3v3.8M8 4.9v.2",
  lock: "M3.6 7h8.8v6.8H3.6zM5.4 7V4.8a2.6 2.6 0 0 1 5.2 0V7",
  empty: "M2 8.5 4 3h8l2 5.5v4.7H2zM2 8.5h3.6l1 1.8h2.8l1-1.8H14",
  plus: "M8 3v10M3 8h10",
  check: "m3 8.5 3.2 3.2L13 4.8",
  right: "m6 3.5 4.5 4.5L6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  left: "M10 3.5 5.5 8l4.5 4.5",
  file: "M3.5 1.8h6L12.5 5v9.2h-9zM9.3 1.8v3.4h3.2",
  save: "M8 2v8m0 0L4.8 6.8M8 10l3.2-3.2M2.5 13.5h11",
  refresh: "M13.5 3v3.5H10M2.5 13V9.5H6M13 6.5A5.3 5.3 0 0 0 3.6 5M3 9.5A5.3 5.3 0 0 0 12.4 11",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M4.5 2.8v10.4L13 8z",
  trash: "M2.5 4h11M6 4V2.3h4V4M4 4l.6 9.7h6.8L12 4",
  copy: "M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
