import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { Connection } from "@temporalio/client";
import { waitFor } from "../../harness/wait-for.ts";

/** How to reach a dev server; plain data, for it crosses from the global setup to the test files. */
export interface TemporalAddress {
  /** gRPC, `host:port`. */
  readonly grpc: string;
  /** The frontend's HTTP API. */
  readonly http: string;
}

export interface TemporalServer extends TemporalAddress {
  close(): Promise<void>;
}

export const namespaces = { caller: "caller", handler: "handler" } as const;

/** A dev server of its own, on free ports, with both namespaces ready to be used. */
export async function startTemporalServer(binary: string): Promise<TemporalServer> {
  const [grpcPort, httpPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const http = `http://127.0.0.1:${httpPort}`;
  const template = JSON.stringify(`${http}/namespaces/{{.NamespaceName}}/nexus/callback`);
  const anyone = '[{"Pattern":"*","AllowInsecure":true}]';
  // Each setting twice: the servers have two implementations, which of them runs an operation depends on the version.
  const dynamic = [
    `component.nexusoperations.callback.endpoint.template=${template}`,
    `nexusoperation.callback.endpoint.template=${template}`,
    `component.callbacks.allowedAddresses=${anyone}`,
    `callback.allowedAddresses=${anyone}`,
  ];
  const child = spawn(
    binary,
    [
      ...["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"],
      ...["--port", String(grpcPort), "--http-port", String(httpPort)],
      ...["--metrics-port", String(metricsPort)],
      ...Object.values(namespaces).flatMap((name) => ["--namespace", name]),
      ...dynamic.flatMap((setting) => ["--dynamic-config-value", setting]),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  const keep = (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let ended = false;
  const exited = once(child, "exit").then(() => (ended = true));
  const grpc = `127.0.0.1:${grpcPort}`;
  await waitFor(
    "a Temporal server to be ready",
    () => {
      if (ended) throw new Error(`the Temporal server ended:\n${log}`);
      return isReady(grpc);
    },
    { ms: 30_000, every: 200 },
  );
  return {
    grpc,
    http,
    async close() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await exited;
      clearTimeout(late);
    },
  };
}

async function isReady(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1_000 });
    try {
      for (const namespace of Object.values(namespaces))
        await connection.workflowService.describeNamespace({ namespace });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    // Not listening yet, or the namespace is not known to every part of it.
    return false;
  }
}
