import { createWorker } from "@nexus-mesh/sdk/worker";
import { operation, service, serviceHandler } from "nexus-rpc";

export interface BenchWorker {
  /** Of the gateway that it polls. */
  readonly url: string;
  readonly token: string;
  readonly queue: string;
}

export const tasks = service("tasks", {
  echo: operation<unknown, unknown>(),
  /** Answers when it was entered, by the machine's monotonic clock, in ns: all processes share it. */
  enter: operation<null, string>(),
});

/** The SDK's worker with handlers that do nothing. It ends with its process. */
export function startBenchWorker({ url, token, queue }: BenchWorker): string {
  const worker = createWorker({
    url,
    token,
    namespace: "team",
    queue,
    slots: 64,
    services: [
      serviceHandler(tasks, {
        echo: (_ctx, input) => Promise.resolve(input),
        enter: () => Promise.resolve(String(process.hrtime.bigint())),
      }),
    ],
  });
  void worker.run();
  return url;
}
