import type { KeyObject } from "node:crypto";
import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import { HandlerError } from "nexus-rpc";
import { callerIdentityType } from "./protocol/caller-identity.ts";

/** Whom a handler believes. There is no default: a handler that trusts nobody in particular would serve anybody. */
export type CallerTrust =
  | {
      /** Public URL of the gateway; its keys are read from `/.well-known/jwks.json` there. */
      readonly gateway: string;
      /** The target URL under which the endpoint is registered; an identity made for another one is refused. */
      readonly audience: string;
      /**
       * Names of the endpoints that are yours. Anybody who owns an endpoint can point it at this URL; only calls through
       * these, whose grants are your team's, are served.
       */
      readonly endpoints: readonly string[];
      /** The gateway's Ed25519 public key, where the handler can't fetch it. */
      readonly publicKey?: KeyObject;
    }
  /** For tests, and behind something else that authenticates. */
  | "dangerously-accept-anyone";

/** Who called, as the gateway signed it. */
export interface Caller {
  /** Namespace that the call counts for. */
  readonly namespace: string;
  /** Subject of the credential that was used. */
  readonly principal: string;
  readonly endpoint: string;
}

export type VerifyCaller = (identity: string | undefined) => Promise<Caller | undefined>;

const cacheLimit = 10_000;

/** Verified identities are cached until they expire: the gateway reuses one for 30 s. */
export function createVerifyCaller(trust: CallerTrust): VerifyCaller {
  if (trust === "dangerously-accept-anyone") return () => Promise.resolve(undefined);
  const gateway = trust.gateway.replace(/\/+$/, "");
  const jwks = createRemoteJWKSet(new URL(`${gateway}/.well-known/jwks.json`), {
    cooldownDuration: 1_000,
  });
  const { publicKey } = trust;
  const key: JWTVerifyGetKey = publicKey === undefined ? jwks : () => Promise.resolve(publicKey);
  const verified = new Map<string, { readonly caller: Caller; readonly until: number }>();

  return async (identity) => {
    if (identity === undefined)
      throw unauthenticated("the request carries no Nexus-Mesh-Caller-Identity");
    const hit = verified.get(identity);
    if (hit !== undefined && hit.until > Date.now()) return hit.caller;
    try {
      const { payload } = await jwtVerify(identity, key, {
        issuer: gateway,
        audience: trust.audience,
        typ: callerIdentityType,
        algorithms: ["EdDSA"],
        requiredClaims: ["sub", "exp", "principal", "endpoint"],
        clockTolerance: 5,
      });
      if (!trust.endpoints.includes(String(payload["endpoint"]))) {
        throw new errors.JWTClaimValidationFailed("foreign endpoint", payload, "endpoint");
      }
      const caller = {
        namespace: String(payload.sub),
        principal: String(payload["principal"]),
        endpoint: String(payload["endpoint"]),
      };
      if (verified.size >= cacheLimit) verified.clear();
      verified.set(identity, { caller, until: (payload.exp ?? 0) * 1_000 });
      return caller;
    } catch (error) {
      if (keysUnreachable(error)) {
        throw new HandlerError("UNAVAILABLE", "the gateway's keys can't be fetched at the moment", {
          cause: error,
        });
      }
      const why =
        error instanceof errors.JWTExpired
          ? "has expired"
          : error instanceof errors.JWTClaimValidationFailed
            ? `is not for here: ${error.claim} differs`
            : "can't be verified";
      throw unauthenticated(`the caller identity ${why}`, error);
    }
  };
}

/** Of a key set answered with anything but a 200 and JSON, jose throws its base error: the gateway's trouble, not the caller's. */
function keysUnreachable(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  return error instanceof errors.JWKSTimeout || error.code === errors.JOSEError.code;
}

function unauthenticated(message: string, cause?: unknown): HandlerError {
  return new HandlerError("UNAUTHENTICATED", message, cause === undefined ? {} : { cause });
}
