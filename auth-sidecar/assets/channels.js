captcha: {
      way: c.way_captcha,
      why: c.captcha_why,
      can: () => true,
      run: async (signal) => {
        say("working", c.captcha_waiting);
        const begun = await begin(signal);
        if (!begun) return;
        const o = begun.options;
        // The provider's script is fetched now, when its kind was chosen, and not before.
        await new Promise((resolve, reject) => {
          if (window[o.api]) return resolve();
          const script = document.createElement("script");
          const url = new URL(o.script);
          url.searchParams.set("render", "explicit");
          url.searchParams.set("onload", "countersignCaptcha");
          window.countersignCaptcha = resolve;
          script.nonce = $("config").nonce;
          script.src = url;
          script.onerror = () => reject(new Error("script"));
          signal.addEventListener("abort", () => reject(signal.reason));
          setTimeout(() => reject(new Error("late")), 15000);
          document.head.append(script);
        }).catch(() => {});
        if (signal.aborted) return;
        const api = window[o.api];
        if (!api) return fail(c.captcha_lost);
        const box = document.createElement("div");
        box.id = "captcha";
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", c.way_captcha);
        box.tabIndex = -1;
        panel.replaceChildren(box);
        panel.hidden = false;
        if (!o.invisible) {
          say("ready", c.captcha_waiting);
          verify.hidden = true;
          // It stands before the button that was pressed: from here the next Tab leads into it.
          box.focus();
        }
        const token = await new Promise((resolve) => {
          const lost = () => resolve(null);
          signal.addEventListener("abort", lost);
          const id = api.render(box, {
            sitekey: o.site_key,
            action: o.action,
            cData: o.data,
            callback: resolve,
            "error-callback": lost,
            "expired-callback": lost,
            // The others are some 300 pixels wide, which a narrow page does not have.
            ...(o.invisible ? { size: "invisible", badge: "inline" } : panel.clientWidth < 304 && { size: "compact" }),
          });
          if (o.invisible) api.ready(() => api.execute(id, { action: o.action }).then((t) => t && resolve(t), lost));
        });
        if (signal.aborted) return;
        verify.hidden = false;
        // The focus must not be lost with what has it.
        if (panel.contains(document.activeElement)) verify.focus();
        panel.hidden = true;
        panel.replaceChildren();
        if (!token) return fail(c.captcha_lost);
        await finish(begun, { token });
      },
    },
    otp_email: {
      way: c.way_otp_email,
      why: c.otp_email_why,
      auto: true,
      can: () => true,
      run: async (signal) => {
        let note = "", state = "ready";
        for (;;) {
          const typed = await ask(signal, c.address, c.send, { type: "email", autocomplete: "email", maxLength: 254 }, state, note);
          if (typed === null) return;
          const answer = await post("ceremonies", { ticket, kind: current, input: { address: typed, language: document.documentElement.lang } }, signal);
          if (!answer.ok) {
            const problem = await answer.clone().json().catch(() => ({}));
            if (String(problem.type).endsWith(":address-invalid")) {
              [state, note] = ["failed", c["address-invalid"]];
              continue;
            }
            return refused(answer);
          }
          return codes(signal, await answer.json(), c.sent, c.anew);
        }
      },
    },
    totp: {
      way: c.way_totp,
      why: c.totp_why,
      auto: true,
      can: () => true,
      run: async (signal) => {
        const begun = await begin(signal);
        if (begun) await codes(signal, begun, "");
      },
    },
