// Who is signed in, and what the role permits.

import { computed, signal } from "@preact/signals";
import type { components } from "../api/schema";

export type Identity = components["schemas"]["WhoAmI"];
export type Role = "viewer" | "editor" | "approver";

const RANK: Record<Role, number> = { viewer: 1, editor: 2, approver: 3 };

/** Nothing is known before the first answer; `null` = nobody is signed in. */
export const identity = signal<Identity | null | undefined>(undefined);

/** The session ended while a page was open: it stays, with all that was typed, behind the question who it is. */
export const expired = signal(false);

/** Rises with every sign-in, so that what was refused before is asked again. */
export const signIns = signal(0);

export function signedIn(who: Identity): void {
  identity.value = who;
  expired.value = false;
  signIns.value += 1;
}

/** Nobody is signed in, and nothing that was shown stays. */
export function signedOut(): void {
  identity.value = null;
  expired.value = false;
}

/** The API no longer knows who it is. */
export function sessionEnded(): void {
  if (identity.value) {
    expired.value = true;
  }
}

/** Access is open: everybody may do everything, and nobody signs in. */
export const open = computed(() => identity.value?.source === "open");

/** Why the one who is signed in may not do what needs `role`; empty = they may. */
export function refusal(who: Identity | null | undefined, role: Role): string {
  if (!who) {
    return "you are not signed in";
  }
  if (who.source === "open") {
    return "";
  }
  const has = who.role && who.role !== "node" ? RANK[who.role] : 0;
  return has >= RANK[role] ? "" : `this needs the role ${role}; yours is ${who.role ?? "none"}`;
}

export function may(role: Role): boolean {
  return refusal(identity.value, role) === "";
}

export function whyNot(role: Role): string {
  return refusal(identity.value, role);
}
