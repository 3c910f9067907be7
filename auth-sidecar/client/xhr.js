// `XMLHttpRequest`, which repeats a request that was challenged once that is passed. Its owner sees one
// request: what happens between the challenge and the repetition is held back, and told if nobody passes.

import { challengeIn, insist } from "./gate.js";

const TYPES = ["readystatechange", "loadstart", "progress", "load", "error", "timeout", "abort", "loadend"];

export const wrapXhr = (Native, rounds) =>
  class XMLHttpRequest extends Native {
    /** What `open` was told; nothing for a synchronous request, which is left alone. */
    #call;
    #headers = [];
    /** Is this a repetition? */
    #again = false;
    /** Events of an answer that is a challenge. */
    #held;
    /** The state that is told while such events are. */
    #state;
    #stop;
    #answered;
    #watching = false;
    #uploaded = false;

    constructor(...given) {
      super(...given);
      // The first listeners: they see every event before its owner does.
      for (const type of TYPES) super.addEventListener(type, event => this.#see(event));
    }

    get readyState() {
      return this.#state ?? (this.#held ? 1 : super.readyState);
    }

    get status() {
      return this.#held && !this.#state ? 0 : super.status;
    }

    get upload() {
      const upload = super.upload;
      // Not before somebody asks: listeners here make a request of another origin ask permission first.
      if (!this.#watching) {
        this.#watching = true;
        for (const type of TYPES.slice(1))
          upload.addEventListener(type, event => {
            if (this.#again && (this.#uploaded || type === "loadstart")) event.stopImmediatePropagation();
            else if (type === "loadend") this.#uploaded = true;
          });
      }
      return upload;
    }

    open(...call) {
      this.#stop?.abort();
      this.#call = this.#held = this.#state = undefined;
      this.#again = this.#uploaded = false;
      this.#headers = [];
      super.open(...call);
      if (call.length < 3 || call[2]) this.#call = call;
    }

    setRequestHeader(...header) {
      super.setRequestHeader(...header);
      this.#headers.push(header);
    }

    send(body) {
      if (!this.#call) return super.send(body);
      const copy = copyOf(body);
      const stop = new AbortController();
      this.#stop = stop;
      let first = this.#attempt(() => super.send(body));
      const send = () => {
        const attempt = first ?? this.#attempt(() => this.#repeat(copy));
        first = undefined;
        return attempt;
      };
      insist(send, challenge => challenge, stop.signal, rounds).then(
        challenge => challenge && this.#tell(),
        // Aborted, and said so; or a repetition that could not begin.
        () => !stop.signal.aborted && this.#tell(),
      );
    }

    abort() {
      if (!this.#held) return super.abort();
      this.#stop.abort();
      this.#held = undefined;
      // The answer that was held back is dropped: for the owner the request was under way.
      super.abort();
      this.#state = 4;
      this.dispatchEvent(new Event("readystatechange"));
      for (const type of ["abort", "loadend"]) this.dispatchEvent(new ProgressEvent(type));
      this.#state = undefined;
    }

    /** Resolves to the challenge once one was answered in full, to nothing as soon as there is none. */
    #attempt(begin) {
      const answered = new Promise(resolve => {
        this.#answered = resolve;
      });
      begin();
      return answered;
    }

    #repeat(body) {
      this.#again = true;
      this.#held = undefined;
      super.open(...this.#call);
      for (const header of this.#headers) super.setRequestHeader(...header);
      super.send(body);
    }

    #see(event) {
      if (!this.#call || !event.isTrusted) return;
      const { type } = event;
      const state = super.readyState;
      if (this.#again && (type === "loadstart" || (type === "readystatechange" && state === 1)))
        event.stopImmediatePropagation();
      if (type === "readystatechange" && state === 2) {
        const challenge = this.#challenge();
        if (challenge) this.#held = Object.assign([], { challenge });
        else this.#answered();
      }
      const held = this.#held;
      if (held) {
        event.stopImmediatePropagation();
        const { lengthComputable, loaded, total } = event;
        held.push({ type, state, measure: { lengthComputable, loaded, total } });
      }
      if (type !== "loadend") return;
      // A challenge that broke off is an error like any other.
      const whole = held?.some(event => event.type === "load");
      if (held && !whole) this.#tell();
      this.#answered(whole ? held.challenge : undefined);
    }

    #challenge() {
      // To ask for a header that is not exposed is an error in the console.
      const header = name =>
        super.getAllResponseHeaders().toLowerCase().includes(name) && super.getResponseHeader(name);
      return challengeIn(super.status, header, super.responseURL, same => same || this.withCredentials);
    }

    /** Tells the owner what was held back. */
    #tell() {
      const held = this.#held;
      for (const { type, state, measure } of held ?? []) {
        this.#state = state;
        this.dispatchEvent(type === "readystatechange" ? new Event(type) : new ProgressEvent(type, measure));
        // Its owner opened it anew.
        if (this.#held !== held) return;
      }
      this.#held = this.#state = undefined;
    }

    static toString() {
      return Native.toString();
    }
  };

/** As it is now, whatever its owner does with it later. */
const copyOf = body => {
  if (body instanceof FormData) {
    const copy = new FormData();
    for (const [name, value] of body) copy.append(name, value);
    return copy;
  }
  if (body instanceof URLSearchParams) return new URLSearchParams(body);
  if (body instanceof ArrayBuffer) return body.slice(0);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  return body;
};
