import { randomUUID } from "node:crypto";
import { roles, type Actor, type Namespace, type Role } from "@nexus-mesh/registry/registry";
import type { TokenRecord } from "@nexus-mesh/registry/registry";
import { SignJWT, errors, jwtVerify } from "jose";
import { ApiError } from "../api-error.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { Principal } from "./principal.ts";

/** Keeps the gateway's other JWTs (caller identities) from passing as credentials. */
const tokenType = "nexus-mesh-token+jwt";
export const defaultTokenLifetimeMs = 90 * 24 * 3_600_000;
const cacheMs = 5 * 60_000;
const cacheLimit = 10_000;

export interface TokenRequest {
  /** null: a mesh-wide token, which has role `admin`. */
  readonly namespace: Pick<Namespace, "id"> | null;
  readonly role: Role;
  readonly subject: string;
  readonly lifetimeMs?: number;
  readonly actor: Actor;
}

export interface IssuedToken {
  /** Shown once; only its id is stored. */
  readonly token: string;
  readonly record: TokenRecord;
}

type Issuing = Pick<GatewayContext, "registry" | "clock"> & {
  readonly keys: Pick<GatewayContext["keys"], "signing">;
  readonly options: Pick<GatewayContext["options"], "publicUrl">;
};

/** Records the token, then signs it: a token that works is always one that can be revoked. */
export async function issueToken(context: Issuing, request: TokenRequest): Promise<IssuedToken> {
  const { clock, keys, registry, options } = context;
  if ((request.namespace === null) !== (request.role === "admin")) {
    throw new ApiError(
      "INVALID_REQUEST",
      "a token of role admin is mesh-wide, any other belongs to a namespace",
      { violations: [{ pointer: "/role", rule: "scope", detail: `not ${request.role} here` }] },
    );
  }
  const id = randomUUID();
  const issuedAt = Math.floor(clock.now() / 1000);
  const expiresAt = issuedAt + Math.ceil((request.lifetimeMs ?? defaultTokenLifetimeMs) / 1000);
  const namespaceId = request.namespace?.id ?? null;
  const { role, subject } = request;
  const record = await registry.addToken(
    { id, namespaceId, role, subject, expiresAt: new Date(expiresAt * 1000) },
    request.actor,
  );
  const { kid, privateKey } = keys.signing();
  const token = await new SignJWT({ ns: namespaceId, role })
    .setProtectedHeader({ alg: "EdDSA", kid, typ: tokenType })
    .setIssuer(options.publicUrl)
    .setAudience(options.publicUrl)
    .setSubject(subject)
    .setJti(id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(privateKey);
  return { token, record };
}

type Verifying = Pick<GatewayContext, "registry" | "clock"> & {
  readonly keys: Pick<GatewayContext["keys"], "verification">;
  readonly options: Pick<GatewayContext["options"], "publicUrl">;
};

/** A promise only for a token that is not in the cache. */
export type VerifyToken = (token: string) => Principal | Promise<Principal>;

/** The cache holds authentication only; revocation is read from the snapshot at each call and wins at once. */
export function createTokenVerifier(context: Verifying): VerifyToken {
  const { clock, registry } = context;
  const cache = new Map<string, { readonly principal: Principal; readonly until: number }>();
  return (token) => {
    // A map compares text only where its seeded hashes are equal, so that its time tells nothing about other tokens.
    const hit = cache.get(token);
    if (hit !== undefined && hit.until > clock.now()) return unlessRevoked(hit.principal);
    return verifyAnew(token);
  };

  async function verifyAnew(token: string): Promise<Principal> {
    const principal = await verifySignature(context, token);
    if (cache.size >= cacheLimit) dropOldest(cache);
    cache.delete(token);
    cache.set(token, { principal, until: Math.min(principal.expiresAt, clock.now() + cacheMs) });
    return unlessRevoked(principal);
  }

  function unlessRevoked(principal: Principal): Principal {
    if (!registry.snapshot().revokedTokens.has(principal.tokenId)) return principal;
    throw new ApiError("TOKEN_REVOKED", `token ${principal.tokenId} was revoked`, {
      hint: "Ask an owner of the namespace for a new one",
    });
  }
}

async function verifySignature(
  { clock, keys, options }: Verifying,
  token: string,
): Promise<Principal> {
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = kid === undefined ? undefined : keys.verification(kid);
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        return key;
      },
      {
        issuer: options.publicUrl,
        audience: options.publicUrl,
        algorithms: ["EdDSA"],
        typ: tokenType,
        requiredClaims: ["sub", "jti", "exp", "ns", "role"],
        currentDate: new Date(clock.now()),
      },
    );
    const { sub, jti, exp, ns } = payload;
    const role = roles.find((known) => known === payload["role"]);
    const namespaceId = typeof ns === "number" ? ns : null;
    if (sub === undefined || jti === undefined || exp === undefined || role === undefined)
      throw invalid();
    if ((namespaceId === null) !== (role === "admin")) throw invalid();
    const expiresAt = exp * 1000;
    return { subject: sub, tokenId: jti, tokenNamespaceId: namespaceId, role, expiresAt };
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw new ApiError("TOKEN_EXPIRED", "the token has expired", {
        hint: "Issue a new one: nexus-mesh token issue",
        cause: error,
      });
    }
    if (error instanceof errors.JOSEError) throw invalid(error);
    throw error;
  }
}

function invalid(cause?: unknown): ApiError {
  return new ApiError("UNAUTHENTICATED", "the token is not one of this mesh", {
    hint: "Send a token issued by this mesh (and for its public URL) as Authorization: Bearer",
    ...(cause === undefined ? {} : { cause }),
  });
}

function dropOldest(cache: Map<string, unknown>): void {
  const [oldest] = cache.keys();
  if (oldest !== undefined) cache.delete(oldest);
}
