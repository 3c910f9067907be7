// One challenge page, no library. States of #status: ready, working, done, failed, unsupported,
// expired. What opens a system dialog never starts by itself: one that nobody asked for frightens
// people, and some browsers want a click. What needs nobody does.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const { ticket, host, kinds: offered, messages: m, devices: d, channels: c, elsewhere: e, timeout } = JSON.parse($("config").textContent);
  // Last, whatever else there is: it takes two devices and more of a person's time.
  if (e) offered.push("other_device");
  const status = $("status"), verify = $("verify"), renew = $("renew"), back = $("back"), more = $("more");
  const panel = $("panel"), progress = $("progress"), ways = $("ways"), form = $("nojs");
  // busy: a click does nothing. fresh: the next ceremony makes a new credential. known: the last one
  // asked for a credential that this device should have.
  let busy = true, fresh = false, known = false;
  // The kind in hand, the kinds that this browser can do, and what stops the attempt.
  let current = null, able = [], stop = null;

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
    // What starts by itself needs its button only to be started again.
    verify.hidden = busy && Boolean(current && kinds[current].auto);
    progress.hidden = true;
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
    for (const gone of [verify, renew, ways, panel, progress, $("why"), $("lead")]) gone.hidden = true;
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
  const tell = (step, way = current) => post("steps", { ticket, step, kind: kindOf(way) }).catch(() => {});
  // A way is a kind, or a kind with an authenticator: `fido:security-key`.
  const kindOf = (way) => way && way.split(":")[0];

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

  // Where the cookie gets lost on its way, or the filter does not take it, what starts by itself would go
  // round for ever. So passes are noted in the tab: those for this address within a minute.
  const PASSED = "countersign-passed";
  const passes = () => {
    try {
      const { way, at } = JSON.parse(sessionStorage.getItem(PASSED));
      return way === back.href ? at.filter((time) => Date.now() - time < 60000) : [];
    } catch {
      return [];
    }
  };
  const leave = (path) => {
    say("done", m.done);
    try {
      sessionStorage.setItem(PASSED, JSON.stringify({ way: back.href, at: [...passes(), Date.now()] }));
    } catch {}
    if (window.tell) window.tell("passed");
    else location.replace(path);
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
    const short = { "assurance-too-low": m.low, "credential-synced": d.synced, "authenticator-class": d.class }[kind];
    // Another way may do, where there is one.
    if (short && able.length > 1) return fail(short);
    if (short) return over("failed", short, m.low_heading);
    if (kind === "unanswerable") return over("unsupported", m.unanswerable, m.unanswerable_heading);
    if (kind === "not-verified") return fail(m.not_verified);
    if (["busy", "not-ready", "slow-down"].includes(kind)) return fail(m.busy);
    if (c && c[kind]) return fail(c[kind]);
    if (kind === "internal") return fail(m.error);
    return fail(m.rejected, m.renew_hint);
  };

  const points = [m.help_lock, m.help_browser, m.help_device];
  const unsupported = () => {
    over("unsupported", m.unsupported, m.unsupported_heading, [m.help + ":"], points);
  };

  // Begins a ceremony; nothing when it was refused, and the page says why.
  const begin = async (signal, input) => {
    const answer = await post("ceremonies", { ticket, kind: kindOf(current), renew: fresh, input }, signal);
    if (!answer.ok) return void (await refused(answer));
    return answer.json();
  };
  // Ends it. Gives the problem when the ceremony goes on and another answer may be sent.
  const finish = async (begun, answer) => {
    say("working", m.sending);
    const end = await post("ceremonies/" + begun.ceremony, { answer }, AbortSignal.timeout(20000));
    if (end.ok) return leave((await end.json()).return);
    const problem = await end.clone().json().catch(() => ({}));
    if (problem.tries_left) return problem;
    await refused(end);
  };

  const solve = ({ seed, below, puzzles }, signal) =>
    new Promise((resolve, reject) => {
      const numbers = [], workers = [];
      let next = 0, left = puzzles;
      const end = (settle, value) => {
        for (const worker of workers) worker.terminate();
        settle(value);
      };
      signal.addEventListener("abort", () => end(reject, signal.reason));
      const count = Math.min(navigator.hardwareConcurrency || 2, 4);
      for (let i = 0; i < count; i++) {
        const worker = new Worker("/.countersign/pow.js");
        const give = () => next < puzzles && worker.postMessage({ seed, below, index: next++ });
        worker.onerror = () => end(reject, new Error("worker"));
        worker.onmessage = ({ data }) => {
          numbers[data.index] = data.number;
          progress.value = 1 - --left / puzzles;
          if (left) give();
          else end(resolve, numbers);
        };
        workers.push(worker);
        give();
      }
    });

  /* forms.js */

  // How each kind is done. `can`: whether this browser is able to. `auto`: it starts without a click.
  // `limit`: for how long, in milliseconds. `run` says on the page what comes of it.
  const kinds = {
    fido: {
      way: m.way_fido,
      title: m.title,
      heading: m.heading,
      lead: m.lead,
      why: m.why,
      verify: m.verify,
      // A little longer than the prompt: some browsers hang instead of ending it.
      limit: timeout + 5000,
      // Asked first: without an authenticator create() and get() hang until their timeout.
      can: async () =>
        window.isSecureContext &&
        window.PublicKeyCredential &&
        navigator.credentials &&
        PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable(),
      run: async (signal) => {
        say("working", m.waiting);
        const begun = await begin(signal, { authenticator: current.split(":")[1] || "client-device" });
        if (!begun) return;
        const create = begun.mode === "registration";
        known = !create;
        const how = { publicKey: { ...decode(begun.mode, begun.options), timeout }, signal };
        let credential;
        try {
          credential = await navigator.credentials[create ? "create" : "get"](how);
        } catch (error) {
          if (signal.reason === "other") return;
          if (error.name === "NotSupportedError") return lacks(current);
          tell("cancelled");
          // The browser does not tell "I did not want to" from "no such credential here".
          return fail(m.cancelled, m.renew_hint);
        }
        if (!credential) return fail(m.rejected);
        await finish(begun, encode(credential));
      },
    },
    pow: {
      way: m.way_pow,
      why: m.pow_why,
      auto: true,
      limit: 115000,
      can: () => Boolean(window.Worker),
      run: async (signal) => {
        say("working", m.pow_working);
        const begun = await begin(signal);
        if (!begun) return;
        progress.value = 0;
        progress.hidden = false;
        let numbers;
        try {
          numbers = await solve(begun.options, signal);
        } catch {
          if (signal.reason === "other") return;
          tell("cancelled");
          return fail(signal.aborted ? m.cancelled : m.error);
        }
        await finish(begun, { numbers });
      },
    },
    nojs: {
      way: m.way_nojs,
      why: m.nojs_why,
      can: () => Boolean(form),
      run: () => {
        say("working", m.sending);
        form.submit();
      },
    },
    /* channels.js */
    /* elsewhere.js */
  };
  /* keys.js */

  const run = async () => {
    if (busy) return;
    const kind = kinds[current];
    const mine = (stop = new AbortController());
    const timer = kind.limit && setTimeout(() => mine.abort("late"), kind.limit);
    try {
      await kind.run(mine.signal);
    } catch {
      // Another way was chosen meanwhile: this attempt has nothing to say any more.
      if (stop === mine) fail(m.network);
    } finally {
      clearTimeout(timer);
    }
  };

  // Puts the words of a kind on the page, and the ways there are besides.
  const show = (name) => {
    if (stop) stop.abort("other");
    stop = null;
    current = name;
    fresh = known = false;
    const kind = kinds[name];
    $("heading").textContent = kind.heading || m.check_heading;
    document.title = kind.title || m.check_heading;
    const [before, after] = (kind.lead || m.lead_check).split("{host}");
    const strong = document.createElement("strong");
    strong.textContent = host;
    $("lead").replaceChildren(before, strong, after || "");
    $("why").textContent = kind.why || "";
    panel.hidden = true;
    panel.replaceChildren();
    say("ready", m.ready);
    verify.textContent = kind.verify || m.start;
    renew.hidden = true;
    const others = able.filter((other) => other !== name);
    const title = document.createElement("p");
    title.textContent = m.ways;
    ways.replaceChildren(
      title,
      ...others.map((other) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "quiet";
        button.dataset.kind = other;
        button.textContent = kinds[other].way;
        button.addEventListener("click", () => {
          if (status.dataset.state === "done") return;
          show(other);
          // The button that was pressed is gone: who cannot see the page hears where they are.
          $("heading").focus();
          run();
        });
        return button;
      }),
    );
    ways.hidden = !others.length;
  };

  // This browser turned out not to be able to: on to the next way.
  const lacks = (name) => {
    tell("unsupported", name);
    able = able.filter((other) => other !== name);
    if (!able.length) return unsupported();
    first();
  };
  // Shows the first way that there is. Where only another device is one, it says why, and what would help.
  const first = () => {
    show(able[0]);
    if (current === "other_device") say("unsupported", m.unsupported, [m.help + ":"], points);
    // The second may be a lost answer; the third is a circle.
    if (passes().length > 1) say("ready", d.again);
    else if (kinds[current].auto) run();
  };

  // A browser that keeps no cookie would be sent back here for ever. What it says of itself is not
  // always true, so one is set and looked for.
  const keepsCookies = () => {
    const probe = "__Host-countersign-kept=1; Path=/; Secure; SameSite=Lax; Max-Age=";
    try {
      document.cookie = probe + "60";
      const kept = document.cookie.includes("__Host-countersign-kept=1");
      document.cookie = probe + "0";
      return kept;
    } catch {
      return false;
    }
  };

  const ready = (async () => {
    if (!keepsCookies()) {
      tell("unsupported", offered[0]);
      return over("failed", d.cookies, d.cookies_heading);
    }
    const can = async (name) => {
      try {
        return kinds[name] && (await kinds[name].can());
      } catch {
        return false;
      }
    };
    const answers = await Promise.all(offered.map(can));
    able = offered.filter((_, i) => answers[i]);
    // Told of the kinds that would have come first.
    for (const name of offered) {
      if (name === able[0]) break;
      tell("unsupported", name);
    }
    if (!able.length) return unsupported();
    first();
  })();
  if (form) form.hidden = true;
  $("heading").tabIndex = -1;
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
