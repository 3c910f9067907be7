// Who is it? A passkey or a token opens a session; the page that was asked for is shown afterwards.

import { useEffect, useState } from "preact/hooks";
import { api, got } from "../api/client";
import { asProblem } from "../api/problem";
import icon from "../icon.svg";
import { useLive } from "../state/live";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/parts";
import { Banner, Loading } from "../ui/states";
import {
  faultOf,
  here,
  isOneTime,
  makeFirstPasskey,
  signInByPasskey,
  suggestedName,
  type Unavailable,
  unavailable,
} from "./passkeys";
import { type Identity, signedIn, signedOut } from "./session";
import { ThemeSwitch } from "./shell";

function signIn(token: string): Promise<Identity> {
  return got(api.POST("/api/v1/session", { body: { token } }));
}

/** The page of whoever is not known yet. */
export function SignIn() {
  useEffect(() => {
    document.title = "Sign in · Countersign";
  }, []);
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <div class="sign-in-head">
          <span class="brand">
            <img src={icon} alt="" />
            Countersign
          </span>
          <ThemeSwitch />
        </div>
        <div>
          <h1>Sign in</h1>
          <p class="muted">The role of your passkey or token says what you may do.</p>
        </div>
        <SignInForm />
      </div>
    </main>
  );
}

/** In front of a page whose session has ended: what was typed there stays. */
export function SignInAgain() {
  return (
    <Dialog title="Your session has ended" onClose={signedOut}>
      <p>Sign in again to go on. What you have typed is still there; closing this leaves the page.</p>
      <div class="sign-in-again">
        <SignInForm />
      </div>
    </Dialog>
  );
}

function SignInForm() {
  const ways = useLive("ways", signal => got(api.GET("/api/v1/session", { signal })));
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState<"" | "passkey" | "token">("");
  const [fault, setFault] = useState("");
  const away = ways.data && unavailable(ways.data, here());
  const first = isOneTime(token);

  const run = async (what: "passkey" | "token", signedInBy: () => Promise<Identity>) => {
    if (busy) {
      return;
    }
    setBusy(what);
    setFault("");
    try {
      signedIn(await signedInBy());
    } catch (error) {
      setFault(what === "passkey" ? faultOf(error) : tokenFault(error));
    } finally {
      setBusy("");
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const shown = token.trim();
    if (shown) {
      void run("token", () => signIn(shown));
    } else {
      setFault("Enter a token.");
    }
  };

  if (!ways.data && !ways.problem) {
    // Drawn once and not twice: what moves under the pointer is pressed by mistake.
    return <Loading lines={3} />;
  }
  return (
    <>
      {fault && <Banner kind="bad">{fault}</Banner>}
      {away === null && !first && (
        <>
          <Button
            kind="primary"
            icon="passkey"
            busy={busy === "passkey"}
            onClick={() => void run("passkey", signInByPasskey)}
          >
            {busy === "passkey" ? "Asking the browser …" : "Sign in with a passkey"}
          </Button>
          <div class="or" aria-hidden="true">
            or
          </div>
        </>
      )}
      {away && <Away away={away} />}
      <form onSubmit={submit}>
        <TextField
          label="Access token"
          type="password"
          value={token}
          onInput={setToken}
          placeholder="csn_…"
          mono
          hint={
            first ? (
              "The one-time token of a first start makes the first passkey, an approver's, and ends with it."
            ) : (
              <>
                An approver makes one: <code>countersign access tokens create NAME --role editor</code>
              </>
            )
          }
        />
        {!first && (
          <Button kind={away === null ? undefined : "primary"} submit busy={busy === "token"}>
            {busy === "token" ? "Signing in …" : "Sign in with the token"}
          </Button>
        )}
      </form>
      {first &&
        (away === null ? (
          <FirstPasskey
            busy={busy === "passkey"}
            onMake={(who, name) => void run("passkey", () => makeFirstPasskey(token.trim(), who, name))}
          />
        ) : (
          <p class="muted">
            Without a passkey it is exchanged for a token, by <code>countersign access bootstrap</code>.
          </p>
        ))}
    </>
  );
}

function tokenFault(error: unknown): string {
  const problem = asProblem(error);
  return problem.status === 401 ? "No such token, or it has expired or was revoked." : problem.message;
}

/** Why there are no passkeys on this page, and where there are. */
function Away({ away }: { away: Unavailable }) {
  if (!away.there) {
    return <p class="muted small">{sentence(away.reason)}</p>;
  }
  const there = away.there + location.pathname + location.search;
  return (
    <Banner kind="info">
      {away.reason} <a href={there}>Open it there</a>
    </Banner>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function FirstPasskey({ busy, onMake }: { busy: boolean; onMake: (who: string, name: string) => void }) {
  const [who, setWho] = useState("");
  const [name, setName] = useState(suggestedName(navigator.userAgent));
  const missing = !who.trim() || !name.trim();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        if (!missing && !busy) {
          onMake(who.trim(), name.trim());
        }
      }}
    >
      <TextField
        label="Your name"
        value={who}
        onInput={setWho}
        placeholder="ann"
        hint="The author of what you will do: in the audit log and beside revisions"
      />
      <TextField label="Name of the passkey" value={name} onInput={setName} />
      <Button
        kind="primary"
        icon="passkey"
        submit
        busy={busy}
        refusal={missing ? "say who you are, and name the passkey" : ""}
      >
        {busy ? "Asking the browser …" : "Make the first passkey"}
      </Button>
    </form>
  );
}
