// Where a resource is kept, and the way to a new one.

import type { ComponentChildren } from "preact";
import type { Resource } from "../api/types";
import { Button, LinkButton } from "./button";
import { Icon } from "./icon";

export function Origin({ resource }: { resource: Resource }) {
  if (resource.origin !== "files") {
    return null;
  }
  return (
    <span class="origin muted" title={`Kept in the file ${resource.file}; change it there`}>
      <Icon name="file" />
      <span class="visually-hidden">kept in a file</span>
    </span>
  );
}

export function NewButton({
  href,
  refusal,
  children,
}: {
  href: string;
  refusal: string;
  children: ComponentChildren;
}) {
  return refusal ? (
    <Button icon="plus" refusal={refusal}>
      {children}
    </Button>
  ) : (
    <LinkButton kind="primary" icon="plus" href={href}>
      {children}
    </LinkButton>
  );
}
