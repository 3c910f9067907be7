// One field and its button in #panel; gives what was typed, or null when another way was chosen.
  const ask = (signal, label, button, attributes, state, note) => {
    say(state, note || m.ready);
    verify.hidden = true;
    const element = (name, more, ...parts) => {
      const made = Object.assign(document.createElement(name), more);
      made.append(...parts);
      return made;
    };
    const input = element("input", { id: "typed", name: "typed", required: true, dir: "ltr", ...attributes });
    const sheet = element(
      "form",
      { noValidate: true },
      element("label", { htmlFor: "typed" }, label),
      input,
      element("button", { className: "main", type: "submit" }, button),
    );
    panel.replaceChildren(sheet);
    panel.hidden = false;
    input.focus();
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(null));
      sheet.addEventListener("submit", (event) => {
        event.preventDefault();
        const typed = input.value.trim();
        if (!typed) return input.focus();
        panel.hidden = true;
        say("working", m.sending);
        resolve(typed);
      });
    });
  };
  // Codes, until one is right or no try is left. `again`: the label of a button that begins anew.
  const codes = async (signal, begun, note, again) => {
    let state = "ready";
    const field = { inputMode: "numeric", autocomplete: "one-time-code", maxLength: 32, className: "code" };
    for (;;) {
      const asking = ask(signal, c.code, c.confirm, field, state, note);
      if (again) {
        const anew = document.createElement("button");
        anew.type = "button";
        anew.className = "quiet";
        anew.textContent = again;
        anew.addEventListener("click", () => {
          show(current);
          run();
        });
        panel.append(anew);
      }
      const code = await asking;
      if (code === null) return;
      const problem = await finish(begun, { code });
      if (!problem) return;
      const kind = String(problem.type).split(":").pop();
      [state, note] = ["failed", c[kind] || m.rejected];
    }
  };
