import { randomUUID } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from "@temporalio/worker";
import { inject } from "vitest";
import type { TemporalVersion } from "../install-temporal.ts";
import type { namespaces } from "./temporal-server.ts";

Runtime.install({ logger: new DefaultLogger("ERROR") });

/** A namespace of a Temporal server with a worker that runs workflows.ts, and a client. */
export interface TemporalTeam {
  readonly client: Client;
  readonly taskQueue: string;
  /** Where this team's services are over plain HTTP: the target of an endpoint of the mesh. */
  readonly targetUrl: string;
  /** Makes an endpoint of that server; returns its name. */
  externalEndpoint(url: string): Promise<string>;
  close(): Promise<void>;
}

export async function startTemporalTeam(
  version: TemporalVersion,
  namespace: keyof typeof namespaces,
  nexusServices: NonNullable<WorkerOptions["nexusServices"]> = [],
): Promise<TemporalTeam> {
  const temporal = inject("temporal");
  if (temporal === null) throw new Error("there are no Temporal servers");
  const address = temporal.servers[version];
  const taskQueue = `tests-${randomUUID()}`;
  const native = await NativeConnection.connect({ address: address.grpc });
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    workflowBundle: { codePath: temporal.bundlePath },
    nexusServices,
    shutdownGraceTime: 0,
  });
  const running = worker.run();
  const connection = await Connection.connect({ address: address.grpc });
  return {
    client: new Client({ connection, namespace }),
    taskQueue,
    targetUrl: `${address.http}/namespaces/${namespace}/task-queues/${taskQueue}/nexus-services`,
    async externalEndpoint(url) {
      const name = `mesh-${randomUUID()}`;
      await connection.operatorService.createNexusEndpoint({
        spec: { name, target: { external: { url } } },
      });
      return name;
    },
    async close() {
      worker.shutdown();
      await running;
      await connection.close();
      await native.close();
    },
  };
}
