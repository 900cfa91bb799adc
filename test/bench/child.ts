import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Role } from "./bench-child.ts";

export interface Child {
  readonly url: string;
  readonly pid: number;
  /** CPU time used so far, in µs. */
  cpu(): Promise<number>;
  /** Resident bytes after a collection. */
  memory(): Promise<number>;
  /** Of a gateway: how often it has sent Postgres the statement of this name so far. */
  statements(name: string): Promise<number>;
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
  const ask = async (question: string): Promise<number> => {
    const answer = once(child, "message");
    child.send(question);
    const [message] = (await answer) as [{ answer: number }];
    return message.answer;
  };
  return {
    url: hello.url,
    pid,
    cpu: () => ask("cpu"),
    memory: () => ask("memory"),
    statements: (name) => ask(`statements ${name}`),
    async stop() {
      const exit = once(child, "exit");
      child.send("stop");
      await exit;
    },
  };
}
