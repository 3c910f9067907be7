// Which requests wait for which proof: however many are challenged, an origin has one challenge open.

import { open } from "./dialog.js";

const HEADER = "countersign-challenge";
const PATH = "/.countersign/challenge";

/** Origin → the challenge that is open for it. */
const gates = new Map();
/** Origin → when its last challenge ended, and whether it was passed. */
const ended = new Map();

/**
 * The challenge that an answer names, if to follow it makes sense: on the origin that answered, and for
 * a request that will carry the session.
 */
export const challengeIn = (status, header, answeredBy, withCookies) => {
  if (status !== 403) return undefined;
  const named = header(HEADER);
  if (!named) return undefined;
  try {
    const url = new URL(named);
    const sameSender = url.origin === new URL(answeredBy, location.href).origin;
    if (!sameSender || url.pathname !== PATH || !withCookies(url.origin === location.origin))
      return undefined;
    // Asks the page to say a word when it is over, instead of going to where the request went.
    url.searchParams.set("tell", "1");
    return url;
  } catch {
    return undefined;
  }
};

/**
 * Sends until the answer is no challenge, or nobody proves anything, or it was proven often enough; gives
 * the last answer. `find` names the challenge in an answer.
 */
export const insist = async (send, find, signal, rounds) => {
  let settle;
  for (let round = 0; ; ) {
    const sent = performance.now();
    let answer;
    let proof;
    try {
      answer = await send();
      const challenge = round < rounds && (await find(answer));
      proof = challenge && prove(challenge, sent, signal);
    } finally {
      // Only now: a request that waits again keeps its dialog open.
      settle?.();
      settle = undefined;
    }
    const result = await proof;
    if (!result) return answer;
    // Unread it would hold its connection.
    answer?.body?.cancel();
    settle = result.settle;
    if (!settle) round += 1;
    if (signal.aborted) {
      settle?.();
      throw signal.reason;
    }
  }
};

/**
 * Resolves to what may be done: nothing (the person gave up), to repeat the request (`{}`), or to try
 * whether it passes now (`{settle}`: to be called when that is known).
 */
const prove = (challenge, sent, signal) => {
  if (signal.aborted) return Promise.reject(signal.reason);
  const last = ended.get(challenge.origin);
  // Answered before that, and only now read.
  if (last && last.at > sent) return Promise.resolve(last.passed ? {} : undefined);
  const gate = gates.get(challenge.origin) ?? opened(challenge);
  gate.show(challenge);
  return new Promise((resolve, reject) => {
    const stop = () => {
      gate.waiting.delete(done);
      reject(signal.reason);
      gate.rest();
    };
    const done = result => {
      signal.removeEventListener("abort", stop);
      resolve(result);
    };
    gate.waiting.add(done);
    signal.addEventListener("abort", stop);
  });
};

const opened = challenge => {
  const { origin } = challenge;
  const waiting = new Set();
  let trying = 0;
  let dialog;
  const resolveAll = result => {
    const all = [...waiting];
    waiting.clear();
    for (const done of all) done(result);
  };
  const close = () => {
    dialog.close();
    gates.delete(origin);
  };
  const end = passed => {
    close();
    ended.set(origin, { at: performance.now(), passed });
    resolveAll(passed ? {} : undefined);
  };
  const gate = {
    waiting,
    show: url => dialog.show(url),
    /** Nobody waits any more, and nothing is being tried. */
    rest: () => {
      if (!waiting.size && !trying && gates.get(origin) === gate) close();
    },
  };
  const maybe = () => {
    const settle = () => {
      trying -= 1;
      gate.rest();
    };
    trying += waiting.size;
    resolveAll({ settle });
  };
  dialog = open(challenge, { passed: () => end(true), closed: () => end(false), maybe });
  gates.set(origin, gate);
  return gate;
};
