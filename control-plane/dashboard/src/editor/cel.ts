// CEL, for highlighting: words, texts, numbers, comments.

import { StreamLanguage } from "@codemirror/language";

const KEYWORDS = new Set(["in", "true", "false", "null"]);
const NAMED = /^[A-Za-z_][\w]*/;

export const cel = StreamLanguage.define<{ open: string }>({
  name: "cel",
  startState: () => ({ open: "" }),
  token(stream, state) {
    if (state.open) {
      while (!stream.eol()) {
        if (stream.match(state.open)) {
          state.open = "";
          break;
        }
        if (stream.next() === "\\") {
          stream.next();
        }
      }
      return "string";
    }
    if (stream.eatSpace()) {
      return null;
    }
    if (stream.match("//")) {
      stream.skipToEnd();
      return "comment";
    }
    const quote = stream.match(/^[rRbB]{0,2}("""|'''|"|')/) as RegExpMatchArray | null;
    if (quote?.[1]) {
      state.open = quote[1];
      while (!stream.eol()) {
        if (stream.match(state.open)) {
          state.open = "";
          break;
        }
        if (stream.next() === "\\") {
          stream.next();
        }
      }
      return "string";
    }
    if (stream.match(/^\d+(\.\d+)?([eE][+-]?\d+)?u?/)) {
      return "number";
    }
    const word = stream.match(NAMED) as RegExpMatchArray | null;
    if (word) {
      if (KEYWORDS.has(word[0])) {
        return "keyword";
      }
      return stream.peek() === "(" ? "function" : "variableName";
    }
    stream.next();
    return "operator";
  },
  tokenTable: {},
});
