// Conditions as rows: `FIELD OPERATOR VALUE`, all of them or any of them. What no row can say stays as it was
// written, as a row of its own.

export type Type = "number" | "string" | "bool" | "reasons" | "address" | "words" | "grade";

export interface FieldInfo {
  name: string;
  label: string;
  type: Type;
  words?: readonly string[];
}

export const GRADES = ["none", "effort", "human", "possession", "uv", "uv_bound", "uv_attested"] as const;

/** What rows can ask about; the text can ask about all. */
export const FIELDS: readonly FieldInfo[] = [
  { name: "score", label: "Score", type: "number" },
  { name: "reasons", label: "Reasons", type: "reasons" },
  { name: "verdict", label: "Verdict", type: "words", words: ["ALLOW", "CHALLENGE", "BLOCK"] },
  { name: "request.url_path", label: "Path", type: "string" },
  { name: "request.host", label: "Host", type: "string" },
  { name: "request.method", label: "Method", type: "string" },
  { name: "request.query", label: "Query", type: "string" },
  { name: 'request.headers["user-agent"]', label: "User agent", type: "string" },
  { name: 'request.headers["referer"]', label: "Referer", type: "string" },
  { name: "source.address", label: "Client address", type: "address" },
  { name: "geo.country", label: "Country", type: "string" },
  { name: "geo.asn", label: "Network (ASN)", type: "number" },
  { name: "tls.ja4", label: "TLS fingerprint (JA4)", type: "string" },
  { name: "session.valid", label: "Session holds", type: "bool" },
  { name: "session.bound", label: "Session bound to its device", type: "bool" },
  { name: "session.assurance", label: "Session's assurance", type: "grade", words: GRADES },
  { name: "device.visitor_id", label: "Visitor id", type: "string" },
];

export const OPERATORS: Record<Type, readonly (readonly [word: string, label: string])[]> = {
  number: [
    [">=", "is at least"],
    [">", "is above"],
    ["<=", "is at most"],
    ["<", "is below"],
    ["==", "is"],
    ["!=", "is not"],
  ],
  string: [
    ["==", "is"],
    ["!=", "is not"],
    ["startsWith", "starts with"],
    ["endsWith", "ends with"],
    ["contains", "contains"],
    ["!contains", "does not contain"],
    ["matches", "matches (regular expression)"],
  ],
  words: [
    ["==", "is"],
    ["!=", "is not"],
  ],
  grade: [
    [">=", "is at least"],
    ["<", "is below"],
    ["==", "is"],
  ],
  bool: [
    ["true", "yes"],
    ["false", "no"],
  ],
  reasons: [
    ["has", "contain"],
    ["!has", "do not contain"],
  ],
  address: [
    ["in", "is in the list"],
    ["!in", "is not in the list"],
  ],
};

export type Row =
  | { kind: "test"; field: string; operator: string; value: string }
  /** CEL that no row can say. */
  | { kind: "text"; text: string };

export interface Condition {
  join: "all" | "any";
  rows: Row[];
}

export function fieldInfo(name: string): FieldInfo | undefined {
  return FIELDS.find(field => field.name === name);
}

/** A row of the field with its first operator. */
export function blankRow(field = "score"): Row {
  const type = fieldInfo(field)?.type ?? "string";
  const value = type === "number" ? "70" : (fieldInfo(field)?.words?.at(-1) ?? "");
  return { kind: "test", field, operator: OPERATORS[type][0]?.[0] ?? "==", value };
}

