// Who is it? A token opens a session; the page that was asked for is shown afterwards.

import { useEffect, useState } from "preact/hooks";
import { ApiProblem, asProblem } from "../api/problem";
import icon from "../icon.svg";
import { Button } from "../ui/button";
import { TextField } from "../ui/parts";
import { Banner } from "../ui/states";
import { type Identity, identity } from "./session";
import { ThemeSwitch } from "./shell";

async function signIn(token: string): Promise<Identity> {
  const response = await fetch("/api/v1/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  const body: unknown = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ApiProblem(response.status, body as object);
  }
  return body as Identity;
}

export function SignIn() {
  useEffect(() => {
    document.title = "Sign in · Countersign";
  }, []);
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
      identity.value = await signIn(shown);
    } catch (error) {
      const problem = asProblem(error);
      setFault(problem.status === 401 ? "No such token, or it has expired or was revoked." : problem.message);
    } finally {
      setBusy(false);
    }
  };

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
      </div>
    </main>
  );
}
