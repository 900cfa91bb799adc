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
  readonly outputOnTerminal?: boolean;
  readonly columns?: number;
  /** Ctrl-C is pressed when it is aborted. */
  readonly interrupt?: AbortSignal;
  /** Sees all that is written, of both streams, as a terminal does. */
  readonly screen?: (text: string) => void;
}

/** One command line in this process, with a terminal of its own. */
export async function runCli(
  args: readonly string[],
  {
    env = {},
    stdin = "",
    progressInPlace = false,
    outputOnTerminal = progressInPlace,
    columns = 80,
    interrupt,
    screen = () => undefined,
  }: CliSetting = {},
): Promise<CliRun> {
  const out: Buffer[] = [];
  let stderr = "";
  const code = await run(args, {
    stdout: (chunk) => {
      out.push(Buffer.from(chunk));
      screen(String(chunk));
    },
    stderr: (text) => {
      stderr += text;
      screen(text);
    },
    stdin: () => Promise.resolve(Buffer.from(stdin)),
    env,
    progressInPlace,
    outputOnTerminal,
    columns: () => columns,
    onInterrupt: (listener) => {
      interrupt?.addEventListener("abort", listener, { once: true });
      return () => interrupt?.removeEventListener("abort", listener);
    },
  });
  const bytes = Buffer.concat(out);
  return { code, stdout: bytes.toString(), stderr, bytes };
}
