/** What the demo says. Steps are numbered; a claim is printed only once it was seen to hold. */
let step = 0;

export function chapter(title: string): void {
  step += 1;
  console.log(`\n${step}. ${title}`);
}

export function say(text: string): void {
  console.log(`   ${text}`);
}

export function holds(claim: string, truth: boolean): void {
  if (!truth) throw new BrokenPromise(claim);
  console.log(`   ✓ ${claim}`);
}

export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  for (const text of [
    line(header),
    line(widths.map((width) => "─".repeat(width))),
    ...rows.map(line),
  ]) {
    console.log(`   ${text}`);
  }
}
