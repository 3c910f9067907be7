// Another passkey of who is signed in, and the offer of one to who has signed in by a token.

import { useState } from "preact/hooks";
import { api, got } from "../api/client";
import { useLive } from "../state/live";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/parts";
import { Banner } from "../ui/states";
import { faultOf, here, makePasskey, suggestedName, unavailable } from "./passkeys";
import { identity } from "./session";
import { say } from "./toasts";

interface Props {
  onClose: () => void;
  onMade: () => void;
}

export function MakePasskeyDialog({ onClose, onMade }: Props) {
  const [name, setName] = useState(suggestedName(navigator.userAgent));
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const make = async () => {
    setBusy(true);
    setFault("");
    try {
      const made = await makePasskey(name.trim());
      say(`The passkey ${made.name} is made: sign in with it from now on`);
      onMade();
      onClose();
    } catch (error) {
      setFault(faultOf(error));
      setBusy(false);
    }
  };
  const who = identity.value;
  return (
    <Dialog
      title="Make a passkey"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            icon="passkey"
            busy={busy}
            refusal={name.trim() ? "" : "give it a name"}
            onClick={() => void make()}
          >
            {busy ? "Asking the browser …" : "Make it"}
          </Button>
        </>
      }
    >
      {fault && <Banner kind="bad">{fault}</Banner>}
      <p>
        With it you sign in as <b>{who?.name}</b> ({who?.role}) by this device's fingerprint, face or PIN, or
        by a security key. It ends with the token that you come from, and can be removed at any time.
      </p>
      <TextField label="Name" value={name} onInput={setName} hint="What you will know it by in the list" />
    </Dialog>
  );
}

/** Who said `Not now` on this browser is not asked again. */
const DECLINED = "countersign.no-passkey";

/** For who has signed in by a token and has no passkey, where there could be one. */
export function PasskeyOffer() {
  const [declined, setDeclined] = useState(() => localStorage.getItem(DECLINED) !== null);
  const [asking, setAsking] = useState(false);
  const who = identity.value;
  const concerned = !declined && who?.source.startsWith("token:") === true;
  const ways = useLive(concerned ? "ways" : null, signal => got(api.GET("/api/v1/session", { signal })));
  const can = concerned && ways.data !== undefined && unavailable(ways.data, here()) === null;
  const made = useLive(can ? "passkeys" : null, signal => got(api.GET("/api/v1/passkeys", { signal })));
  const theirs = made.data?.passkeys.some(it => it.identity === who?.name && it.state === "good");
  if (!can || theirs !== false) {
    return null;
  }
  return (
    <>
      <Banner
        kind="info"
        title="Next time without the token:"
        actions={
          <>
            <Button compact kind="primary" icon="passkey" onClick={() => setAsking(true)}>
              Make a passkey …
            </Button>
            <Button
              compact
              onClick={() => {
                localStorage.setItem(DECLINED, "");
                setDeclined(true);
              }}
            >
              Not now
            </Button>
          </>
        }
      >
        sign in by fingerprint, face, PIN or security key.
      </Banner>
      {asking && <MakePasskeyDialog onClose={() => setAsking(false)} onMade={made.reload} />}
    </>
  );
}
