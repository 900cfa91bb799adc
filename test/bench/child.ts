import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Role } from "./bench-child.ts";

export interface Child {
  readonly url: string;
  readonly pid: number;
  /** CPU time used so far, in µs. */
  cpu(): Promise<number>;
  stop(): Promise<void>;
}

export async function startChild(role: Role, profile?: string): Promise<Child> {
  const script = fileURLToPath(new URL("./bench-child.ts", import.meta.url));
  const child = fork(script, [JSON.stringify(role)], {
    execArgv: [
      ...["--import", "tsx"],
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
    ],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const [hello] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error(`the ${role.kind} ended before it listened`);
    }),
  ])) as [{ url: string }];
  const { pid } = child;
  if (pid === undefined) throw new Error(`the ${role.kind} has no pid`);
  return {
    url: hello.url,
    pid,
    async cpu() {
      const answer = once(child, "message");
      child.send("cpu");
      const [message] = (await answer) as [{ cpu: number }];
      return message.cpu;
    },
    async stop() {
      const exit = once(child, "exit");
      child.send("stop");
      await exit;
    },
  };
}