/** Splits at `&&` or `||` outside of brackets and quotes; `null` where both are at the top or brackets do not close. */
function split(text: string, mark: "&&" | "||"): string[] | null {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at);
    const quote = /^r?("""|'''|"|')/.exec(rest);
    const inWord = at > 0 && /[\w]/.test(text[at - 1] ?? "");
    if (quote && !(inWord && rest.startsWith("r"))) {
      const raw = rest.startsWith("r");
      const ends = quote[1] ?? '"';
      let end = at + quote[0].length;
      while (end < text.length && !text.startsWith(ends, end)) {
        end += !raw && text[end] === "\\" ? 2 : 1;
      }
      at = end + ends.length - 1;
    } else if ("([{".includes(text[at] ?? "")) {
      depth++;
    } else if (")]}".includes(text[at] ?? "")) {
      depth--;
    } else if (depth === 0 && (text[at] === "?" || rest.startsWith("//"))) {
      return null;
    } else if (depth === 0 && rest.startsWith(mark)) {
      parts.push(text.slice(from, at).trim());
      from = at + 2;
      at++;
    }
    if (depth < 0) {
      return null;
    }
  }
  parts.push(text.slice(from).trim());
  return depth === 0 ? parts : null;
}

const LITERAL = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`;
const NAME = String.raw`[a-z][\w]*(?:\.[a-z][\w]*)*(?:\["[\w-]+"\])?`;
const COMPARE = new RegExp(String.raw`^(${NAME})\s*(>=|<=|==|!=|>|<)\s*(-?\d+|${LITERAL})$`);
const CALL = new RegExp(
  String.raw`^(!?)(${NAME})\.(contains|startsWith|endsWith|matches)\(\s*(r?(?:${LITERAL}))\s*\)$`,
);
const IN_REASONS = new RegExp(String.raw`^(${LITERAL})\s+in\s+reasons$`);
const IN_LIST = /^(source\.address)\s+in\s+(lists\.\w[\w-]*)$/;

function unquote(literal: string): string | null {
  if (literal.startsWith("r")) {
    return literal.slice(2, -1);
  }
  const body = literal.slice(1, -1);
  // Escapes that no row writes stay in a row of text.
  if ([...body.matchAll(/\\(.)/gs)].some(([, escaped]) => !`"'\\`.includes(escaped ?? ""))) {
    return null;
  }
  return body.replaceAll(/\\(["'\\])/g, "$1");
}

function quote(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** A pattern reads better raw: `r"\d+"`. */
function pattern(value: string): string {
  return value.includes("\\") && !value.includes('"') ? `r"${value}"` : quote(value);
}

function readRow(part: string): Row {
  const other: Row = { kind: "text", text: part };
  const test = (field: string, operator: string, value: string | null): Row => {
    const info = fieldInfo(field);
    const known = info && OPERATORS[info.type].some(([word]) => word === operator);
    return known && value !== null ? { kind: "test", field, operator, value } : other;
  };
  const negated = /^!\s*\((.*)\)$/s.exec(part);
  if (negated?.[1] !== undefined && split(negated[1], "&&")?.length === 1) {
    const inner = readRow(negated[1].trim());
    const turned: Record<string, string> = { has: "!has", in: "!in", contains: "!contains" };
    if (inner.kind === "test" && turned[inner.operator]) {
      return { ...inner, operator: turned[inner.operator] ?? "" };
    }
    return other;
  }
  const compare = COMPARE.exec(part);
  if (compare) {
    const [, field = "", operator = "", literal = ""] = compare;
    const number = /^-?\d+$/.test(literal);
    const wants = fieldInfo(field)?.type === "number";
    return number === wants ? test(field, operator, number ? literal : unquote(literal)) : other;
  }
  const call = CALL.exec(part);
  if (call) {
    const [, not = "", field = "", operator = "", literal = ""] = call;
    return test(field, `${not}${operator}`, unquote(literal));
  }
  const reason = IN_REASONS.exec(part);
  if (reason) {
    return test("reasons", "has", unquote(reason[1] ?? ""));
  }
  const list = IN_LIST.exec(part);
  if (list) {
    return test("source.address", "in", list[2] ?? "");
  }
  const bool = /^(!?)([\w.]+)$/.exec(part);
  if (bool && fieldInfo(bool[2] ?? "")?.type === "bool") {
    return test(bool[2] ?? "", bool[1] ? "false" : "true", "");
  }
  return other;
}

/** The rows of a condition. Every condition has some: in the worst case one of text. */
export function readCondition(text: string): Condition {
  const whole = text.trim();
  if (whole === "" || whole === "true") {
    return { join: "all", rows: [] };
  }
  const any = split(whole, "||");
  const all = split(whole, "&&");
  if (any && any.length > 1) {
    return { join: "any", rows: any.map(readRow) };
  }
  return all && all.length > 1
    ? { join: "all", rows: all.map(readRow) }
    : { join: "all", rows: [readRow(whole)] };
}

function writeRow(row: Row, join: Condition["join"], alone: boolean): string {
  if (row.kind === "text") {
    const loose = split(row.text, "||");
    // Beside `&&` an `||` needs brackets, and so does what is not understood.
    const brackets = !alone && (loose === null || (join === "all" && loose.length > 1));
    return brackets ? `(${row.text})` : row.text;
  }
  const { field, operator, value } = row;
  const type = fieldInfo(field)?.type ?? "string";
  switch (type) {
    case "bool":
      return operator === "true" ? field : `!${field}`;
    case "reasons":
      return operator === "has" ? `${quote(value)} in reasons` : `!(${quote(value)} in reasons)`;
    case "address":
      return operator === "in" ? `${field} in ${value}` : `!(${field} in ${value})`;
    case "number":
      return `${field} ${operator} ${value || "0"}`;
    default:
      if (operator.endsWith("contains")) {
        return `${operator.startsWith("!") ? "!" : ""}${field}.contains(${quote(value)})`;
      }
      if (operator === "matches") {
        return `${field}.matches(${pattern(value)})`;
      }
      return /^\w+$/.test(operator)
        ? `${field}.${operator}(${quote(value)})`
        : `${field} ${operator} ${quote(value)}`;
  }
}

export function writeCondition({ join, rows }: Condition): string {
  return rows
    .map(row => writeRow(row, join, rows.length === 1))
    .filter(Boolean)
    .join(join === "all" ? " && " : " || ");
}
