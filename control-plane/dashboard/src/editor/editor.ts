// The editor itself. Loaded by pages that have one, and only then.
//
// It lives in a shadow root: there its styles are adopted sheets, which the content security policy permits,
// while in the document they would be an inline `<style>`.

import {
  autocompletion,
  type CompletionContext,
  closeBrackets,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import {
  lintGutter,
  lintKeymap,
  type Diagnostic as Mark,
  nextDiagnostic,
  setDiagnostics,
} from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Finding, Language } from "../api/calls";
import { offer } from "./complete";
import { yamlWithConditions } from "./language";
import { span } from "./places";

const theme = EditorView.theme({
  "&": {
    height: "100%",
    color: "var(--text)",
    backgroundColor: "var(--surface)",
    fontSize: "13px",
  },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)",
  },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent) !important",
  },
  ".cm-tooltip": {
    border: "1px solid var(--line)",
    borderRadius: "6px",
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    boxShadow: "0 6px 20px rgb(10 14 20 / 0.18)",
    fontSize: "12.5px",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "15em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "2px 8px !important" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent-fill) !important",
    color: "var(--on-accent) !important",
  },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.8", marginLeft: "12px" },
  ".cm-completionInfo": { padding: "6px 9px", maxWidth: "300px", fontFamily: "var(--font)" },
  ".cm-diagnostic": {
    padding: "5px 10px",
    fontFamily: "var(--font)",
    whiteSpace: "pre-wrap",
    maxWidth: "460px",
  },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad)",
    textUnderlineOffset: "3px",
    textDecorationSkipInk: "none",
  },
  ".cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--warn)",
    textUnderlineOffset: "3px",
    textDecorationSkipInk: "none",
  },
  ".cm-lint-marker": { width: "8px", height: "8px", borderRadius: "50%", content: "none" },
  ".cm-lint-marker-error": { backgroundColor: "var(--bad)", content: "none" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--warn)", content: "none" },
  ".cm-gutter-lint": { width: "16px" },
  ".cm-gutter-lint .cm-gutterElement": { display: "grid", placeItems: "center", padding: "0" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--syntax-key)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--syntax-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--syntax-number)" },
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--syntax-word)", fontWeight: "600" },
  { tag: [tags.function(tags.variableName), tags.standard(tags.variableName)], color: "var(--syntax-word)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--syntax-comment)", fontStyle: "italic" },
  { tag: [tags.operator, tags.punctuation, tags.separator], color: "var(--muted)" },
]);

export interface EditorOptions {
  host: HTMLElement;
  text: string;
  label: string;
  readOnly: boolean;
  language: () => Language | undefined;
  onChange: (text: string) => void;
}

export interface EditorHandle {
  setText: (text: string) => void;
  setFindings: (findings: readonly Finding[]) => void;
  setReadOnly: (readOnly: boolean) => void;
  goTo: (line: number, column: number) => void;
  destroy: () => void;
}

function completion(language: () => Language | undefined) {
  return (context: CompletionContext) => {
    const offered = offer(context.state.doc.toString(), context.pos, language());
    if (!offered || (!context.explicit && offered.from === context.pos && !context.matchBefore(/[.:\s]$/))) {
      return null;
    }
    return {
      from: offered.from,
      options: offered.options.map(option => ({
        label: option.label,
        type: option.type,
        ...(option.detail ? { detail: option.detail } : {}),
        ...(option.info ? { info: option.info } : {}),
        ...(option.apply ? { apply: option.apply } : {}),
      })),
      validFor: /^[\w.]*$/,
    };
  };
}

function marks(text: string, findings: readonly Finding[]): Mark[] {
  return findings.map(finding => {
    const { from, to } = span(
      text,
      { line: finding.line, column: finding.column },
      { line: finding.end_line, column: finding.end_column },
    );
    return { from, to, severity: finding.severity, message: [finding.message, ...finding.advice].join("\n") };
  });
}

export function createEditor(options: EditorOptions): EditorHandle {
  const root = options.host.shadowRoot ?? options.host.attachShadow({ mode: "open" });
  const editable = new Compartment();
  const fixed = (readOnly: boolean) => [EditorState.readOnly.of(readOnly)];
  let own = false;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("  "),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ override: [completion(options.language)], icons: false }),
        yamlWithConditions(),
        syntaxHighlighting(colours),
        theme,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", tabindex: "0" }),
        editable.of(fixed(options.readOnly)),
        // Tab moves on, as everywhere on a page: an editor must not be a trap. F8 goes to the next finding.
        keymap.of([
          ...completionKeymap,
          ...historyKeymap,
          ...lintKeymap,
          ...defaultKeymap,
          { key: "F8", run: nextDiagnostic },
        ]),
        EditorView.updateListener.of(update => {
          if (update.docChanged && !own) {
            options.onChange(update.state.doc.toString());
          }
        }),
      ],
    }),
  });
  return {
    setText(text) {
      const before = view.state.doc.toString();
      if (before !== text) {
        own = true;
        view.dispatch({ changes: minimal(before, text) });
        own = false;
      }
    },
    setFindings(findings) {
      view.dispatch(setDiagnostics(view.state, marks(view.state.doc.toString(), findings)));
    },
    setReadOnly(readOnly) {
      view.dispatch({ effects: editable.reconfigure(fixed(readOnly)) });
    },
    goTo(line, column) {
      const text = view.state.doc.toString();
      const { from } = span(text, { line, column }, { line: 0, column: 0 });
      view.dispatch({
        selection: { anchor: from },
        effects: EditorView.scrollIntoView(from, { y: "center" }),
      });
      view.focus();
    },
    destroy() {
      view.destroy();
    },
  };
}

/** The change between two texts without what both begin and end with: the cursor stays where it is. */
function minimal(before: string, after: string): { from: number; to: number; insert: string } {
  let from = 0;
  while (from < before.length && from < after.length && before[from] === after[from]) {
    from++;
  }
  let to = before.length;
  let end = after.length;
  while (to > from && end > from && before[to - 1] === after[end - 1]) {
    to--;
    end--;
  }
  return { from, to, insert: after.slice(from, end) };
}
