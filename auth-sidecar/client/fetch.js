// `fetch`, which repeats a request that was challenged once that is passed.

import { challengeIn, insist } from "./gate.js";

/** Bytes of the body of a given `Request` that are kept: it may be a stream, and a stream has no end. */
const KEPT_BYTES = 16 * 1024 * 1024;

export const wrapFetch = (native, rounds) => {
  const fetch = async (input, init) => {
    // A stream can be read once.
    if (init?.body instanceof ReadableStream) return native(input, init);
    const given = input instanceof Request && init?.body == null;
    // Takes the body as it is now, whatever its owner does with it later.
    const request = new Request(input, init);
    const { send, again } = given ? kept(native, request) : { send: () => native(request.clone()) };
    const find = async answer => {
      const withCookies = same =>
        request.credentials === "include" || (same && request.credentials === "same-origin");
      const header = name => answer.headers.get(name);
      const challenge = challengeIn(answer.status, header, answer.url, withCookies);
      return challenge && (!again || (await again())) && challenge;
    };
    return insist(send, find, request.signal, rounds);
  };
  fetch.toString = () => native.toString();
  return fetch;
};

/** `again` says whether the request can be sent again. */
const kept = (native, request) => {
  const copy = request.clone();
  // No body, or a browser that cannot send streams and so keeps what it was made of.
  if (!copy.body) return { send: () => native(request.clone()) };
  const body = collect(copy.body.getReader());
  let next = request;
  return {
    send: () => native(next),
    again: async () => {
      const blob = await body;
      if (blob) next = new Request(request, { body: blob });
      return Boolean(blob);
    },
  };
};

const collect = async reader => {
  const chunks = [];
  let left = KEPT_BYTES;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Blob(chunks);
      left -= value.length;
      if (left < 0) {
        // Never settles before the other branch is read; nobody waits for it.
        reader.cancel().catch(() => {});
        return undefined;
      }
      chunks.push(value);
    }
  } catch {
    return undefined;
  }
};
