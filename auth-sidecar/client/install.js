// Puts the two in place of the browser's own.

import { wrapFetch } from "./fetch.js";
import { wrapXhr } from "./xhr.js";

/** On the global object: the script may be loaded twice, once in each form. */
const INSTALLED = Symbol.for("countersign.installed");

export const install = ({ rounds = 3 } = {}) => {
  const scope = globalThis;
  // A worker has nothing to show a challenge in.
  if (scope[INSTALLED] || typeof HTMLDialogElement === "undefined") return scope[INSTALLED] ?? (() => {});
  const { fetch, XMLHttpRequest } = scope;
  const own = { fetch: wrapFetch(fetch, rounds), XMLHttpRequest: wrapXhr(XMLHttpRequest, rounds) };
  Object.assign(scope, own);
  scope[INSTALLED] = () => {
    // Somebody may have wrapped ours in the meantime.
    if (scope.fetch === own.fetch) scope.fetch = fetch;
    if (scope.XMLHttpRequest === own.XMLHttpRequest) scope.XMLHttpRequest = XMLHttpRequest;
    delete scope[INSTALLED];
  };
  return scope[INSTALLED];
};
