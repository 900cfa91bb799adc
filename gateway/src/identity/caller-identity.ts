import { SignJWT } from "jose";
import type { GatewayContext } from "../gateway-context.ts";

export interface IdentityRequest {
  readonly callerNamespace: string;
  readonly principal: string;
  readonly endpoint: string;
  /** The target's URL, as configured: what the handler server compares. */
  readonly audience: string;
}

export interface CallerIdentity {
  /** A promise only for one that has to be signed. */
  token(request: IdentityRequest): string | Promise<string>;
}

const lifetimeSeconds = 60;
const reuseMs = 30_000;
const cacheLimit = 10_000;

/** Tells handlers who calls. Signing costs more than the rest of a dispatch, hence the reuse for half its life. */
export function createCallerIdentity(
  context: Pick<GatewayContext, "clock"> & {
    readonly keys: Pick<GatewayContext["keys"], "signing">;
    readonly options: Pick<GatewayContext["options"], "publicUrl">;
  },
): CallerIdentity {
  const { clock, keys, options } = context;
  const cache = new Map<string, { token: string | Promise<string>; readonly until: number }>();
  return {
    token(request) {
      const { kid } = keys.signing();
      const { callerNamespace, principal, endpoint, audience } = request;
      const key = `${kid}\0${callerNamespace}\0${endpoint}\0${audience}\0${principal}`;
      const now = clock.now();
      const hit = cache.get(key);
      if (hit !== undefined && now < hit.until) return hit.token;
      if (cache.size >= cacheLimit) dropOldest(cache);
      const entry = { token: sign(request, now) as string | Promise<string>, until: now + reuseMs };
      cache.delete(key);
      cache.set(key, entry);
      return signed(key, entry);
    },
  };

  async function signed(key: string, entry: { token: string | Promise<string> }): Promise<string> {
    try {
      entry.token = await entry.token;
      return entry.token;
    } catch (error) {
      cache.delete(key);
      throw error;
    }
  }

  function sign(request: IdentityRequest, now: number): Promise<string> {
    const { kid, privateKey } = keys.signing();
    const issuedAt = Math.floor(now / 1000);
    return new SignJWT({ principal: request.principal, endpoint: request.endpoint })
      .setProtectedHeader({ alg: "EdDSA", kid, typ: "nexus-mesh-caller+jwt" })
      .setIssuer(options.publicUrl)
      .setAudience(request.audience)
      .setSubject(request.callerNamespace)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .sign(privateKey);
  }
}

function dropOldest(cache: Map<string, unknown>): void {
  const [oldest] = cache.keys();
  if (oldest !== undefined) cache.delete(oldest);
}
