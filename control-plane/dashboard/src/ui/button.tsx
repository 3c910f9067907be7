// Buttons, and links that look like them.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon, type IconName } from "./icon";

interface Look {
  kind?: "primary" | "danger" | "quiet";
  icon?: IconName;
  compact?: boolean;
}

interface ButtonProps extends Look {
  children?: ComponentChildren;
  onClick?: () => void;
  submit?: boolean;
  /** What it does, where it shows only an icon. */
  label?: string;
  /** Why it cannot be pressed now; it stays in the tab order, so that everybody can learn why. */
  refusal?: string;
  busy?: boolean;
  pressed?: boolean;
  expanded?: boolean;
}

function look({ kind, compact }: Look, iconOnly: boolean): string {
  return ["button", kind, compact && "compact", iconOnly && "icon-only"].filter(Boolean).join(" ");
}

export function Button(props: ButtonProps) {
  const { children, icon, label, refusal = "", busy = false } = props;
  const id = useId();
  const iconOnly = children === undefined;
  const off = refusal !== "" || busy;
  const button = (
    <button
      type={props.submit ? "submit" : "button"}
      class={look(props, iconOnly)}
      aria-label={label}
      title={iconOnly ? label : undefined}
      aria-disabled={off ? "true" : undefined}
      aria-busy={busy ? "true" : undefined}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-describedby={refusal ? id : undefined}
      onClick={event => {
        if (off) {
          event.preventDefault();
        } else {
          props.onClick?.();
        }
      }}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
  if (!refusal) {
    return button;
  }
  return (
    <span class="with-reason">
      {button}
      <span class="reason" role="tooltip" id={id}>
        {refusal}
      </span>
    </span>
  );
}

interface LinkProps extends Look {
  href: string;
  children: ComponentChildren;
}

export function LinkButton(props: LinkProps) {
  return (
    <a class={look(props, false)} href={props.href}>
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </a>
  );
}
