// One challenge page, no library. States of #status: ready, working, done, failed, unsupported,
// expired. It never starts by itself: a system dialog that nobody asked for frightens people, and
// some browsers want a click.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const { ticket, messages: m, timeout } = JSON.parse($("config").textContent);
  const status = $("status"), verify = $("verify"), renew = $("renew"), back = $("back"), more = $("more");
  // busy: a click does nothing. fresh: the next ceremony makes a new credential. known: the last one
  // asked for a credential that this device should have.
  let busy = true, fresh = false, known = false;

  // `rest`: a sentence that follows, and points under it.
  const say = (state, text, rest = [], points = []) => {
    status.dataset.state = state;
    status.textContent = text;
    const make = (name, parts) => {
      const element = document.createElement(name);
      element.append(...parts);
      return element;
    };
    more.replaceChildren(
      ...rest.map((line) => make("p", [line])),
      ...(points.length ? [make("ul", points.map((point) => make("li", [point])))] : []),
    );
    more.hidden = !rest.length;
    busy = state === "working" || state === "done";
    verify.setAttribute("aria-disabled", String(busy));
    if (busy) renew.hidden = true;
  };
  const fail = (text, hint) => {
    say("failed", text, hint && known ? [hint] : []);
    verify.textContent = m.retry;
    renew.hidden = !(hint && known);
  };
  const over = (state, text, heading, rest, points) => {
    say(state, text, rest, points);
    if (heading) {
      $("heading").textContent = heading;
      document.title = heading;
    }
    for (const gone of [verify, renew, $("why"), $("lead")]) gone.hidden = true;
    back.hidden = state === "unsupported";
    back.className = "main";
    busy = true;
  };

  const post = (path, body, signal) =>
    fetch("/.countersign/" + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      credentials: "same-origin",
      redirect: "error",
      signal,
    });
  // Told for the operator's numbers; nothing here waits for it.
  const tell = (step) => post("steps", { ticket, step }).catch(() => {});

  // For browsers without the JSON helpers (Safari before 18.4).
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    buffer &&
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const decode = (kind, o) => {
    const helper = kind === "registration" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
    if (PublicKeyCredential[helper]) return PublicKeyCredential[helper](o);
    const ids = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));
    const out = { ...o, challenge: bytes(o.challenge), extensions: undefined };
    if (o.user) out.user = { ...o.user, id: bytes(o.user.id) };
    if (o.excludeCredentials) out.excludeCredentials = ids(o.excludeCredentials);
    if (o.allowCredentials) out.allowCredentials = ids(o.allowCredentials);
    return out;
  };
  const encode = (credential) => {
    if (credential.toJSON) return credential.toJSON();
    const r = credential.response;
    const response = { clientDataJSON: text(r.clientDataJSON) };
    for (const key of ["attestationObject", "authenticatorData", "signature", "userHandle"])
      if (r[key]) response[key] = text(r[key]);
    if (r.getTransports) response.transports = r.getTransports();
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      clientExtensionResults: {},
      response,
    };
  };

  const leave = (path) => {
    say("done", m.done);
    location.replace(path);
  };
  const refused = async (answer) => {
    let problem = {};
    try {
      problem = await answer.json();
    } catch {}
    // Another tab has passed in the meantime.
    if (problem.return) return leave(problem.return);
    const kind = String(problem.type || "").split(":").pop();
    if (kind === "ticket-expired") return over("expired", m.expired, m.expired_heading);
    if (kind === "ticket-used") return over("expired", m.used, m.used_heading);
    if (kind === "ticket-invalid") return over("failed", m.invalid, m.invalid_heading);
    if (kind === "too-many-attempts") return over("failed", m.too_many);
    if (kind === "assurance-too-low") return over("failed", m.low, m.low_heading);
    if (kind === "unanswerable") return over("unsupported", m.unanswerable, m.unanswerable_heading);
    if (kind === "not-verified") return fail(m.not_verified);
    if (kind === "busy" || kind === "not-ready") return fail(m.busy);
    if (kind === "internal") return fail(m.error);
    return fail(m.rejected, m.renew_hint);
  };

  const unsupported = () => {
    const points = [m.help_lock, m.help_browser, m.help_device];
    over("unsupported", m.unsupported, m.unsupported_heading, [m.help + ":"], points);
    tell("unsupported");
  };

  const run = async () => {
    if (busy) return;
    say("working", m.waiting);
    const stop = new AbortController();
    // A little longer than the prompt: some browsers hang instead of ending it.
    const timer = setTimeout(() => stop.abort(), timeout + 5000);
    try {
      const begin = await post("ceremonies", { ticket, renew: fresh }, stop.signal);
      if (!begin.ok) return await refused(begin);
      const { ceremony, mode: kind, options } = await begin.json();
      known = kind === "authentication";
      const publicKey = { ...decode(kind, options), timeout };
      const how = { publicKey, signal: stop.signal };
      let credential;
      try {
        credential = await (kind === "registration"
          ? navigator.credentials.create(how)
          : navigator.credentials.get(how));
      } catch (error) {
        if (error.name === "NotSupportedError") return unsupported();
        tell("cancelled");
        // The browser does not tell "I did not want to" from "no such credential here".
        return fail(m.cancelled, m.renew_hint);
      }
      if (!credential) return fail(m.rejected);
      say("working", m.sending);
      const end = await post("ceremonies/" + ceremony, { credential: encode(credential) }, AbortSignal.timeout(20000));
      if (!end.ok) return await refused(end);
      leave((await end.json()).return);
    } catch {
      fail(m.network);
    } finally {
      clearTimeout(timer);
    }
  };

  const able = async () => {
    // Asked first: without an authenticator create() and get() hang until their timeout.
    if (!window.isSecureContext || !window.PublicKeyCredential || !navigator.credentials) return false;
    try {
      return await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
    } catch {
      return false;
    }
  };
  const ready = able().then((can) => {
    if (can) say("ready", m.ready);
    else unsupported();
    return can;
  });
  verify.addEventListener("click", () => {
    fresh = false;
    ready.then(run);
  });
  renew.addEventListener("click", () => {
    fresh = true;
    ready.then(run);
  });
  // A page that comes back from the back/forward cache still says "working": begin afresh.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
