import { createServer, type IncomingMessage } from "node:http";
import { createCallbackReceiver } from "@nexus-mesh/sdk/callback-receiver";
import {
  createNexusClient,
  type OperationEvent,
  type OperationHandle,
} from "@nexus-mesh/sdk/client";
import { HandlerError } from "nexus-rpc";
import { analytics, delivery, type Profile, type Tour } from "./contract.ts";
import { setting } from "./setting.ts";
import type { Answers, Completion, Request } from "./storefront-client.ts";

/**
 * The application team's process: it calls insights through the mesh and receives the completions it is owed; what
 * fulfilment does for it, it watches.
 */
const port = Number(setting("PORT"));
const callbackUrl = `http://127.0.0.1:${port}/completions`;
const target = { endpoint: "analytics", service: analytics };
const url = setting("MESH_URL");

const mesh = createNexusClient({ url, token: setting("TOKEN") });
const insights = mesh.service(target);
const fulfilment = mesh.service({ endpoint: "tours", service: delivery });
/** Another team's credential, which no grant names. */
const asMarketing = createNexusClient({ url, token: setting("MARKETING_TOKEN") }).service(target);

const completions: Completion[] = [];
const orders = new Map<string, string>();
/** operation id → what was heard of it so far. */
const heard = new Map<string, OperationEvent[]>();

// Whatever reaches `onCompletion` was signed by the mesh, for this body, state and operation, within the last minutes.
const receiver = createCallbackReceiver({
  secrets: [setting("CALLBACK_SECRET")],
  onCompletion: (received) => {
    const { operationId, state } = received;
    const profile = received.state === "succeeded" ? (received.result() as Profile) : null;
    completions.push({
      operationId,
      state,
      rows: profile?.rows ?? null,
      columns: profile?.columns.length ?? null,
    });
  },
});

async function answer(request: Request): Promise<Answers[keyof Answers]> {
  switch (request.do) {
    case "columns":
      return { columns: await insights.execute("columns", { dataset: request.dataset }) };
    case "profile": {
      const { dataset, requestId } = request;
      const { operationId } = await insights.start(
        "profile",
        { dataset },
        { requestId, callbackUrl },
      );
      orders.set(requestId, operationId);
      return { operationId };
    }
    case "cancel":
      await insights.handle("profile", orders.get(request.requestId) ?? "").cancel();
      return {};
    case "call without a grant":
      try {
        await asMarketing.execute("columns", { dataset: request.dataset });
        return { refused: null };
      } catch (error) {
        if (!(error instanceof HandlerError)) throw error;
        return { refused: error.message };
      }
    case "completions":
      return { completions };
    case "order a tour": {
      const { dataset, requestId } = request;
      const tour = await fulfilment.start("planTour", { dataset }, { requestId });
      void watch(tour);
      return { operationId: tour.operationId };
    }
    case "events":
      return { events: heard.get(request.operationId) ?? [] };
    case "tour":
      return fulfilment.handle("planTour", request.operationId).result();
  }
}

/** Never stops before the outcome, whichever gateway it is connected to dies: an error would end this process. */
async function watch(tour: OperationHandle<Tour>): Promise<void> {
  const events: OperationEvent[] = [];
  heard.set(tour.operationId, events);
  for await (const event of tour.watch()) events.push(event);
}

const server = createServer((request, response) => {
  if (request.url?.startsWith("/completions") === true) {
    receiver.listener(request, response);
    return;
  }
  read(request)
    .then((text) => answer(JSON.parse(text) as Request))
    .then(
      (given) => response.end(JSON.stringify(given)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : ""),
    );
});

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

server.listen(port, "127.0.0.1", () => {
  console.log("ready");
});
process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
