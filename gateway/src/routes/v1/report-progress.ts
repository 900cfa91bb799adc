import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import { completionTokenHeader, createCompletionTokens } from "../../callbacks/completion-token.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Route } from "../route.ts";
import { progressBytes } from "./progress.ts";
import { reportProgress } from "./schemas/progress.ts";

/** The callback token alone is the credential, as for a completion: the route lies outside of what is authenticated. */
export function registerReportProgress(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): void {
  app.route<Route<"reportProgress">>({
    ...reportProgress,
    handler: async (request, reply) => {
      const { operationId: id } = request.params;
      const tokens = createCompletionTokens(context.keys.callbackHmac);
      const text = request.headers[completionTokenHeader];
      const token = typeof text === "string" ? tokens.verify(text) : undefined;
      const key = token?.kind === "durable" ? token.key : token?.claims.key;
      if (
        token === undefined ||
        key === undefined ||
        (token.kind === "durable" && token.id !== id)
      ) {
        throw new ApiError(
          "INVALID_CALLBACK_TOKEN",
          "the callback token is not one of this operation",
          {
            hint: "Send the Nexus-Callback-Nexus-Mesh-Completion-Token of the start, without Nexus-Callback-",
            violations: [
              {
                pointer: `header:${completionTokenHeader}`,
                rule: "signature",
                detail: "must be the token that came with the start",
              },
            ],
          },
        );
      }
      await engine.queues.reportProgress({ key, id }, progressBytes(context, request.body, ""));
      return reply.code(202).send();
    },
  });
}
