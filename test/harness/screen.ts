/** A terminal as wide as `columns`, as far as the CLI writes to one: `\r`, `\n`, colors, and erasing to the line's end. */
export interface Screen {
  write(text: string): void;
  /** What stands on it now, without colors and without the empty line at the end. */
  lines(): string[];
  /** Each content that the last line has had, in order. */
  readonly drawn: readonly string[];
}

/** Throws at what it does not know, and at a character beyond the last column: there a terminal begins a line. */
export function createScreen(columns: number): Screen {
  const above: string[] = [];
  const drawn: string[] = [];
  let line = "";
  let at = 0;
  return {
    write(text) {
      const pieces = text.match(/\u001b\[[0-9;]*[A-Za-z]|\r|\n|[^\u001b\r\n]+|\u001b/g) ?? [];
      for (const piece of pieces) {
        if (piece === "\n") {
          above.push(line);
          line = "";
          at = 0;
        } else if (piece === "\r") at = 0;
        else if (piece === "\u001b[K") line = line.slice(0, at);
        else if (piece.startsWith("\u001b")) {
          if (!piece.endsWith("m")) throw new Error(`a terminal was sent ${JSON.stringify(piece)}`);
        } else {
          line = line.slice(0, at) + piece;
          at = line.length;
          drawn.push(line);
        }
      }
      const last = drawn.at(-1) ?? "";
      if (text.includes("\u001b[K") && last.length > columns)
        throw new Error(`a live line of ${last.length} characters on ${columns} columns: ${last}`);
    },
    lines: () => (line === "" ? [...above] : [...above, line]),
    drawn,
  };
}
