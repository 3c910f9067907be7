// How a change reaches the nodes: everywhere at once, or in the stages of a strategy.

import { useState } from "preact/hooks";
import { resources } from "../api/calls";
import { useLive } from "../state/live";
import { SelectField } from "./parts";

const NOW = "now";
const DEFAULT = "default";

export interface RollOut {
  /** What the API is told. */
  options: { strategy: string } | { now: true };
  now: boolean;
  strategies: readonly string[];
  choose: (word: string) => void;
}

/** The default strategy where there is one, until another way is chosen. */
export function useRollOut(): RollOut {
  const known = useLive("strategies", signal => resources("RolloutStrategy", {}, signal));
  const strategies = (known.data?.resources ?? []).map(one => one.name);
  const [how, setHow] = useState("");
  const chosen = how || (strategies.includes(DEFAULT) ? DEFAULT : NOW);
  const now = chosen === NOW;
  return { options: now ? { now } : { strategy: chosen }, now, strategies, choose: setHow };
}

export function RollOutField({ rollOut }: { rollOut: RollOut }) {
  const { options, now, strategies, choose } = rollOut;
  return (
    <SelectField
      label="Roll out"
      value={"strategy" in options ? options.strategy : NOW}
      options={[
        [NOW, "At once, to every node"],
        ...strategies.map(name => [name, `In stages: ${name}`] as const),
      ]}
      onChange={choose}
      hint={
        strategies.length === 0 ? (
          <>
            Stages need a <a href="/rollouts/strategies">rollout strategy</a>; there is none yet.
          </>
        ) : now ? (
          "Every node has it within seconds."
        ) : (
          "A gate that fails takes it back by itself."
        )
      }
    />
  );
}
