import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { GatewayOptions } from "@nexus-mesh/gateway/options";

/** In bytes. */
export interface Memory {
  readonly rss: number;
  /** By objects and buffers that are alive: a fourth of RSS, and steady from run to run. */
  readonly held: number;
}

export interface FuzzedGateway {
  readonly port: number;
  /** After a settling moment. */
  memory(): Promise<Memory>;
  /** Everything on stderr: Node writes there what nobody caught, and its warnings. */
  stderr(): string;
  ended(): boolean;
  stop(): Promise<void>;
}

export async function startFuzzedGateway(options: GatewayOptions): Promise<FuzzedGateway> {
  const script = fileURLToPath(new URL("./gateway-child.ts", import.meta.url));
  const child = fork(script, [JSON.stringify(options)], {
    execArgv: ["--import", "tsx", "--trace-warnings"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    // What is freed goes back to the system at once, or glibc's guesses are a fifth of what is measured.
    env: {
      ...process.env,
      ...{
        MALLOC_ARENA_MAX: "1",
        MALLOC_MMAP_THRESHOLD_: "65536",
        MALLOC_TRIM_THRESHOLD_: "65536",
      },
    },
  });
  let stderr = "";
  let over = false;
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = once(child, "exit").then(() => {
    over = true;
  });
  const message = async (): Promise<unknown> => {
    const [said] = await Promise.race([
      once(child, "message"),
      exited.then((): never => {
        throw new Error(`the gateway ended:\n${stderr}`);
      }),
    ]);
    return said;
  };
  const { url } = (await message()) as { url: string };
  return {
    port: Number(new URL(url).port),
    stderr: () => stderr,
    ended: () => over,
    async memory() {
      const answer = message();
      child.send("memory");
      return (await answer) as Memory;
    },
    async stop() {
      if (over) return;
      child.send("stop");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await exited;
      clearTimeout(late);
    },
  };
}
