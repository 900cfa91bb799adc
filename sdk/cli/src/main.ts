import { exitCodes } from "./exit-code.ts";
import { run } from "./run.ts";

/** The `nexus-mesh` command of a terminal. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever reads has seen enough: `nexus-mesh operation watch … | head -3`.
    if (error.code === "EPIPE") process.exit(exitCodes.ok.code);
    throw error;
  });
  // Progress that nobody reads any more must not cost the result.
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  process.exitCode = await run(argv.slice(2), {
    stdout: (chunk) => process.stdout.write(chunk),
    stderr: (text) => process.stderr.write(text),
    stdin: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    env: process.env,
    progressInPlace: process.stderr.isTTY && process.env["TERM"] !== "dumb",
    outputOnTerminal: process.stdout.isTTY,
    // 0 in some pseudo terminals.
    columns: () => process.stderr.columns || 80,
    onInterrupt: (listener) => {
      process.once("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
  });
}
