import { run } from "../../sdk/cli/src/run.ts";

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The bytes of stdout as they were written. */
  readonly bytes: Buffer;
}

export interface CliSetting {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly progressInPlace?: boolean;
}

/** One command line in this process, with a terminal of its own. */
export async function runCli(
  args: readonly string[],
  { env = {}, stdin = "", progressInPlace = false }: CliSetting = {},
): Promise<CliRun> {
  const out: Buffer[] = [];
  let stderr = "";
  const code = await run(args, {
    stdout: (chunk) => out.push(Buffer.from(chunk)),
    stderr: (text) => {
      stderr += text;
    },
    stdin: () => Promise.resolve(Buffer.from(stdin)),
    env,
    progressInPlace,
  });
  const bytes = Buffer.concat(out);
  return { code, stdout: bytes.toString(), stderr, bytes };
}
