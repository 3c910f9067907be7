// What the API answers, kept fresh while somebody looks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem";
import { signIns } from "../app/session";

export interface Live<T> {
  data?: T;
  problem?: ApiProblem;
  /** Nothing has been answered yet, or not since the question changed. */
  loading: boolean;
  /** What is shown belongs to a former question. */
  stale: boolean;
  reload: () => void;
}

interface Options {
  /** Milliseconds between two looks; 0 = once. */
  every?: number;
}

/** An answer that took long is asked for less often: looking must not be a load. */
const SHARE_OF_TIME = 4;
/** Between two tries while there is no answer. */
const AFTER_FAILURE_MS = 5_000;

/**
 * Asks whenever `key` changes, and again and again where `every` says so, but not while the tab is hidden.
 * `null` as the key asks nothing.
 */
export function useLive<T>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<T>,
  { every = 0 }: Options = {},
): Live<T> {
  const [answer, setAnswer] = useState<{ key: string | null; data?: T; problem?: ApiProblem }>({ key: null });
  const [round, setRound] = useState(0);
  const signIn = signIns.value;
  const latest = useRef(ask);
  latest.current = ask;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` and `signIn` ask again.
  useEffect(() => {
    if (key === null) {
      return;
    }
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let waiting = false;

    const look = async () => {
      waiting = false;
      const started = performance.now();
      let pause = every;
      try {
        const data = await latest.current(abort.signal);
        if (abort.signal.aborted) {
          return;
        }
        setAnswer({ key, data });
        pause = every && Math.max(every, (performance.now() - started) * SHARE_OF_TIME);
      } catch (error) {
        if (abort.signal.aborted) {
          return;
        }
        const problem = asProblem(error);
        setAnswer(before => ({ key, problem, ...(before.key === key ? { data: before.data } : {}) }));
        const mended = problem.status === 0 || problem.status === 429 || problem.status >= 500;
        pause = mended ? Math.max(every, AFTER_FAILURE_MS) : 0;
      }
      if (pause) {
        timer = setTimeout(next, pause);
      }
    };
    const next = () => {
      if (document.hidden) {
        waiting = true;
      } else {
        void look();
      }
    };
    const shown = () => {
      if (waiting && !document.hidden) {
        void look();
      }
    };

    document.addEventListener("visibilitychange", shown);
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [key, every, round, signIn]);

  const reload = useCallback(() => setRound(number => number + 1), []);
  const current = answer.key === key;
  return {
    ...(answer.data === undefined ? {} : { data: answer.data }),
    ...(current && answer.problem ? { problem: answer.problem } : {}),
    loading: key !== null && !current,
    stale: !current && answer.data !== undefined,
    reload,
  };
}

/** The time, looked at every `every` milliseconds, for words such as `3 s ago`. */
export function useNow(every = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) {
        setNow(Date.now());
      }
    }, every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
