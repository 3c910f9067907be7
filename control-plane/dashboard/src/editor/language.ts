// YAML whose conditions are CEL.

import { yamlLanguage } from "@codemirror/lang-yaml";
import { LanguageSupport } from "@codemirror/language";
import { parseMixed, type SyntaxNodeRef } from "@lezer/common";
import { cel } from "./cel";

/** The fields that hold an expression. */
const EXPRESSIONS = new Set(["when", "nodes"]);
const VALUES = new Set(["Literal", "QuotedLiteral", "BlockLiteralContent"]);

/** The key that a value belongs to, if it is a value. */
function keyOf(node: SyntaxNodeRef, read: (from: number, to: number) => string): string {
  let value = node.node;
  if (value.name === "BlockLiteralContent" && value.parent) {
    value = value.parent;
  }
  const pair = value.parent;
  if (pair?.name !== "Pair") {
    return "";
  }
  const key = pair.getChild("Key");
  return key ? read(key.from, key.to).replaceAll(/["'\s]/g, "") : "";
}

const mixed = yamlLanguage.configure({
  wrap: parseMixed((node, input) => {
    if (!VALUES.has(node.name) || !EXPRESSIONS.has(keyOf(node, (from, to) => input.read(from, to)))) {
      return null;
    }
    // The quotes are YAML's.
    const overlay =
      node.name === "QuotedLiteral"
        ? [{ from: node.from + 1, to: Math.max(node.from + 1, node.to - 1) }]
        : undefined;
    return overlay ? { parser: cel.parser, overlay } : { parser: cel.parser };
  }),
});

export function yamlWithConditions(): LanguageSupport {
  return new LanguageSupport(mixed);
}
