// Only where `countersign.js` opened the page: it waits for a word, in the page around this frame or
// behind this window. A frame's page is of this origin (frame-ancestors); a window's is of the origin
// that asked.
window.tell = (() => {
  "use strict";
  const { origin, word } = document.currentScript.dataset;
  const framed = parent !== window;
  const say = (word) => {
    const to = framed ? parent : opener;
    if (to) to.postMessage({ countersign: word }, framed ? location.origin : origin);
    if (!framed) close();
  };
  if (word) say(word);
  // The way back leads to where a script's request went: the script asks there itself.
  addEventListener("click", (event) => {
    if (!event.target.closest("#back")) return;
    event.preventDefault();
    say("left");
  });
  // Escape in the frame does not reach the dialog around it.
  addEventListener("keydown", (event) => {
    if (framed && event.key === "Escape" && !event.defaultPrevented) say("closed");
  });
  return say;
})();
