// The head of the pages about what runs where.

import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { PageHead, Tabs } from "../../ui/parts";

const TABS = [
  { href: "/rollouts", name: "Rollout" },
  { href: "/rollouts/nodes", name: "Nodes" },
  { href: "/rollouts/history", name: "History" },
  { href: "/rollouts/strategies", name: "Strategies" },
] as const;

export function RolloutsHead({ children }: { children?: ComponentChildren }) {
  const { path } = useLocation();
  return (
    <>
      <PageHead title="Rollouts and nodes" crumb="Delivery">
        {children}
      </PageHead>
      <Tabs label="Rollouts and nodes" tabs={TABS.map(tab => ({ ...tab, current: path === tab.href }))} />
    </>
  );
}
