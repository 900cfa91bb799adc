import { createHmac, timingSafeEqual } from "node:crypto";
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

const durable = 1;
const passThrough = 2;
const macBytes = 24;

/**
 * A payload and its HMAC, never bound to an attempt: a handler that attaches to an earlier attempt's execution answers
 * with that attempt's token.
 */
export function mintCompletionToken(secret: Buffer, token: CompletionToken): string {
  const payload =
    token.kind === "durable"
      ? Buffer.concat([Buffer.of(durable), uuidBytes(token.key), uuidBytes(token.id)])
      : Buffer.concat([Buffer.of(passThrough), Buffer.from(JSON.stringify(token.claims))]);
  return Buffer.concat([mac(secret, payload), payload]).toString("base64url");
}

export function verifyCompletionToken(secret: Buffer, text: string): CompletionToken | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length <= macBytes + 1) return undefined;
  const payload = bytes.subarray(macBytes);
  if (!timingSafeEqual(bytes.subarray(0, macBytes), mac(secret, payload))) return undefined;
  if (payload[0] === durable && payload.length === 33) {
    return {
      kind: "durable",
      key: uuidOf(payload.subarray(1, 17)),
      id: uuidOf(payload.subarray(17, 33)),
    };
  }
  if (payload[0] === passThrough) {
    // Authenticated above: this gateway (or one sharing its secret) wrote it.
    return {
      kind: "pass-through",
      claims: JSON.parse(payload.subarray(1).toString()) as PassThroughClaims,
    };
  }
  return undefined;
}

function mac(secret: Buffer, payload: Buffer): Buffer {
  return createHmac("sha256", secret).update(payload).digest().subarray(0, macBytes);
}
