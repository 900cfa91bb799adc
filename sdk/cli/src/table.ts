import { printable } from "./printable.ts";

export type Cell = string | number | boolean | null | undefined;

/** Left-aligned columns two spaces apart; nothing at the end of a line, so that it can be cut and pasted. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(text))];
  const widths = headings.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? "").length)),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** One thing with its fields, a line each. */
export function fields(of: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...of.map(([name]) => name.length));
  return `${of.map(([name, value]) => `${name.padEnd(width)}  ${text(value)}`.trimEnd()).join("\n")}\n`;
}

function text(cell: Cell): string {
  if (cell === null || cell === undefined || cell === "") return "-";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  return String(cell).split("\n").map(printable).join("\n");
}
