// Short messages about what was just done.

import { signal } from "@preact/signals";

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const SHOWN_MS = 6_000;
const AT_MOST = 4;

let next = 1;

export const toasts = signal<Toast[]>([]);

export function say(text: string, bad = false): void {
  const id = next++;
  toasts.value = [...toasts.value.slice(1 - AT_MOST), { id, text, bad }];
  // What went wrong stays until it is read.
  if (!bad) {
    setTimeout(() => dismiss(id), SHOWN_MS);
  }
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter(toast => toast.id !== id);
}
