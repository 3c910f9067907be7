// Who is it? A token opens a session; the page that was asked for is shown afterwards.

import { useEffect, useState } from "preact/hooks";
import { api, got } from "../api/client";
import { asProblem } from "../api/problem";
import icon from "../icon.svg";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/parts";
import { Banner } from "../ui/states";
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
          <p class="muted">Your token's role says what you may do.</p>
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
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const shown = token.trim();
    if (busy) {
      return;
    }
    if (!shown) {
      setFault("Enter a token.");
      return;
    }
    setBusy(true);
    setFault("");
    try {
      signedIn(await signIn(shown));
    } catch (error) {
      const problem = asProblem(error);
      setFault(problem.status === 401 ? "No such token, or it has expired or was revoked." : problem.message);
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      {fault && <Banner kind="bad">{fault}</Banner>}
      <form onSubmit={event => void submit(event)}>
        <TextField
          label="Access token"
          type="password"
          value={token}
          onInput={setToken}
          placeholder="csn_…"
          mono
          hint={
            <>
              An approver makes one: <code>countersign access tokens create NAME --role editor</code>
            </>
          }
        />
        <Button kind="primary" submit busy={busy}>
          {busy ? "Signing in …" : "Sign in"}
        </Button>
      </form>
    </>
  );
}
