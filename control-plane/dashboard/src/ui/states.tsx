// What stands in the place of data: it loads, there is none, it failed, or one may not see it.

import type { ComponentChildren } from "preact";
import type { ApiProblem } from "../api/problem";
import type { Live } from "../state/live";
import { Button } from "./button";
import { Icon, type IconName } from "./icon";

export function Loading({ lines = 5, what = "Loading" }: { lines?: number; what?: string }) {
  return (
    <div class="skeleton" role="status">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} aria-hidden="true" />
      ))}
      <b class="visually-hidden">{what}</b>
    </div>
  );
}

interface EmptyProps {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}

export function Empty({ icon = "empty", title, children, action }: EmptyProps) {
  return (
    <div class="state">
      <Icon name={icon} />
      <b class="state-title">{title}</b>
      {children && <p>{children}</p>}
      {action && <div class="actions">{action}</div>}
    </div>
  );
}

export function Failed({ problem, again }: { problem: ApiProblem; again?: () => void }) {
  if (problem.status === 403) {
    return (
      <div class="state" role="alert">
        <Icon name="lock" />
        <b class="state-title">Your role does not allow this</b>
        <p>{problem.message}</p>
      </div>
    );
  }
  return (
    <div class="state" role="alert">
      <Icon name="warn" />
      <b class="state-title">{problem.title || "This did not work"}</b>
      <p>{problem.message}</p>
      {again && (
        <div class="actions">
          <Button icon="refresh" onClick={again}>
            Try again
          </Button>
        </div>
      )}
    </div>
  );
}

interface AnsweredProps<T> {
  live: Live<T>;
  lines?: number;
  children: (data: T) => ComponentChildren;
}

/** The data once there is some; with a note above it when it can no longer be refreshed. */
export function Answered<T>({ live, lines, children }: AnsweredProps<T>) {
  if (live.data === undefined) {
    return live.problem ? <Failed problem={live.problem} again={live.reload} /> : <Loading lines={lines} />;
  }
  return (
    <>
      {live.problem && (
        <Banner kind="warn">
          What is shown is no longer fresh: {live.problem.message}{" "}
          <Button compact onClick={live.reload}>
            Try again
          </Button>
        </Banner>
      )}
      {children(live.data)}
    </>
  );
}

interface BannerProps {
  kind: "bad" | "warn" | "info";
  title?: string;
  children?: ComponentChildren;
  actions?: ComponentChildren;
}

export function Banner({ kind, title, children, actions }: BannerProps) {
  return (
    <div class={`banner ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      <Icon name={kind === "info" ? "info" : "warn"} />
      <div class="text">
        {title && <b>{title} </b>}
        {children}
      </div>
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}
