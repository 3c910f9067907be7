// The kinds of resources that pages show, and where.

export interface Kind {
  kind: string;
  /** Of the list's page. */
  path: string;
  /** One of them. */
  one: string;
  /** All of them, as the navigation names them. */
  many: string;
  /** A new one. */
  template: string;
}

const HEAD = "apiVersion: countersign.dev/v1\n";

export const POLICY: Kind = {
  kind: "MitigationPolicy",
  path: "/policies/mitigation",
  one: "mitigation policy",
  many: "Mitigation Policies",
  template: `${HEAD}kind: MitigationPolicy
metadata: {name: new-policy}
spec:
  endpoints: ["/login", "/login/*"]
  when: score >= 70
  action: monitor
`,
};

export const SIGNAL: Kind = {
  kind: "Signal",
  path: "/policies/signals",
  one: "signal",
  many: "Signals",
  template: `${HEAD}kind: Signal
metadata: {name: new-signal}
spec:
  when: request.headers["user-agent"].contains("HeadlessChrome")
  weight: 40
  reason: HEADLESS_BROWSER
`,
};

export const DEVICE_RULE: Kind = {
  kind: "DeviceRule",
  path: "/policies/device-rules",
  one: "device rule",
  many: "Device Rules",
  template: `${HEAD}kind: DeviceRule
metadata: {name: new-rule}
spec:
  cidr_block: 203.0.113.0/24
  verdict: CHALLENGE
  description: why
`,
};

export const REASON_OVERRIDE: Kind = {
  kind: "ReasonOverride",
  path: "/policies/reasons",
  one: "override",
  many: "Verdict Reasons",
  template: `${HEAD}kind: ReasonOverride
metadata: {name: new-override}
spec:
  reason: VIRTUAL_MACHINE
  verdict: ALLOW
`,
};

export const LIST: Kind = {
  kind: "List",
  path: "/policies/lists",
  one: "list",
  many: "Lists",
  template: `${HEAD}kind: List
metadata: {name: offices}
spec:
  cidrs:
    - 192.0.2.0/24
`,
};

export const STRATEGY: Kind = {
  kind: "RolloutStrategy",
  path: "/rollouts/strategies",
  one: "rollout strategy",
  many: "Rollout Strategies",
  template: `${HEAD}kind: RolloutStrategy
metadata: {name: careful}
spec:
  stages:
    - percent: 10
      for: 5m
    - percent: 100
  gates:
    blockPoints: 5
    challengePoints: 10
`,
};

export const SETTINGS: Kind = {
  kind: "Settings",
  path: "/policies/settings",
  one: "settings",
  many: "Settings",
  template: `${HEAD}kind: Settings
metadata: {name: default}
spec:
  challenge: {minAssurance: uv, maxAge: 1h}
`,
};

export const KINDS = [POLICY, SIGNAL, DEVICE_RULE, REASON_OVERRIDE, LIST, STRATEGY, SETTINGS] as const;

/** In the place of a name, which cannot begin so: another one is made. */
export const NEW = "+new";

/** Where another one of a kind is made. */
export function newPath(kind: Kind): string {
  return `${kind.path}/${NEW}`;
}

/** Where one of a kind is edited. */
export function resourcePath(kind: string, name: string): string | undefined {
  const known = KINDS.find(one => one.kind === kind);
  return known && `${known.path}/${encodeURIComponent(name)}`;
}
