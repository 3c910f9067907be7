// Where the challenge is shown: in a frame of a dialog, where the browser lets it ask an authenticator
// there; else the dialog has a button that opens a window, since only a click may.

import { textsFor } from "./texts.js";

const CARD =
  "box-sizing:border-box;width:min(30rem,100vw - 1rem);max-height:calc(100vh - 1rem);padding:1rem;border:1px solid #8888;border-radius:1rem;background:Canvas;color:CanvasText;color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif;overflow:auto";
const FRAME = "display:block;width:100%;height:min(38rem,75vh);border:0;border-radius:.75rem";
const MAIN =
  "display:block;width:100%;padding:.75rem;border:1px solid;border-radius:.75rem;background:#0b5cad;color:#fff;font:inherit;font-weight:600;cursor:pointer";
const QUIET =
  "padding:.5rem;border:0;background:none;color:inherit;font:inherit;text-decoration:underline;cursor:pointer";
/** How often the window is looked at. */
const LOOK_MS = 300;

/** Opens the dialog. `passed`, `maybe` (a window was left without a word) and `closed` are told to `on`. */
export const open = (challenge, on) => {
  const texts = textsFor(document.documentElement.lang || navigator.language);
  let url = challenge;
  let popup;
  /** Has the page in the frame said that nothing more comes of it? */
  let over = false;
  const make = (name, style, properties = {}, ...content) => {
    const element = Object.assign(document.createElement(name), properties);
    // By script: a policy against inline style does not forbid it.
    element.style.cssText = style;
    element.append(...content);
    return element;
  };
  const button = (id, style, text, onclick) => make("button", style, { id, type: "button", onclick }, text);

  const host = document.createElement("countersign-challenge");
  const title = make("p", "margin:0 0 .75rem;font-weight:600", { id: "title" }, texts.title);
  const where = make("p", "margin:0 0 .75rem;overflow-wrap:anywhere", {}, challenge.host);
  const openWindow = () => {
    popup = window.open(url, "_blank", "popup,width=480,height=760");
  };
  const main = button("window", MAIN, texts.open, openWindow);
  const leave = button("close", QUIET, texts.close, () => on.closed());
  const dialog = make("dialog", CARD, { lang: texts.lang, dir: texts.dir });
  dialog.setAttribute("aria-labelledby", "title");

  let frame;
  if (challenge.origin === location.origin && isAmongOwn(window)) {
    frame = make("iframe", FRAME, { id: "frame", title: texts.title, src: url.href });
    frame.allow = "publickey-credentials-create; publickey-credentials-get";
    main.style.cssText = QUIET;
    frame.addEventListener("load", () => {
      // A policy of the page forbids frames, or what came is not ours: there is still the window.
      if (!frame?.contentDocument?.getElementById("status")) windowOnly();
    });
    dialog.append(frame, main, leave);
  } else {
    dialog.append(title, where, main, leave);
  }
  const windowOnly = () => {
    frame = undefined;
    main.style.cssText = MAIN;
    dialog.replaceChildren(title, where, main, leave);
  };

  const listen = event => {
    const ours = event.source && (event.source === popup || event.source === frame?.contentWindow);
    const word = ours && event.origin === challenge.origin && event.data?.countersign;
    if (word === "passed") on.passed();
    if (word === "closed") on.closed();
    if (word === "left") {
      over = true;
      on.maybe();
    }
  };
  // Where a policy parts the two windows, no word comes, and the window seems closed from the start.
  const timer = setInterval(() => {
    if (!popup?.closed || !document.hasFocus()) return;
    popup = undefined;
    on.maybe();
  }, LOOK_MS);
  addEventListener("message", listen);
  dialog.addEventListener("cancel", event => {
    event.preventDefault();
    on.closed();
  });

  // Styles of the site do not reach into a shadow.
  host.attachShadow({ mode: "open" }).append(dialog);
  (document.body ?? document.documentElement).append(host);
  dialog.showModal();
  (frame ?? main).focus();

  return {
    show: fresh => {
      url = fresh;
      // Of several requests' tickets the first stays in the frame as long as it is of use.
      if (over && frame) frame.src = fresh.href;
      over = false;
    },
    close: () => {
      clearInterval(timer);
      removeEventListener("message", listen);
      popup?.close();
      host.remove();
    },
  };
};

/** WebAuthn refuses frames below another origin, whoever is asked. */
const isAmongOwn = ({ parent, self }) => {
  try {
    return parent === self || (parent.location.origin === location.origin && isAmongOwn(parent));
  } catch {
    return false;
  }
};
