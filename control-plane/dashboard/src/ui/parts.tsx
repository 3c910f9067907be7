// The small pieces that pages are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { isAction } from "../api/types";
import { ago, dateTime } from "../format/time";
import { Ticks } from "./ticks";

interface CardProps {
  title: string;
  actions?: ComponentChildren;
  /** Without space around what is in it: tables. */
  flush?: boolean;
  span?: 4 | 5 | 6 | 7 | 8;
  children: ComponentChildren;
}

export function Card({ title, actions, flush = false, span, children }: CardProps) {
  const id = useId();
  return (
    <section class={span ? `card span-${span}` : "card"} aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        {actions && <div class="actions">{actions}</div>}
      </div>
      <div class={flush ? "card-body flush" : "card-body"}>{children}</div>
    </section>
  );
}

interface PageHeadProps {
  title: ComponentChildren;
  /** What the page is part of. */
  crumb?: ComponentChildren;
  lead?: ComponentChildren;
  children?: ComponentChildren;
}

export function PageHead({ title, crumb, lead, children }: PageHeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ""} · Countersign`;
  });
  return (
    <div class="page-head">
      <div class="lead">
        {crumb && <div class="crumb">{crumb}</div>}
        <h1 ref={heading}>{title}</h1>
        {lead && <p>{lead}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </div>
  );
}

export function ActionTag({ action }: { action: string }) {
  return (
    <span class="tag">
      {isAction(action) && <span class={`swatch ${action}`} aria-hidden="true" />}
      {action || "none"}
    </span>
  );
}

export type Tone = "good" | "warn" | "bad" | "info" | "";

export function Tag({ tone = "", children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}

const VERDICT_TONE: Record<string, Tone> = { ALLOW: "good", CHALLENGE: "info", BLOCK: "bad" };

export function VerdictTag({ verdict }: { verdict: string }) {
  return <Tag tone={VERDICT_TONE[verdict] ?? ""}>{verdict || "none"}</Tag>;
}

/** A time as a distance, with the moment itself for whoever points at it. */
export function When({ time, now }: { time: string | null | undefined; now: number }) {
  return (
    <time dateTime={time ?? undefined} title={dateTime(time)} class="nowrap">
      {ago(time, now)}
    </time>
  );
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  fault?: string;
  children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ComponentChildren;
  wide?: boolean;
}

export function Field({ label, hint, fault = "", children, wide = false }: FieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  const faultId = `${id}-fault`;
  const describedBy = [hint && hintId, fault && faultId].filter(Boolean).join(" ") || undefined;
  return (
    <div class={wide ? "field full" : "field"}>
      <label for={id}>{label}</label>
      {children({ id, describedBy, invalid: fault !== "" })}
      {hint && (
        <span class="hint" id={hintId}>
          {hint}
        </span>
      )}
      {fault && (
        <span class="fault" id={faultId}>
          <Ticks text={fault} />
        </span>
      )}
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  onChange: (value: string) => void;
  disabled?: boolean;
  hint?: ComponentChildren;
  fault?: string;
}

export function SelectField({ label, value, options, onChange, disabled = false, hint, fault }: SelectProps) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {({ id, describedBy, invalid }) => (
        <select
          class="select"
          id={id}
          value={value}
          disabled={disabled}
          aria-describedby={describedBy}
          aria-invalid={invalid ? "true" : undefined}
          onChange={event => onChange(event.currentTarget.value)}
        >
          {options.map(([word, text]) => (
            <option key={word} value={word}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface TextProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  placeholder?: string;
  hint?: ComponentChildren;
  fault?: string;
  disabled?: boolean;
  wide?: boolean;
  type?: "text" | "password" | "number" | "search" | "datetime-local";
  list?: readonly string[];
  mono?: boolean;
}

export function TextField(props: TextProps) {
  const { label, value, onInput, hint, fault, wide, list } = props;
  return (
    <Field label={label} hint={hint} fault={fault} wide={wide}>
      {({ id, describedBy, invalid }) => (
        <>
          <input
            class={props.mono ? "input mono" : "input"}
            id={id}
            type={(props.type ?? "text") as "text"}
            value={value}
            placeholder={props.placeholder}
            disabled={props.disabled}
            aria-describedby={describedBy}
            aria-invalid={invalid ? "true" : undefined}
            list={list ? `${id}-list` : undefined}
            autocomplete="off"
            spellcheck={false}
            onInput={event => onInput(event.currentTarget.value)}
          />
          {list && (
            <datalist id={`${id}-list`}>
              {list.map(word => (
                <option key={word} value={word} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

interface TabsProps {
  label: string;
  tabs: readonly { href: string; name: string; current: boolean }[];
}

/** Parts of a page, each with an address of its own. */
export function Tabs({ label, tabs }: TabsProps) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(tab => (
        <a key={tab.href} href={tab.href} aria-current={tab.current ? "page" : undefined}>
          {tab.name}
        </a>
      ))}
    </nav>
  );
}

/** A part of a whole, as wide as its share. */
export function Bar({ parts }: { parts: readonly { share: number; kind: string }[] }) {
  return (
    <span class="bar-track" aria-hidden="true">
      {parts.map(part => (
        <span
          key={part.kind}
          class={`bar-part ${part.kind}`}
          style={{ width: `${Math.max(0, Math.min(1, part.share)) * 100}%` }}
        />
      ))}
    </span>
  );
}
