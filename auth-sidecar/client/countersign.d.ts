/** What can be set. */
export interface Options {
  /**
   * How often one request may be challenged and passed before its refusal is what the caller gets.
   * Default: 3.
   */
  rounds?: number;
}

/**
 * Wraps `fetch` and `XMLHttpRequest`: a request that is answered with a challenge waits while the person
 * passes it in a dialog, and is then repeated. A second call changes nothing.
 *
 * @returns takes it back
 */
export function install(options?: Options): () => void;

declare global {
  /** There once the classic script `/.countersign/countersign.js` is loaded, which installs by itself. */
  var countersign: { install: typeof install } | undefined;
}
