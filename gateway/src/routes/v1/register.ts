import type { FastifyInstance } from "fastify";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { sendProblem } from "./problem.ts";
import { registerAccessChecks } from "./access-checks.ts";
import { registerCallbacks } from "./callbacks.ts";
import { authenticateRoutes } from "./caller.ts";
import { registerCallbackSecret } from "./callback-secret.ts";
import { registerEgress } from "./egress.ts";
import { registerEndpoints } from "./endpoints.ts";
import { registerGrants } from "./grants.ts";
import { registerNamespaces } from "./namespaces.ts";
import { registerOpenApi } from "./open-api.ts";
import { registerOperationActions } from "./operation-actions.ts";
import { registerOperations } from "./operations.ts";
import { registerQueues } from "./queues.ts";
import { registerReportProgress } from "./report-progress.ts";
import { registerServer } from "./server.ts";
import { registerStartOperation } from "./start-operation.ts";
import { registerTasks } from "./tasks.ts";
import { registerTokens } from "./tokens.ts";
import { registerWatchOperation } from "./watch-operation.ts";

/** No control-plane document is larger. */
const maxBodyBytes = 256 * 1024;

/** Needs `schemaController` and {@link maxParamLength} among the options of `Fastify()`. */
export async function registerV1Routes(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): Promise<void> {
  const speakJson = (scope: FastifyInstance): void => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "application/json",
      { parseAs: "string", bodyLimit: maxBodyBytes },
      scope.getDefaultJsonParser("error", "error"),
    );
    scope.setErrorHandler((error, request, reply) => sendProblem(context, request, reply, error));
  };
  await registerOpenApi(app);
  await app.register((byToken, _options, done) => {
    speakJson(byToken);
    registerReportProgress(byToken, context, engine);
    done();
  });
  await app.register((v1, _options, done) => {
    speakJson(v1);
    authenticateRoutes(v1, context);
    // Behind a balancer two changes of one person may reach two gateways within the same second.
    v1.addHook("preValidation", async ({ method, routeOptions }) => {
      const controlPlane = /^\/v1\/(namespaces|endpoints)/.test(routeOptions.url ?? "");
      // Starts and polls are many, and read what is there.
      const dataPlane = /\/(operations|queues)\//.test(routeOptions.url ?? "");
      if (method !== "GET" && controlPlane && !dataPlane) await context.registry.refresh();
    });
    registerServer(v1, context);
    registerNamespaces(v1, context);
    registerTokens(v1, context);
    registerCallbackSecret(v1, context);
    registerEgress(v1, context);
    registerEndpoints(v1, context);
    registerGrants(v1, context);
    registerAccessChecks(v1, context);
    registerStartOperation(v1, context, engine);
    registerOperations(v1, context, engine);
    registerWatchOperation(v1, context, engine);
    registerOperationActions(v1, context, engine);
    registerCallbacks(v1, context, engine);
    registerQueues(v1, context, engine);
    registerTasks(v1, context, engine);
    done();
  });
}

/** Services, operations and request ids may be as long as a header line, escaped. */
export const maxParamLength = 8_000;
