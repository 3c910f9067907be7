// Light or dark: as the system has it, or as the switch says.

import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "countersign.theme";

function remembered(): Theme {
  try {
    const word = localStorage.getItem(KEY);
    return word === "light" || word === "dark" ? word : "system";
  } catch {
    // Storage may be refused; then nothing is remembered.
    return "system";
  }
}

export const theme = signal<Theme>(remembered());

/** Rises whenever colours change, so that what is drawn on a canvas is drawn again. */
export const paint = signal(0);

export function setTheme(next: Theme): void {
  theme.value = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // See above.
  }
  show();
}

function show(): void {
  const root = document.documentElement;
  if (theme.value === "system") {
    delete root.dataset["theme"];
  } else {
    root.dataset["theme"] = theme.value;
  }
  paint.value += 1;
}

/** Called once, before anything is drawn. */
export function startTheme(): void {
  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    paint.value += 1;
  });
}

/** A colour of the style sheet as the browser computes it, for a canvas. */
export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
