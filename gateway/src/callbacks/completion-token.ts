import { hash, timingSafeEqual } from "node:crypto";
import { uuidBytes, uuidOf } from "../operations/execution-key.ts";

/** What makes the row of a pass-through, should its completion come before (or instead of) its 201. */
export interface PassThroughClaims {
  readonly key: string;
  readonly callerNs: number;
  readonly ownerNs: number;
  readonly endpointId: number;
  readonly targetId: number;
  readonly service: string;
  readonly operation: string;
  readonly requestId: string | null;
  readonly inputHash: string;
  readonly principal: string;
  /** Epoch ms; always finite: it bounds how long the key must be remembered. */
  readonly closeBy: number;
}

export type CompletionToken =
  | { readonly kind: "durable"; readonly key: string; readonly id: string }
  | { readonly kind: "pass-through"; readonly claims: PassThroughClaims };

/** The callback header: a handler sends back what came as `Nexus-Callback-Nexus-Mesh-Completion-Token`. */
export const completionTokenHeader = "nexus-mesh-completion-token";

export interface CompletionTokens {
  mint(token: CompletionToken): string;
  /** undefined: not one that this mesh gave out. */
  verify(text: string): CompletionToken | undefined;
}

const durable = 1;
const passThrough = 2;
const passThroughPrefix = String.fromCharCode(passThrough);
const macBytes = 24;
/** 24 bytes are 32 characters without rest: MAC and payload can be encoded apart. */
const macChars = 32;

/**
 * A payload and its HMAC, never bound to an attempt: a handler that attaches to an earlier attempt's execution answers
 * with that attempt's token.
 */
export function createCompletionTokens(secret: Buffer): CompletionTokens {
  const mac = createMac(secret);
  return {
    mint(token) {
      const payload =
        token.kind === "durable"
          ? Buffer.concat([Buffer.of(durable), uuidBytes(token.key), uuidBytes(token.id)])
          : Buffer.from(passThroughPrefix + encodeClaims(token.claims));
      return mac(payload) + payload.toString("base64url");
    },

    verify(text) {
      if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
      const bytes = Buffer.from(text, "base64url");
      if (bytes.length <= macBytes + 1) return undefined;
      const payload = bytes.subarray(macBytes);
      const expected = Buffer.from(mac(payload), "base64url");
      if (!timingSafeEqual(bytes.subarray(0, macBytes), expected)) return undefined;
      if (payload[0] === durable && payload.length === 33) {
        return {
          kind: "durable",
          key: uuidOf(payload.subarray(1, 17)),
          id: uuidOf(payload.subarray(17, 33)),
        };
      }
      // Authenticated above: this gateway (or one sharing its secret) wrote it.
      if (payload[0] === passThrough)
        return { kind: "pass-through", claims: decodeClaims(payload.subarray(1).toString()) };
      return undefined;
    },
  };
}

/**
 * HMAC-SHA-256 (RFC 2104), its first 24 bytes, from two one-shot hashes: 3.7 µs for a token, of which `createHmac` alone
 * takes 3, and every synchronous call carries one.
 */
function createMac(secret: Buffer): (payload: Buffer) => string {
  const blockBytes = 64;
  if (secret.length > blockBytes) throw new RangeError("a longer secret would have to be hashed");
  const pad = (byte: number): Buffer => {
    const block = Buffer.alloc(blockBytes, byte);
    for (const [i, value] of secret.entries()) block[i] = value ^ byte;
    return block;
  };
  const inner = pad(0x36);
  const outer = Buffer.concat([pad(0x5c), Buffer.alloc(32)]);
  return (payload) => {
    outer.write(hash("sha256", Buffer.concat([inner, payload]), "binary"), blockBytes, "latin1");
    return hash("sha256", outer, "base64url").slice(0, macChars);
  };
}

/** Without their names: the token travels with every synchronous call, and mostly for nothing. */
function encodeClaims(claims: PassThroughClaims): string {
  return JSON.stringify([
    claims.key,
    claims.callerNs,
    claims.ownerNs,
    claims.endpointId,
    claims.targetId,
    claims.service,
    claims.operation,
    claims.requestId,
    claims.inputHash,
    claims.principal,
    claims.closeBy,
  ] satisfies ClaimValues);
}

type ClaimValues = [
  key: string,
  callerNs: number,
  ownerNs: number,
  endpointId: number,
  targetId: number,
  service: string,
  operation: string,
  requestId: string | null,
  inputHash: string,
  principal: string,
  closeBy: number,
];

function decodeClaims(text: string): PassThroughClaims {
  const [
    key,
    callerNs,
    ownerNs,
    endpointId,
    targetId,
    service,
    operation,
    requestId,
    inputHash,
    principal,
    closeBy,
  ] = JSON.parse(text) as ClaimValues;
  return {
    key,
    callerNs,
    ownerNs,
    endpointId,
    targetId,
    service,
    operation,
    requestId,
    inputHash,
    principal,
    closeBy,
  };
}
