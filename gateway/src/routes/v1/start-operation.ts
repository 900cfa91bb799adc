import { firstValues, headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { FastifyInstance } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { assertGranted } from "../../identity/grants.ts";
import { rawBody } from "../raw-body.ts";
import type { Route } from "../route.ts";
import { assertLinks, assertNames, callbackHeaders, emptyIsNone } from "../start-headers.ts";
import { actingNamespace, callerOf } from "./caller.ts";
import { findEndpoint } from "./lookup.ts";
import * as schemas from "./schemas/operations.ts";

/** The one route of `/v1` whose body is the operation's input, untouched. */
export function registerStartOperation(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): void {
  void app.register((raw, _options, done) => {
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser(
      "*",
      { parseAs: "buffer", bodyLimit: context.options.maxPayloadBytes },
      (_request, body, parsed) => {
        parsed(null, body);
      },
    );

    raw.route<Route<"startOperation">>({
      ...schemas.startOperation,
      handler: async (request, reply) => {
        const caller = callerOf(request);
        const namespace = actingNamespace(caller);
        const { service, operation } = request.params;
        const first = firstValues(request.raw.rawHeaders);
        assertLinks(first[headerNames.link]);
        assertNames(service, operation);
        const endpoint = findEndpoint(context, request.params.endpoint);
        if (endpoint.closing) {
          throw new ApiError("ENDPOINT_NOT_FOUND", `endpoint "${endpoint.name}" is being deleted`);
        }
        const snapshot = context.registry.snapshot();
        assertGranted(snapshot, endpoint, namespace.name, service, operation);
        const { callback } = request.query;
        const started = await engine.startDurable({
          caller: { ...caller, namespace },
          endpoint,
          service,
          operation,
          requestId: emptyIsNone(first[headerNames.requestId]),
          headers: first,
          // Bytes by the parser above; the document can't say that.
          body: rawBody(request),
          callbackUrl: callback === undefined || callback === "" ? null : callback,
          callbackHeaders: callbackHeaders(first),
          respondAsync: true,
        });
        const { id, created } = started;
        reply.header("location", `/v1/operations/${id}`);
        return reply
          .code(created ? 201 : 200)
          .send({ id, created, ended: started.kind === "ended" });
      },
    });
    done();
  });
}
