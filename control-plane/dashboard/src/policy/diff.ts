// What tells two texts apart, line by line.

export interface Line {
  kind: "same" | "added" | "removed";
  text: string;
}

/** The table has the product of both lengths; longer texts are shown as replaced as a whole. */
const MAX_CELLS = 4_000_000;

export function diffLines(before: string, after: string): Line[] {
  const a = before === "" ? [] : before.replace(/\n$/, "").split("\n");
  const b = after === "" ? [] : after.replace(/\n$/, "").split("\n");
  if (a.length * b.length > MAX_CELLS) {
    return [
      ...a.map(text => ({ kind: "removed" as const, text })),
      ...b.map(text => ({ kind: "added" as const, text })),
    ];
  }
  const width = b.length + 1;
  // Lengths of the longest common rest from each pair of places on.
  const rest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => rest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      rest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i] ?? "" });
      i++;
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "removed", text: a[i] ?? "" });
      i++;
    } else {
      lines.push({ kind: "added", text: b[j] ?? "" });
      j++;
    }
  }
  return lines;
}

/** Long stretches of lines that are the same, left out but for `around` lines; `null` = left out. */
export function folded(lines: readonly Line[], around = 3): (Line | null)[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some(line => line.kind !== "same"),
  );
  const shown: (Line | null)[] = [];
  lines.forEach((line, index) => {
    if (near[index]) {
      shown.push(line);
    } else if (shown.at(-1) !== null) {
      shown.push(null);
    }
  });
  return shown;
}
