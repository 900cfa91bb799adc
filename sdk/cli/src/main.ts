import { run } from "./run.ts";

/** The `nexus-mesh` command of a terminal. */
export async function main(argv: readonly string[]): Promise<void> {
  process.exitCode = await run(argv.slice(2), {
    stdout: (chunk) => process.stdout.write(chunk),
    stderr: (text) => process.stderr.write(text),
    stdin: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    env: process.env,
    progressInPlace: process.stderr.isTTY,
  });
}
