// Passkeys: what the browser is asked, and why it sometimes cannot be.

import { api, got } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { components } from "../api/schema";
import type { Identity } from "./session";

type Schemas = components["schemas"];

export type Ways = Schemas["WaysToSignIn"];
export type Passkey = Schemas["Passkey"];
type Asked = Schemas["Ceremony"];

/** Begins the token that makes the first passkey, and no other. */
const ONE_TIME = "csn1_";

export function isOneTime(token: string): boolean {
  return token.trim().startsWith(ONE_TIME);
}

/** Where the page is, as far as passkeys are concerned. */
export interface Here {
  origin: string;
  supported: boolean;
}

export function here(): Here {
  const supported =
    typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
  return { origin: location.origin, supported };
}

export interface Unavailable {
  reason: string;
  /** The same dashboard, where they are. */
  there?: string;
}

const ADDRESS = /^https?:\/\/(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\])(:\d+)?$/;

/** Why there are no passkeys on this page; `null` = there are. */
export function unavailable(ways: Ways, at: Here): Unavailable | null {
  if (ways.open) {
    return { reason: "access is open here: nobody signs in" };
  }
  if (!ways.passkeys) {
    return {
      reason:
        "passkeys are not set up: the control plane is started with --passkey-origin and the address that browsers open",
    };
  }
  const { origin } = ways.passkeys;
  if (origin !== at.origin) {
    const why = ADDRESS.test(at.origin) ? " Browsers have none for addresses of numbers." : "";
    return { reason: `Passkeys work at ${origin} only.${why}`, there: origin };
  }
  if (!at.supported) {
    return { reason: "this browser has no passkeys" };
  }
  return null;
}

/** How the passkey of this browser may be called: what its owner will know it by. */
export function suggestedName(userAgent: string): string {
  const first = (known: readonly (readonly [RegExp, string])[]) =>
    known.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = first([
    [/Edg\//, "Edge"],
    [/Firefox\//, "Firefox"],
    [/Chrome\//, "Chrome"],
    [/Safari\//, "Safari"],
  ]);
  const system = first([
    [/iPhone/, "iPhone"],
    [/iPad/, "iPad"],
    [/Android/, "Android"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "Mac"],
    [/CrOS/, "ChromeOS"],
    [/Linux/, "Linux"],
  ]);
  return [browser, system].filter(Boolean).join(" on ") || "passkey";
}

/** What the browser says when nothing came of it, for the one who sits before it. */
export function faultOf(error: unknown): string {
  if (error instanceof ApiProblem) {
    return error.message;
  }
  const name = error instanceof Error ? error.name : "";
  switch (name) {
    case "NotAllowedError":
      return "No passkey was given: it was cancelled, took too long, or this device has none for this dashboard.";
    case "InvalidStateError":
      return "This device or key has a passkey of yours already.";
    case "SecurityError":
      return "The browser refuses passkeys at this address.";
    case "NotSupportedError":
      return "This device or key cannot keep such a passkey.";
    default:
      return `No passkey was given: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The browser's answer, as the API takes it. */
async function answered(asked: Asked): Promise<Schemas["CeremonyAnswer"]> {
  const credential =
    asked.kind === "registration"
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.options as never),
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.options as never),
        });
  if (!(credential instanceof PublicKeyCredential)) {
    throw new Error("the browser gave something else");
  }
  return { ceremony: asked.ceremony, answer: { ...credential.toJSON() } };
}

export async function signInByPasskey(): Promise<Identity> {
  const asked = await got(api.POST("/api/v1/session/passkey"));
  return got(api.POST("/api/v1/session/passkey/answer", { body: await answered(asked) }));
}

/** Another passkey of who is signed in. */
export async function makePasskey(name: string): Promise<Passkey> {
  const asked = await got(api.POST("/api/v1/passkeys", { body: { name } }));
  return got(api.POST("/api/v1/passkeys/answer", { body: await answered(asked) }));
}

/** The first one, for a one-time token; who makes it is signed in. */
export async function makeFirstPasskey(token: string, identity: string, name: string): Promise<Identity> {
  const asked = await got(api.POST("/api/v1/passkeys/first", { body: { token, identity, name } }));
  return got(api.POST("/api/v1/passkeys/first/answer", { body: await answered(asked) }));
}
