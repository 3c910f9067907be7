// A rollout's stages, its gates with their numbers, and both sides beside each other.

import type { Decided, RolloutView } from "../../api/types";
import { exact, ratio, share } from "../../format/numbers";
import { duration } from "../../format/time";
import { Icon } from "../../ui/icon";
import { Bar, Tag, type Tone } from "../../ui/parts";
import { Empty } from "../../ui/states";

export function Stages({ rollout: one, open }: { rollout: RolloutView; open: boolean }) {
  return (
    <ol class="stages">
      {one.stages.map((stage, index) => {
        const number = index + 1;
        const done = number < one.stage || one.state === "complete";
        const here = number === one.stage && open;
        const part = done ? 1 : here ? (stage.lasts_ms > 0 ? one.elapsed_ms / stage.lasts_ms : 0) : 0;
        const left = Math.max(0, stage.lasts_ms - one.elapsed_ms);
        return (
          <li
            key={number}
            class={here ? "here" : done ? "done" : ""}
            aria-current={here ? "step" : undefined}
          >
            <span class="stage-name">
              {done ? <Icon name="check" /> : <b>{number}</b>}
              <span>
                {stage.nodes}
                {stage.monitor && <span class="muted">, only counting</span>}
              </span>
            </span>
            <Bar parts={[{ share: part, kind: done ? "passed" : "plain" }]} />
            <span class="muted small">
              {done
                ? "done"
                : here
                  ? one.state === "paused"
                    ? "paused"
                    : stage.lasts_ms > 0
                      ? left > 0
                        ? `${duration(left)} left, then the gates decide`
                        : "waits for its gates"
                      : "until every node is live"
                  : stage.lasts_ms > 0
                    ? `lasts ${duration(stage.lasts_ms)}`
                    : "ends it"}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

const GATE_TONES: Record<string, Tone> = { holds: "good", waits: "", fails: "bad" };

export function Gates({ rollout: one }: { rollout: RolloutView }) {
  if (one.gates.length === 0) {
    return (
      <Empty title="No gate was looked at yet">
        They are looked at every second once the first stage has begun.
      </Empty>
    );
  }
  return (
    <div class="table-wrap">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Gate</th>
            <th scope="col">State</th>
            <th scope="col">Measured</th>
            <th scope="col">May be</th>
          </tr>
        </thead>
        <tbody>
          {one.gates.map(gate => (
            <tr key={gate.gate + gate.node}>
              <td>
                {gate.gate}
                {gate.node && <span class="muted"> on {gate.node}</span>}
              </td>
              <td>
                <Tag tone={GATE_TONES[gate.verdict] ?? ""}>{gate.verdict}</Tag>
              </td>
              <td>{gate.measured}</td>
              <td class="muted">{gate.bound}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const COMPARED = ["allow", "block", "redirect", "challenge", "monitor", "satisfied", "errors"] as const;

export function Sides({ candidate, control }: { candidate: Decided; control: Decided }) {
  const cell = (counts: Decided, name: (typeof COMPARED)[number]) => (
    <td class="number">
      {exact(counts[name])} <span class="muted">{share(ratio(counts[name], counts.requests))}</span>
    </td>
  );
  return (
    <div class="table-wrap">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Decided</th>
            <th scope="col" class="number">
              Candidate
            </th>
            <th scope="col" class="number">
              Others
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>requests</td>
            <td class="number">{exact(candidate.requests)}</td>
            <td class="number">{exact(control.requests)}</td>
          </tr>
          {COMPARED.map(name => (
            <tr key={name}>
              <td>{name}</td>
              {cell(candidate, name)}
              {cell(control, name)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
