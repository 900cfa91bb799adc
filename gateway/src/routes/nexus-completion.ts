import { decodeCompletion, MalformedCompletion } from "@nexus-mesh/sdk/protocol/completion";
import { operationErrorFailureType } from "@nexus-mesh/sdk/protocol/failure";
import { firstValues, headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../api-error.ts";
import { completionTokenHeader, createCompletionTokens } from "../callbacks/completion-token.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { NexusEngine } from "../operations/create-engine.ts";
import { failedOutcome, operationErrorFailure, succeededOutcome } from "../operations/outcome.ts";
import type { NewOutcome } from "../store/store.ts";
import { rawBody } from "./raw-body.ts";

/** Handlers complete here. The token alone is the credential. */
export function registerCompletionRoute(
  scope: FastifyInstance,
  context: GatewayContext,
  engine: NexusEngine,
): void {
  const tokens = createCompletionTokens(context.keys.callbackHmac);
  scope.post("/nexus/callback", { schema: { hide: true } }, async (request, reply) => {
    const headers = firstValues(request.raw.rawHeaders);
    const text = headers[completionTokenHeader];
    const token = text === undefined ? undefined : tokens.verify(text);
    if (token === undefined) {
      throw new ApiError(
        "INVALID_CALLBACK_TOKEN",
        text === undefined
          ? "the callback token is missing"
          : "the callback token is not one of this mesh",
        {
          hint: "Send every Nexus-Callback-* header of the start back, without that prefix",
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
    const outcome = readOutcome(headers, rawBody(request));
    context.crash("complete:received");
    await engine.completeOperation(token, outcome);
    return reply.code(200).send();
  });
}

function readOutcome(headers: Record<string, string>, body: Buffer): NewOutcome {
  try {
    const completion = decodeCompletion({ headers, body });
    const handlerToken = headers[headerNames.operationToken] ?? null;
    const links = headers[headerNames.link];
    if (completion.state === "succeeded")
      return succeededOutcome(completion.contentHeaders, body, handlerToken, links);
    const { cause, metadata } = completion.failure;
    // One that has a cause is wrapped too: its callback takes the wrapper off, and what came goes on whole.
    const whole = metadata?.["type"] === operationErrorFailureType && (cause ?? null) === null;
    return failedOutcome(
      completion.state,
      whole ? body : operationErrorFailure(completion.state, body),
      handlerToken,
      links,
    );
  } catch (error) {
    if (!(error instanceof MalformedCompletion)) throw error;
    throw new ApiError("INVALID_REQUEST", error.message, { cause: error });
  }
}
