import { createAdminClient, type AdminClient } from "@nexus-mesh/sdk/admin";
import { createNexusClient, type ServiceClient } from "@nexus-mesh/sdk/client";
import { decodeTaskBatch, type TaskMessage } from "@nexus-mesh/sdk/protocol/task-batch";
import type { GatewayOptions } from "../../gateway/src/options.ts";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { createDatabase } from "../harness/postgres.ts";
import { seedEndpoint, seedGrant, seedNamespace, seedToken } from "../harness/seed.ts";
import { waitFor } from "../harness/wait-for.ts";
import { callApi, type ApiReply } from "../api/call-api.ts";
import { jobs } from "./contract.ts";

export type JobsClient = ServiceClient<(typeof jobs)["operations"]>;

/** insights serves `jobs` from its queue `work`; storefront and shop may call it, at either of two gateways. */
export interface TwoGateways {
  readonly here: TestGateway;
  readonly there: TestGateway;
  readonly workerToken: string;
  readonly callerToken: string;
  client(at?: TestGateway): JobsClient;
  admin(at?: TestGateway): AdminClient;
  /** One poll as it goes over the wire. */
  poll(at: TestGateway, query?: string, more?: object): Promise<TaskMessage[]>;
  answer(
    at: TestGateway,
    verb: "complete" | "fail" | "start" | "release" | "heartbeat",
    token: string,
    body?: { json: unknown } | { raw: string },
  ): Promise<ApiReply>;
  /** Until so many polls wait at a gateway. */
  polling(at: TestGateway, count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startTwoGateways(
  options: Partial<GatewayOptions> = {},
): Promise<TwoGateways> {
  const database = await createDatabase();
  const here = await startGateway({ databaseUrl: database.url, options });
  const there = await startGateway({
    databaseUrl: database.url,
    options: { ...options, publicUrl: here.url },
  });
  for (const name of ["insights", "storefront", "shop"]) await seedNamespace(here, name);
  const endpoint = await seedEndpoint(here, { name: "jobs", owner: "insights", queue: "renders" });
  for (const caller of ["storefront", "shop"]) await seedGrant(here, endpoint, caller);
  const workerToken = await seedToken(here, "insights", "handler");
  const callerToken = await seedToken(here, "storefront");
  const { version } = here.context.registry.snapshot();
  await waitFor(
    "the other gateway to read the registry",
    () => there.context.registry.snapshot().version >= version,
  );
  return {
    here,
    there,
    workerToken,
    callerToken,
    client: (at = here) =>
      createNexusClient({ url: at.url, token: callerToken }).service({
        endpoint: "jobs",
        service: jobs,
      }),
    admin: (at = here) => createAdminClient({ url: at.url, token: callerToken }),
    async poll(at, query = "", more = {}) {
      const reply = await callApi(at.url, {
        method: "POST",
        path: `/v1/namespaces/insights/queues/renders/poll${query}`,
        token: workerToken,
        json: { worker: "by-hand", ...more },
      });
      if (reply.status === 204) return [];
      // What is compared here is text.
      return decodeTaskBatch(String(reply.headers["content-type"]), Buffer.from(reply.text));
    },
    answer: (at, verb, token, body = { raw: "" }) =>
      callApi(at.url, {
        method: "POST",
        path: `/v1/tasks/${verb}`,
        token: workerToken,
        headers: { "nexus-mesh-task-token": token, "content-type": "application/json" },
        ...body,
      }),
    polling: (at, count) =>
      waitFor(`${count} polls to wait`, async () => {
        const { values } = await at.context.metrics.pollsWaiting.get();
        return values[0]?.value === count;
      }).then(() => undefined),
    async close() {
      await there.close();
      await here.close();
      await database.drop();
    },
  };
}

export function tokenOf(task: TaskMessage | undefined): string {
  const token = task?.headers["nexus-mesh-task-token"];
  if (token === undefined) throw new Error("there is no task");
  return token;
}
