/** Resolved once in `main.ts`; inside, nothing is optional. */
export interface GatewayOptions {
  readonly databaseUrl: string;
  /** What callers and handlers reach: callback URLs and token audiences are made from it. No trailing slash. */
  readonly publicUrl: string;
  readonly host: string;
  readonly port: number;
  /** The operations' listener: health, readiness, metrics. */
  readonly opsHost: string;
  readonly opsPort: number;
  /** base64url of 32 bytes each; the first seals, all open. */
  readonly masterKeys: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly maxPayloadBytes: number;
  readonly maxAcceptedBytesInFlight: number;
  /** Connections of the data-plane pool. */
  readonly poolSize: number;
  readonly leaseMs: number;
  readonly sweepMs: { readonly min: number; readonly max: number };
  /** Dispatch and callback retries. */
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly callbackRetentionMs: number;
  /** One try at a handler; also the pass-through timeout when the caller sets none. */
  readonly requestTimeoutMs: number;
  readonly callbackTimeoutMs: number;
  /** From the first byte of a request to its last one. */
  readonly receiveTimeoutMs: number;
  readonly drainMs: number;
  readonly retentionDays: number;
  readonly allowUnsafeDatabase: boolean;
}

export const defaultGatewayOptions = {
  host: "127.0.0.1",
  port: 7400,
  opsHost: "127.0.0.1",
  opsPort: 7401,
  trustedProxies: [],
  maxPayloadBytes: 2 * 1024 * 1024,
  maxAcceptedBytesInFlight: 256 * 1024 * 1024,
  poolSize: 8,
  leaseMs: 15_000,
  sweepMs: { min: 250, max: 750 },
  backoff: { firstMs: 1_000, maxMs: 3_600_000 },
  callbackRetentionMs: 72 * 3_600_000,
  requestTimeoutMs: 10_000,
  callbackTimeoutMs: 10_000,
  receiveTimeoutMs: 300_000,
  drainMs: 12_000,
  retentionDays: 30,
  allowUnsafeDatabase: false,
} as const satisfies Partial<GatewayOptions>;
