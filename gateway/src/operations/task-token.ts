import { createHmac, timingSafeEqual } from "node:crypto";
import { uuidBytes, uuidOf } from "./execution-key.ts";

/** What a worker shows with its answer: which operation, and under which fence it was given to it. */
export interface TaskClaims {
  readonly kind: "start" | "cancel";
  readonly key: string;
  readonly id: string;
  readonly fence: number;
  readonly queueId: number;
  readonly endpointId: number;
  /** The queue's namespace: only its workers may use the token. */
  readonly ownerNs: number;
  readonly leaseMs: number;
}

export interface TaskTokens {
  mint(claims: TaskClaims): string;
  /** undefined: not one that this mesh gave out. */
  verify(text: string): TaskClaims | undefined;
}

const kinds = ["start", "cancel"] as const;
const macBytes = 24;
const payloadBytes = 1 + 2 * 16 + 5 * 4;
/** So that no callback token, whose MAC has the same secret, passes for one. */
const domain = Buffer.from("nexus-mesh task token\0");

export function createTaskTokens(secret: Buffer): TaskTokens {
  const mac = (payload: Buffer): Buffer =>
    createHmac("sha256", secret).update(domain).update(payload).digest().subarray(0, macBytes);
  return {
    mint(claims) {
      const numbers = Buffer.alloc(20);
      [claims.fence, claims.queueId, claims.endpointId, claims.ownerNs, claims.leaseMs].forEach(
        (value, at) => numbers.writeUInt32BE(value, 4 * at),
      );
      const payload = Buffer.concat([
        Buffer.of(kinds.indexOf(claims.kind)),
        uuidBytes(claims.key),
        uuidBytes(claims.id),
        numbers,
      ]);
      return Buffer.concat([mac(payload), payload]).toString("base64url");
    },

    verify(text) {
      const bytes = Buffer.from(text, "base64url");
      if (!/^[\w-]+$/.test(text) || bytes.length !== macBytes + payloadBytes) return undefined;
      const payload = bytes.subarray(macBytes);
      if (!timingSafeEqual(bytes.subarray(0, macBytes), mac(payload))) return undefined;
      const kind = kinds[payload[0] ?? 0];
      if (kind === undefined) return undefined;
      const number = (at: number): number => payload.readUInt32BE(33 + 4 * at);
      return {
        kind,
        key: uuidOf(payload.subarray(1, 17)),
        id: uuidOf(payload.subarray(17, 33)),
        fence: number(0),
        queueId: number(1),
        endpointId: number(2),
        ownerNs: number(3),
        leaseMs: number(4),
      };
    },
  };
}
