import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { exitCodes } from "@nexus-mesh/cli/exit-code";
import { handlerErrors } from "@nexus-mesh/sdk/protocol/handler-errors";
import { errorCodes } from "../../gateway/src/api-error.ts";
import { permissions } from "../../gateway/src/identity/permissions.ts";
import { createMetrics } from "../../gateway/src/metrics.ts";

/** The README's tables that follow from the code. `npx tsx test/tooling/readme-tables.ts` writes them anew. */
const readme = fileURLToPath(new URL("../../README.md", import.meta.url));

export async function readReadme(): Promise<string> {
  return readFile(readme, "utf8");
}

export async function withFreshTables(text: string): Promise<string> {
  let fresh = text;
  for (const [name, lines] of Object.entries(await tables())) {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
    const [before, rest] = cut(fresh, begin);
    const [, after] = cut(rest, end);
    fresh = `${before}${begin}\n\n${lines.join("\n")}\n\n${end}${after}`;
  }
  return format(fresh, { parser: "markdown", printWidth: 100 });
}

async function tables(): Promise<Record<string, string[]>> {
  return {
    roles: [
      row("may call", "admin", "owner", "caller", "handler", "viewer"),
      row("---", ":-:", ":-:", ":-:", ":-:", ":-:"),
      ...Object.entries(permissions).map(([operationId, allowed]) => {
        const may = (role: string): string => (allowed.some((one) => one === role) ? "✓" : "");
        return row(
          `\`${operationId}\``,
          ...["admin", "owner", "caller", "handler", "viewer"].map(may),
        );
      }),
    ],
    errors: [
      row("code", "status", "on Nexus paths", "retryable", "meaning"),
      row("---", "---", "---", ":-:", "---"),
      ...Object.entries(errorCodes).map(([code, { status, nexus, retryable, title }]) =>
        row(`\`${code}\``, String(status), nexus, retryable ? "✓" : "", title),
      ),
    ],
    "handler errors": [
      row("a handler's `HandlerError`", "status", "tried again"),
      row("---", "---", ":-:"),
      ...Object.entries(handlerErrors).map(([type, { status, retryable }]) =>
        row(`\`${type}\``, String(status), retryable ? "✓" : ""),
      ),
    ],
    "exit codes": [
      row("exit code", "meaning"),
      row("---", "---"),
      ...Object.values(exitCodes).map(({ code, meaning }) => row(String(code), meaning)),
    ],
    ...(await exampleFiles("contract.ts", "handler.ts", "caller.ts", "worker.ts")),
    metrics: [
      row("metric", "type", "labels", "meaning"),
      row("---", "---", "---", "---"),
      ...(await metricRows()),
    ],
  };
}

/** The tutorial's code is the code in examples/hello, so that both are compiled and run. */
async function exampleFiles(...names: string[]): Promise<Record<string, string[]>> {
  const files = names.map(async (name): Promise<[string, string[]]> => {
    const path = `examples/hello/${name}`;
    const text = await readFile(new URL(`../../${path}`, import.meta.url), "utf8");
    return [path, ["```ts", `// ${name}`, text.trimEnd(), "```"]];
  });
  return Object.fromEntries(await Promise.all(files));
}

async function metricRows(): Promise<string[]> {
  const { registry } = createMetrics();
  return registry.getMetricsAsArray().map((metric) => {
    // prom-client types neither of the two on its metric classes; both are always there.
    const { labelNames = [] } = metric as unknown as { labelNames?: string[] };
    const type = metric.constructor.name.toLowerCase();
    return row(`\`${metric.name}\``, type, labelNames.join(", "), metric.help);
  });
}

function row(...cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function cut(text: string, at: string): [before: string, after: string] {
  const index = text.indexOf(at);
  if (index < 0) throw new Error(`README.md has no line "${at}"`);
  return [text.slice(0, index), text.slice(index + at.length)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(readme, await withFreshTables(await readReadme()));
}
