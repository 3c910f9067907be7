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

interface NewProps {
  href: string;
  refusal: string;
  children: ComponentChildren;
  /** One of many on its page. */
  quiet?: boolean;
}

export function NewButton({ href, refusal, children, quiet = false }: NewProps) {
  return refusal ? (
    <Button icon="plus" compact={quiet} refusal={refusal}>
      {children}
    </Button>
  ) : (
    <LinkButton {...(quiet ? {} : { kind: "primary" })} compact={quiet} icon="plus" href={href}>
      {children}
    </LinkButton>
  );
}
