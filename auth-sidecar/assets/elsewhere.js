other_device: {
  way: e.way,
  why: e.why,
  verify: e.show,
  can: () => true,
  // Waits until the other device has said yes; the session comes with that answer.
  run: async (signal) => {
    say("working", m.checking);
    const answer = await post("handoff", { ticket }, signal);
    if (!answer.ok) return void (await refused(answer));
    const begun = await answer.json();
    const code = document.createElement("code");
    code.className = "secret";
    code.textContent = begun.code;
    panel.innerHTML = begun.svg;
    panel.append(code);
    panel.hidden = false;
    say("working", e.waiting.replace("{address}", begun.address).replace("{code}", begun.code));
    const end = performance.now() + begun.expires_in * 1000;
    while (performance.now() < end) {
      await new Promise((wake) => setTimeout(wake, begun.interval * 1000));
      if (signal.aborted) return;
      let told;
      try {
        told = await post("handoff/" + begun.id, {}, signal);
      } catch {
        // The network may come back; what waits does not go away.
        continue;
      }
      if (told.status === 429 || told.status === 503) continue;
      if (!told.ok) break;
      const { return: path } = await told.json();
      if (path) return leave(path);
    }
    panel.hidden = true;
    fail(e.over);
  },
},
