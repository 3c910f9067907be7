// One resource: its text with the server's findings, and for a policy the form beside it.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { language, resource as readResource } from "../../api/calls";
import type { Applied, Resource } from "../../api/types";
import { whyNot } from "../../app/session";
import { say } from "../../app/toasts";
import TextEditor from "../../editor/text-editor";
import { plural } from "../../format/numbers";
import { KINDS, type Kind, NEW, newPath, POLICY } from "../../policy/kinds";
import { useLive, useNow } from "../../state/live";
import { address } from "../../state/query";
import { useQuery } from "../../state/use-query";
import { Button, LinkButton } from "../../ui/button";
import { DeleteDialog } from "../../ui/delete-dialog";
import { PageHead, When } from "../../ui/parts";
import { SaveDialog } from "../../ui/save-dialog";
import { Answered, Banner, Empty } from "../../ui/states";
import { FormCard } from "../policies/form-card";
import { Findings, useCheck } from "./findings";

const WIDE = 1280;

export default function EditResource() {
  const { path } = useLocation();
  const { params } = useRoute();
  const kind = KINDS.find(one => path.startsWith(`${one.path}/`)) ?? POLICY;
  const { values } = useQuery();
  const name = params["name"] ?? "";
  const wanted = name === NEW ? values["from"] : name;
  const found = useLive(`resource ${kind.kind} ${name} ${wanted ?? ""}`, signal =>
    readResource(kind.kind, wanted, signal),
  );
  return (
    <Answered live={found} lines={10}>
      {data => <Found key={path} kind={kind} name={name} data={data} reload={found.reload} />}
    </Answered>
  );
}

interface FoundProps {
  kind: Kind;
  name: string;
  data: { revision: string; resource: Resource | undefined };
  reload: () => void;
}

function Found({ kind, name, data, reload }: FoundProps) {
  // A resource may be called `new`; where none is, who writes the address by hand means another one.
  const making = name === NEW || (name === "new" && !data.resource);
  if (!making && !data.resource) {
    return (
      <>
        <PageHead title={name} crumb={<a href={kind.path}>{kind.many}</a>} />
        <Empty
          icon="search"
          title={`There is no ${kind.one} ${name}`}
          action={<LinkButton href={kind.path}>All {kind.many}</LinkButton>}
        >
          It may have been deleted. The history has every former revision.
        </Empty>
      </>
    );
  }
  return making ? (
    <Editing kind={kind} copied={data.resource} revision={data.revision} reload={reload} />
  ) : (
    <Editing kind={kind} resource={data.resource} revision={data.revision} reload={reload} />
  );
}

type View = "form" | "text" | "both";

interface EditingProps {
  kind: Kind;
  /** The one that is edited; none where a new one is made. */
  resource?: Resource | undefined;
  /** What a new one begins as. */
  copied?: Resource | undefined;
  revision: string;
  reload: () => void;
}

