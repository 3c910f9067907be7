// What stands around every page: navigation, what runs now, and who is signed in.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, done, got } from "../api/client";
import { asProblem } from "../api/problem";
import { exact } from "../format/numbers";
import icon from "../icon.svg";
import { useLive } from "../state/live";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { PasskeyOffer } from "./make-passkey";
import { isCurrent, NAVIGATION } from "./nav";
import { identity, open, signedOut } from "./session";
import { setTheme, type Theme, theme } from "./theme";
import { dismiss, say, toasts } from "./toasts";

/** Node health need not be as fresh as traffic. */
const NODES_EVERY_MS = 5_000;

export function Shell({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const [menu, setMenu] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the menu.
  useEffect(() => setMenu(false), [path]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") {
        setMenu(false);
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Navigation open={menu} path={path} />
      <button
        type="button"
        class={menu ? "nav-veil open" : "nav-veil"}
        aria-label="Close navigation"
        onClick={() => setMenu(false)}
      />
      <div>
        <header class="bar">
          <span class="menu-button">
            <Button
              kind="quiet"
              icon="menu"
              label="Navigation"
              expanded={menu}
              onClick={() => setMenu(shown => !shown)}
            />
          </span>
          <span class="bar-space" />
          <Context />
          <ThemeSwitch />
          <Account />
        </header>
        <main class="main" id="main" tabIndex={-1}>
          <PasskeyOffer />
          {children}
        </main>
      </div>
      <Toasts />
    </div>
  );
}

function Navigation({ open: shown, path }: { open: boolean; path: string }) {
  return (
    <nav class={shown ? "nav open" : "nav"} aria-label="Pages">
      <a class="brand" href="/">
        <img src={icon} alt="" />
        Countersign
      </a>
      {NAVIGATION.map(({ group, entries }) => (
        <div class="nav-group" key={group}>
          <h2>{group}</h2>
          {entries.map(entry => (
            <a key={entry.href} href={entry.href} aria-current={isCurrent(entry, path) ? "page" : undefined}>
              <Icon name={entry.icon} />
              {entry.name}
            </a>
          ))}
        </div>
      ))}
    </nav>
  );
}

/** The revision that should run, and whether it does. */
function Context() {
  const nodes = useLive(
    "nodes",
    signal => got(api.GET("/api/v1/nodes", { params: { query: { limit: 1 } }, signal })),
    {
      every: NODES_EVERY_MS,
    },
  );
  if (!nodes.data) {
    return nodes.problem?.unreachable ? (
      <span class="chip">
        <span class="dot bad" />
        no answer
      </span>
    ) : null;
  }
  const { DISCONNECTED: _away, ...states } = nodes.data.states;
  const there = Object.values(states).reduce((sum, number) => sum + number, 0);
  const live = states["LIVE"] ?? 0;
  const ill = "NACKED" in states || "SUSPECT" in states;
  const tone = ill ? "bad" : live === there && live > 0 ? "good" : "warn";
  const said = there === 0 ? "no nodes" : `${exact(live)} of ${exact(there)} live`;
  const revision = nodes.data.target_revision;
  return (
    <>
      {revision && (
        <a class="chip" href="/rollouts/history" title="The revision that every node should run">
          <span class="muted wide">Revision</span>
          <span class="mono">{revision}</span>
        </a>
      )}
      <a class="chip" href="/rollouts/nodes" title="Nodes that run what they should">
        <span class={`dot ${tone}`} aria-hidden="true" />
        <span>
          {said}
          <span class="visually-hidden"> nodes</span>
        </span>
      </a>
    </>
  );
}

const THEMES: Record<Theme, { next: Theme; icon: "sun" | "moon" | "system"; said: string }> = {
  system: { next: "light", icon: "system", said: "Colours: as the system. Switch to light" },
  light: { next: "dark", icon: "sun", said: "Colours: light. Switch to dark" },
  dark: { next: "system", icon: "moon", said: "Colours: dark. Switch to the system's" },
};

export function ThemeSwitch() {
  const now = THEMES[theme.value];
  return <Button kind="quiet" icon={now.icon} label={now.said} onClick={() => setTheme(now.next)} />;
}

function Account() {
  const who = identity.value;
  if (!who) {
    return null;
  }
  if (open.value) {
    return (
      <span class="who" title="The control plane was started with `--access open`">
        <b>open access</b>
        <span class="muted">nobody signs in</span>
      </span>
    );
  }
  return (
    <>
      <span class="who">
        <b>{who.name}</b>
        <span class="muted">{who.role}</span>
      </span>
      <Button kind="quiet" icon="exit" label="Sign out" onClick={() => void signOut()} />
    </>
  );
}

async function signOut(): Promise<void> {
  try {
    await done(api.DELETE("/api/v1/session"));
    signedOut();
  } catch (error) {
    say(`you are still signed in: ${asProblem(error).message}`, true);
  }
}

function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(toast => (
        <div key={toast.id} class={toast.bad ? "toast bad" : "toast"}>
          <span class="text break">{toast.text}</span>
          <Button kind="quiet" compact icon="close" label="Dismiss" onClick={() => dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}
