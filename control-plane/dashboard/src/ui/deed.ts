// What a dialog does when it is agreed to: it is busy, then done or refused.

import { useState } from "preact/hooks";
import { type ApiProblem, asProblem } from "../api/problem";
import { say } from "../app/toasts";

interface Running {
  busy: boolean;
  problem?: ApiProblem;
  run: () => void;
}

/** `act` answers what is said of it when it is done. */
export function useDeed(act: () => Promise<string>, onDone: () => void): Running {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const run = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      say(await act());
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return { busy, ...(problem ? { problem } : {}), run: () => void run() };
}
