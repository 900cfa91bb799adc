import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { GatewayContext } from "./gateway-context.ts";
import type { Health } from "./health.ts";
import { createHttpServer } from "./http-server.ts";
import { refuseUnreadable } from "./unreadable-request.ts";

/** Health, readiness and metrics: a listener of its own, so that it is never exposed with the API. */
export function createOpsListener(
  context: Pick<GatewayContext, "metrics" | "log">,
  health: Health,
  /** Reads what is measured only when somebody asks. */
  measure: () => Promise<void>,
): Server {
  const server = createHttpServer({}, (request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") {
      send(response, 405, { status: "method not allowed" });
      return;
    }
    switch (path) {
      case "/healthz":
        send(response, 200, { status: "ok" });
        return;
      case "/readyz": {
        const problems = health.problems();
        if (problems.length === 0) send(response, 200, { status: "ok" });
        else send(response, 503, { status: "not ready", problems });
        return;
      }
      case "/metrics":
        // Reads what the gauges of the snapshot show.
        health.problems();
        sendMetrics(context, measure, response);
        return;
      default:
        send(response, 404, { status: "not found", paths: ["/healthz", "/readyz", "/metrics"] });
    }
  });
  server.on("clientError", (error, socket: Socket) => {
    refuseUnreadable(error, socket, context.log);
  });
  return server;
}

function sendMetrics(
  { metrics, log }: Pick<GatewayContext, "metrics" | "log">,
  measure: () => Promise<void>,
  response: ServerResponse,
): void {
  const measured = measure().catch((error: unknown) => {
    // The others are more than none.
    log.warn({ err: error }, "queues could not be measured");
  });
  measured
    .then(() => metrics.registry.metrics())
    .then(
      (text) => {
        response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text);
      },
      (error: unknown) => {
        log.error({ err: error }, "metrics could not be collected");
        send(response, 500, { status: "error" });
      },
    );
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
