// The interface that pages use: `render` with a key and callbacks. The box stands in a frame of the
// provider's own, as everybody's does.
(() => {
  "use strict";
  const address = new URL(document.currentScript.src);
  const widgets = [];
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== address.origin) return;
    const widget = widgets.find(({ frame }) => frame.contentWindow === source);
    if (!widget) return;
    if (data.what === "ticked") widget.frame.dataset.ticked = "";
    else widget.options[data.what]?.(data.token);
  });
  window.hcaptcha = {
    render(box, options) {
      const frame = document.createElement("iframe");
      const small = options.size === "compact";
      const query = new URLSearchParams({ sitekey: options.sitekey, action: options.action ?? "" });
      frame.src = `${address.origin}/widget?${query}`;
      frame.title = "Widget of the captcha";
      frame.width = small ? 164 : 303;
      frame.height = small ? 144 : 78;
      frame.style.border = "0";
      frame.addEventListener("load", () => { frame.dataset.loaded = ""; });
      box.append(frame);
      return widgets.push({ frame, options }) - 1;
    },
  };
  window[address.searchParams.get("onload")]?.();
})();
