// Places of findings: the API counts lines and characters from 1, an editor code units from 0.

export interface Place {
  line: number;
  column: number;
}

/** Code units before the `column`th character of a line; a character can have two. */
function unitsBefore(line: string, column: number): number {
  let units = 0;
  let left = column - 1;
  for (const character of line) {
    if (left <= 0) {
      break;
    }
    units += character.length;
    left--;
  }
  return units;
}

/** The offset of a place in a text; a place behind the end is the end. */
export function offsetOf(text: string, { line, column }: Place): number {
  let start = 0;
  for (let number = 1; number < line; number++) {
    const end = text.indexOf("\n", start);
    if (end < 0) {
      return text.length;
    }
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  return start + unitsBefore(text.slice(start, end < 0 ? undefined : end), column);
}

/** What to underline: never nothing, so that a place between two characters shows too. */
export function span(text: string, begin: Place, end: Place): { from: number; to: number } {
  if (begin.line === 0) {
    return { from: 0, to: Math.min(1, text.length) };
  }
  const from = offsetOf(text, begin);
  const to = end.line === 0 ? from : offsetOf(text, end);
  if (to > from) {
    return { from, to };
  }
  return from < text.length && text[from] !== "\n"
    ? { from, to: from + 1 }
    : { from: Math.max(0, from - 1), to: from };
}
