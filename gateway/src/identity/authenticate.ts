import type { IncomingHttpHeaders } from "node:http";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { Snapshot } from "@nexus-mesh/registry/registry";
import { ApiError } from "../api-error.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { createTokenVerifier } from "./mesh-token.ts";
import type { Caller, Principal } from "./principal.ts";

/** A promise only for a token that is not in the verifier's cache. */
export type Authenticate = (headers: IncomingHttpHeaders) => Caller | Promise<Caller>;

const verifiers = new WeakMap<object, ReturnType<typeof createTokenVerifier>>();

/** Who asks, and for which namespace. What it may do is decided elsewhere, at every call. */
export function authenticate(
  context: Pick<GatewayContext, "registry" | "clock" | "keys" | "options">,
): Authenticate {
  // Several route plugins ask for it: one cache for all of them.
  const verify = verifiers.get(context) ?? createTokenVerifier(context);
  verifiers.set(context, verify);
  return (headers) => {
    const asked = single(headers[headerNames.namespace]);
    const act = (principal: Principal): Caller => ({
      principal,
      namespace: actingFor(context.registry.snapshot(), principal, asked),
    });
    const verified = verify(credential(headers.authorization));
    return verified instanceof Promise ? verified.then(act) : act(verified);
  };
}

/** Bearer, or the password of Basic: for callers that can be given only a URL (Temporal, Airflow). */
function credential(authorization: string | undefined): string {
  // Other spellings are as good, this one is what nearly everybody sends.
  if (authorization?.startsWith("Bearer ey") === true) return authorization.slice(7);
  const [scheme = "", value = ""] = (authorization ?? "").trim().split(/\s+/, 2);
  const token = scheme.toLowerCase() === "basic" ? passwordOf(value) : value;
  if (!/^(bearer|basic)$/i.test(scheme) || token === "") {
    throw new ApiError("UNAUTHENTICATED", "a credential is needed", {
      hint: "Send Authorization: Bearer TOKEN, or the token as the password of HTTP Basic",
    });
  }
  return token;
}

function passwordOf(value: string): string {
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? "" : text.slice(colon + 1);
}

function actingFor(snapshot: Snapshot, principal: Principal, asked: string | undefined) {
  if (principal.tokenNamespaceId === null) {
    if (asked === undefined) return undefined;
    const namespace = snapshot.namespaces.get(asked);
    if (namespace === undefined) {
      throw new ApiError("NAMESPACE_NOT_FOUND", `namespace ${JSON.stringify(asked)} is not known`, {
        hint: "nexus-mesh namespace list shows what there is",
      });
    }
    return namespace;
  }
  const own = snapshot.namespacesById.get(principal.tokenNamespaceId);
  if (own === undefined) {
    throw new ApiError("UNAUTHENTICATED", "the namespace of this token does not exist any more");
  }
  if (asked !== undefined && asked !== own.name) {
    throw new ApiError(
      "PERMISSION_DENIED",
      `this token acts for namespace ${own.name}, not for ${JSON.stringify(asked)}`,
      { hint: `Leave out Nexus-Mesh-Namespace, or send ${own.name}` },
    );
  }
  return own;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