function Editing({ kind, resource, copied, revision, reload }: EditingProps) {
  const { route } = useLocation();
  const query = useQuery();
  const reason = query.values["reason"] ?? "";
  const template = useMemo(
    () => (copied ? renamed(copied.source, `${copied.name}-copy`) : overriding(kind.template, reason)),
    [kind, copied, reason],
  );
  const origin = resource?.source ?? template;
  const [text, setText] = useState(origin);
  // What was saved is no change any more, also before it is read again.
  const [stored, setStored] = useState<{ text: string; origin: string }>();
  const [base, setBase] = useState(revision);
  const [dialog, setDialog] = useState<"save" | "delete">();
  const [saved, setSaved] = useState<Applied>();
  const [target, setTarget] = useState<{ line: number; column: number }>();
  const { checked, failed } = useCheck(text);
  const known = useLive("language", signal => language(signal));
  const now = useNow(10_000);

  const isPolicy = kind.kind === POLICY.kind;
  const asked = query.values["view"] as View | undefined;
  const view: View = isPolicy ? (asked ?? (innerWidth >= WIDE ? "both" : "form")) : "text";
  const inFile = resource?.origin === "files";
  const role = whyNot("editor");
  const readOnly = inFile || role !== "";
  const unread = stored?.text === text && stored.origin === origin;
  const dirty = text !== origin && !unread;
  const findings = checked?.text === text ? checked.findings : [];
  const errors = findings.filter(one => one.severity === "error").length;

  const asks = useLeaveGuard(dirty && !readOnly);

  const refusal = inFile
    ? `kept in the file ${resource?.file ?? ""}; change it there`
    : role ||
      (resource && !dirty
        ? "nothing was changed"
        : errors > 0
          ? `${plural(errors, "error")} to mend first`
          : "");

  const onSaved = (applied: Applied) => {
    setDialog(undefined);
    setSaved(applied);
    setStored({ text, origin });
    // At once: the address is the new one before this page is drawn again.
    asks.current = false;
    say(applied.revision ? `Saved as revision ${applied.revision.revision}` : "Nothing was changed");
    const made = applied.changes.find(one => one.kind === kind.kind)?.name;
    if (!resource && made) {
      route(`${kind.path}/${encodeURIComponent(made)}`, true);
    }
    if (applied.revision) {
      setBase(applied.revision.revision);
    }
    reload();
  };

  return (
    <>
      <PageHead
        title={resource?.name ?? `New ${kind.one}`}
        crumb={
          <>
            {kind.path.startsWith("/policies") ? "Policies" : "Delivery"} /{" "}
            <a href={kind.path}>{kind.many}</a>
          </>
        }
        lead={
          resource && (
            <>
              Changed <When time={resource.changed} now={now} /> by {resource.author || "nobody known"}
            </>
          )
        }
      >
        {isPolicy && <ViewSwitch view={view} onChange={next => query.set({ view: next }, true)} />}
        {resource && isPolicy && (
          <LinkButton
            icon="chart"
            href={address("/dashboards/mitigation", { policy: resource.name, range: "24h" })}
          >
            Traffic
          </LinkButton>
        )}
        {resource && (
          <LinkButton icon="copy" href={address(newPath(kind), { from: resource.name })}>
            Copy
          </LinkButton>
        )}
        {resource && (
          <Button
            icon="trash"
            kind="danger"
            refusal={inFile ? `kept in the file ${resource.file}; take it out there` : role}
            onClick={() => setDialog("delete")}
          >
            Delete
          </Button>
        )}
        {dirty && !readOnly && resource && (
          <Button kind="quiet" onClick={() => setText(origin)}>
            Undo all
          </Button>
        )}
        <Button kind="primary" refusal={refusal} onClick={() => setDialog("save")}>
          Save …
        </Button>
      </PageHead>
      {inFile && (
        <Banner kind="info" title="Kept in a file.">
          <code>{resource?.file}</code>, line {resource?.line}. The control plane watches it: what is saved
          there is live at once. A copy can be made and changed here.
        </Banner>
      )}
      {!inFile && role && (
        <Banner kind="info" title="You can look, not change:">
          {role}.
        </Banner>
      )}
      {saved?.revision && !dirty && (
        <Banner
          kind="info"
          title={`Revision ${saved.revision.revision} is made.`}
          actions={
            <LinkButton compact href="/rollouts">
              Watch it reach the nodes
            </LinkButton>
          }
        >
          It is on its way to the nodes.
        </Banner>
      )}
      <NameNote text={text} resource={resource} kind={kind} />
      <div class={view === "both" ? "editing both" : "editing"}>
        {view !== "text" && (
          <FormCard
            text={text}
            setText={setText}
            readOnly={readOnly}
            named={resource !== undefined}
            known={known.data}
            findings={findings}
          />
        )}
        <div class="editing-side">
          {view !== "form" && (
            <section class="card editor-card" aria-label="Text">
              <TextEditor
                label={`${kind.one} as YAML`}
                text={text}
                readOnly={readOnly}
                findings={findings}
                language={known.data}
                onChange={setText}
                target={target}
              />
            </section>
          )}
          <Findings
            checked={checked}
            current={checked?.text === text}
            failed={failed}
            onPick={finding => {
              if (view === "form") {
                query.set({ view: "both" }, true);
              }
              setTarget({ line: finding.line, column: finding.column });
            }}
          />
        </div>
      </div>
      {dialog === "save" && (
        <SaveDialog
          text={text}
          base={base}
          title={resource ? `Save ${resource.name}` : `Save the new ${kind.one}`}
          onClose={() => setDialog(undefined)}
          onSaved={onSaved}
          onRebase={setBase}
        />
      )}
      {dialog === "delete" && resource && (
        <DeleteDialog
          resource={resource}
          base={base}
          onClose={() => setDialog(undefined)}
          onDeleted={() => route(kind.path)}
        />
      )}
    </>
  );
}

/** Another name for a copy: the first `name:` of its metadata. */
function renamed(source: string, name: string): string {
  return source.replace(/(metadata:\s*\{?\s*name:\s*)[\w.-]+/, `$1${name}`);
}

/** The template of an override, with the reason that it was asked for. */
function overriding(template: string, reason: string): string {
  if (!/^[A-Z][A-Z0-9_]*$/.test(reason)) {
    return template;
  }
  const name = reason.toLowerCase().replaceAll("_", "-");
  return template.replace(/(\n {2}reason: ).*/, `$1${reason}`).replace(/(name: )[\w-]+/, `$1${name}`);
}

function useLeaveGuard(dirty: boolean): { current: boolean } {
  const latest = useRef(dirty);
  latest.current = dirty;
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (latest.current) {
        event.preventDefault();
      }
    };
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, []);
  return latest;
}

function ViewSwitch({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  const views = [
    ["form", "Form"],
    ["text", "Text"],
    ["both", "Both"],
  ] as const;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out as a row in every browser.
    <div class="segmented" role="group" aria-label="View">
      {views.map(([word, label]) => (
        <button key={word} type="button" aria-pressed={view === word} onClick={() => onChange(word)}>
          {label}
        </button>
      ))}
    </div>
  );
}

/** Another name in the text is another resource: the first stays. */
function NameNote({ text, resource, kind }: { text: string; resource: Resource | undefined; kind: Kind }) {
  const name = useMemo(() => /^metadata:\s*(?:\{\s*|\n\s+)name:\s*["']?([\w.-]+)/m.exec(text)?.[1], [text]);
  if (!resource || !name || name === resource.name) {
    return null;
  }
  return (
    <Banner kind="warn" title="The name is another.">
      Saving makes a second {kind.one} <b>{name}</b>; <b>{resource.name}</b> stays as it is.
    </Banner>
  );
}
