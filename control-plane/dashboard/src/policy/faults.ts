// Findings, by the field of the form that they are about.

interface Finding {
  severity: string;
  message: string;
  line: number;
  column: number;
}

const KEY = /([A-Za-z_]\w*)\s*:(?=\s|$)/g;

function indent(line: string): number {
  return /^\s*/.exec(line)?.[0].length ?? 0;
}

/** The key that a place in a text belongs to: the last before it on its line, or the one that its line stands under. */
export function keyAt(text: string, line: number, column: number): string {
  const lines = text.split("\n");
  const own = lines[line - 1] ?? "";
  // A finding about a key begins at it, so that the key itself counts too.
  const keys = [...own.matchAll(KEY)].filter(match => match.index <= column - 1);
  const last = keys.at(-1)?.[1];
  if (last) {
    return last;
  }
  const depth = indent(own);
  for (let at = line - 2; at >= 0; at--) {
    const above = lines[at] ?? "";
    const key = [...above.matchAll(KEY)].at(-1)?.[1];
    if (key && (indent(above) < depth || own.trim().startsWith("-"))) {
      return key;
    }
  }
  return "";
}

/** The first error of each field. */
export function faultsByField(text: string, findings: readonly Finding[]): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const finding of findings) {
    const key =
      finding.severity === "error" && finding.line > 0 ? keyAt(text, finding.line, finding.column) : "";
    if (key) {
      faults[key] ??= finding.message;
    }
  }
  return faults;
}
