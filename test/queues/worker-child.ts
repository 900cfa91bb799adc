import { createWorker } from "@nexus-mesh/sdk/worker";
import { serviceHandler } from "nexus-rpc";
import { jobs } from "./contract.ts";

/** A worker in a process of its own, for tests that kill it. It says what it does on stdout. */
const { url, token, leaseMs, drainMs } = JSON.parse(process.argv[2] ?? "") as {
  url: string;
  token: string;
  leaseMs: number;
  drainMs: number;
};
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const handler = serviceHandler(jobs, {
  echo: (_ctx, text) => Promise.resolve({ text, caller: "" }),
  /** "slow" ends half a second after the SIGTERM; anything else never does. */
  long: (_ctx, text) => {
    say(`runs ${text}`);
    return new Promise((resolve) => {
      process.once("SIGTERM", () => {
        if (text === "slow") setTimeout(resolve, 500, "ended in the drain");
      });
    });
  },
  later: () => Promise.resolve(""),
  fail: () => Promise.resolve(""),
});
const worker = createWorker({
  url,
  token,
  namespace: "insights",
  queue: "renders",
  services: [handler],
  leaseMs,
  drainMs,
  name: "child",
  onError: (error) => {
    say(`error ${String(error)}`);
  },
});
process.once("SIGTERM", () => void worker.drain());
await worker.run();
say("drained");
process.exit(0);
