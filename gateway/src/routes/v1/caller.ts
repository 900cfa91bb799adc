import type { Namespace } from "@nexus-mesh/registry/registry";
import type { Actor } from "@nexus-mesh/registry/registry";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import { authenticate } from "../../identity/authenticate.ts";
import { assertRole, permissions, type OperationId } from "../../identity/permissions.ts";
import type { Caller } from "../../identity/principal.ts";

/** Before any body is read: whoever has no credential or the wrong role costs neither memory nor a parse. */
export function authenticateRoutes(app: FastifyInstance, context: GatewayContext): void {
  const identify = authenticate(context);
  app.decorateRequest("caller", null);
  app.addHook("onRequest", async (request) => {
    // Unknown paths have no route: they are answered without a look at the credential.
    if (request.is404) return;
    const caller = await identify(request.headers);
    const operationId = request.routeOptions.schema?.operationId;
    if (!isOperationId(operationId)) throw new Error(`${request.url} has no permission entry`);
    assertRole(caller, operationId);
    request.setDecorator<Caller | null>("caller", caller);
  });
}

function isOperationId(id: string | undefined): id is OperationId {
  return id !== undefined && Object.hasOwn(permissions, id);
}

export function callerOf(request: FastifyRequest): Caller {
  const caller = request.getDecorator<Caller | null>("caller");
  if (caller === null) throw new Error("the request was not authenticated");
  return caller;
}

export function actorOf(caller: Caller): Actor {
  return { subject: caller.principal.subject, namespace: caller.namespace?.name ?? null };
}

export function isAdmin(caller: Caller): boolean {
  return caller.principal.role === "admin";
}

/** For requests that are made in the name of one namespace. */
export function actingNamespace(caller: Caller): Namespace {
  if (caller.namespace !== undefined) return caller.namespace;
  throw new ApiError("NAMESPACE_REQUIRED", "this token acts for every namespace: say for which", {
    hint: "Send the header Nexus-Mesh-Namespace",
    violations: [
      {
        pointer: "header:nexus-mesh-namespace",
        rule: "required",
        detail: "a mesh-wide token must name a namespace",
      },
    ],
  });
}

/** The namespace itself or an admin; others learn nothing but that it isn't theirs. */
export function assertActsFor(caller: Caller, namespace: Pick<Namespace, "id" | "name">): void {
  if (isAdmin(caller) || caller.namespace?.id === namespace.id) return;
  const own = caller.namespace?.name ?? "none";
  throw new ApiError(
    "PERMISSION_DENIED",
    `this token acts for namespace "${own}", not for "${namespace.name}"`,
    { hint: `Use a token of namespace "${namespace.name}", or ask an admin of the mesh` },
  );
}
