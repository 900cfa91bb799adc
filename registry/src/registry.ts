import type { Pool } from "pg";
import type { Reseal } from "./reseal-secrets.ts";

/** Small integers, never reused: what the data plane's rows and callback tokens carry instead of names. */
export type NamespaceId = number;
export type EndpointId = number;
export type TargetId = number;
export type QueueId = number;

export const roles = ["admin", "owner", "caller", "handler", "viewer"] as const;
export type Role = (typeof roles)[number];

export interface Namespace {
  readonly id: NamespaceId;
  readonly name: string;
  readonly description: string;
  readonly createdAt: Date;
  readonly egress: EgressPolicy;
  /** Sealed by the gateway; the registry never sees the plain text. Newest first; at most two (rotation). */
  readonly callbackSecrets: readonly SealedSecret[];
}

export interface SealedSecret {
  readonly sealed: string;
  readonly createdAt: Date;
}

/** Where a namespace's outbound requests may go. The empty list allows public https hosts only. */
export interface EgressPolicy {
  readonly version: number;
  readonly rules: readonly EgressRule[];
}

export interface EgressRule {
  /** Exact host, IP literal, or `*.example.com`. */
  readonly host: string;
  /** Empty: 443 (80 where `plainHttp`). 0 stands for any port. */
  readonly ports: readonly number[];
  /** Address ranges the resolved address may lie in although they are private or loopback. */
  readonly cidrs: readonly string[];
  readonly plainHttp: boolean;
}

export type Target = HttpTarget | QueueTarget;

interface TargetBase {
  readonly id: TargetId;
  readonly endpointId: EndpointId;
  /** A replaced target drains: cancels of operations pinned to it still go there. */
  readonly removedAt: Date | null;
}

export interface HttpTarget extends TargetBase {
  readonly kind: "http";
  readonly url: string;
}

/** Workers poll the gateway for what is put there. */
export interface QueueTarget extends TargetBase {
  readonly kind: "queue";
  readonly queueId: QueueId;
  readonly queue: string;
}

export interface Queue {
  readonly id: QueueId;
  readonly name: string;
  readonly namespaceId: NamespaceId;
  readonly createdAt: Date;
}

export interface EndpointPolicy {
  /** Default schedule-to-close in ms; null = none. 24 h unless set. */
  readonly scheduleToCloseMs: number | null;
  /** How long a durable start without `Prefer: respond-async` waits for the first attempt; 1,000 unless set. */
  readonly inlineWaitMs: number;
  /** Dispatch attempts before the operation is parked; null = no cap. */
  readonly maxAttempts: number | null;
  /** How long a key is remembered after the end; 24 h unless set, at least 1 h. */
  readonly dedupeWindowMs: number;
  /** Every start is durable, whatever the caller asks for. */
  readonly durable: boolean;
}

export const defaultEndpointPolicy: EndpointPolicy = {
  scheduleToCloseMs: 24 * 3_600_000,
  inlineWaitMs: 1_000,
  maxAttempts: null,
  dedupeWindowMs: 24 * 3_600_000,
  durable: false,
};

export interface Endpoint {
  readonly id: EndpointId;
  readonly name: string;
  readonly ownerId: NamespaceId;
  readonly owner: string;
  readonly description: string;
  readonly policy: EndpointPolicy;
  readonly target: Target;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Closed for starts, about to be deleted. */
  readonly closing: boolean;
}

/** caller namespace × service × operation (patterns with `*`) may start on the endpoint. */
export interface Grant {
  readonly id: string;
  readonly endpointId: EndpointId;
  /** Namespace pattern: `storefront`, `team-*`, `*`. */
  readonly caller: string;
  readonly service: string;
  readonly operation: string;
  readonly createdAt: Date;
}

export interface TokenRecord {
  /** The JWT's `jti`. */
  readonly id: string;
  /** null: a mesh-wide token (role admin only). */
  readonly namespaceId: NamespaceId | null;
  readonly role: Role;
  readonly subject: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface SigningKey {
  readonly kid: string;
  /** Public JWK (Ed25519) as JSON text. */
  readonly publicJwk: string;
  readonly sealedPrivateJwk: string;
  readonly createdAt: Date;
  readonly retiredAt: Date | null;
}

/** Who did it, for the audit trail: principal's subject and the namespace it acted for. */
export interface Actor {
  readonly subject: string;
  readonly namespace: string | null;
}

/** An immutable picture of the control plane; a newer one replaces it whole. Reading it costs no query. */
export interface Snapshot {
  readonly version: number;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly namespacesById: ReadonlyMap<NamespaceId, Namespace>;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly endpointsById: ReadonlyMap<EndpointId, Endpoint>;
  /** Removed targets too, while anything may be pinned to them. */
  readonly targetsById: ReadonlyMap<TargetId, Target>;
  readonly queuesById: ReadonlyMap<QueueId, Queue>;
  readonly grants: ReadonlyMap<EndpointId, readonly Grant[]>;
  /** Ids of tokens revoked and not yet expired. */
  readonly revokedTokens: ReadonlySet<string>;
  /** Newest first; the first that is not retired signs. */
  readonly signingKeys: readonly SigningKey[];
}

export class RegistryConflict extends Error {
  override readonly name = "RegistryConflict";
  readonly kind: "version" | "exists" | "in-use";
  readonly currentVersion: number | undefined;

  constructor(kind: "version" | "exists" | "in-use", message: string, currentVersion?: number) {
    super(message);
    this.kind = kind;
    this.currentVersion = currentVersion;
  }
}

/** What a PUT demands of what is there: nothing, that it is absent, or that it has this version. */
export type Condition = "any" | "absent" | { readonly version: number };

/** A queue is one of the endpoint's owner, made when the first endpoint points at it. */
export type TargetInput =
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "queue"; readonly queue: string };

export interface EndpointInput {
  readonly name: string;
  readonly ownerId: NamespaceId;
  readonly description: string;
  readonly target: TargetInput;
  readonly policy: EndpointPolicy;
  /**
   * The owner that the caller was allowed to replace, null = there was no such endpoint. Whoever made or moved it since
   * wins: the check of who may do this was made against a snapshot. Not checked when absent.
   */
  readonly seenOwnerId?: NamespaceId | null;
}

/**
 * The control plane. Every write bumps `registry_version`, writes its audit row and notifies, in one transaction;
 * conflicts throw {@link RegistryConflict}; what is missing is `undefined` or `false`. After a write resolves, this
 * process's own `snapshot()` already shows it.
 */
export interface Registry {
  snapshot(): Snapshot;
  /** Called with each newer snapshot. Returns the unsubscribe function. */
  onChange(listener: (snapshot: Snapshot) => void): () => void;
  /** Forces a read now (also done by LISTEN and by a 250 ms poll of the version). */
  refresh(): Promise<Snapshot>;
  /** Milliseconds since the snapshot was last confirmed to be current; readiness looks at it. */
  staleness(): number;

  putNamespace(
    name: string,
    description: string,
    condition: Condition,
    actor: Actor,
  ): Promise<{ namespace: Namespace; created: boolean }>;
  /** In-use conflict while it owns endpoints or has operations that run. */
  deleteNamespace(name: string, actor: Actor): Promise<boolean>;
  /** False, and nothing written, when the newest secret is not `seen` (null = none): somebody was faster. */
  setCallbackSecrets(
    namespaceId: NamespaceId,
    secrets: readonly SealedSecret[],
    seen: string | null,
    actor: Actor,
  ): Promise<boolean>;
  putEgress(
    namespaceId: NamespaceId,
    rules: readonly EgressRule[],
    condition: Condition,
    actor: Actor,
  ): Promise<EgressPolicy>;

  putEndpoint(
    input: EndpointInput,
    condition: Condition,
    actor: Actor,
  ): Promise<{ endpoint: Endpoint; created: boolean }>;
  /** Closes it for starts (visible in snapshots), waits `staleSnapshotMs`, counts live operations, then deletes or throws `in-use` after reopening. */
  deleteEndpoint(
    name: string,
    condition: Condition,
    actor: Actor,
    staleSnapshotMs?: number,
  ): Promise<boolean>;

  /** False: there is none. In-use conflict while an endpoint points at it or an operation came through it and is open. */
  deleteQueue(namespaceId: NamespaceId, name: string, actor: Actor): Promise<boolean>;

  putGrant(
    grant: Omit<Grant, "createdAt">,
    actor: Actor,
  ): Promise<{ grant: Grant; created: boolean }>;
  deleteGrant(endpointId: EndpointId, grantId: string, actor: Actor): Promise<boolean>;

  addToken(token: Omit<TokenRecord, "createdAt" | "revokedAt">, actor: Actor): Promise<TokenRecord>;
  listTokens(namespaceId: NamespaceId | null): Promise<TokenRecord[]>;
  revokeToken(namespaceId: NamespaceId | null, id: string, actor: Actor): Promise<boolean>;

  addSigningKey(key: Omit<SigningKey, "createdAt" | "retiredAt">, actor: Actor): Promise<void>;
  /** Sealed secrets of the mesh itself, by name (`callback-hmac`). Insert-if-absent; returns what is stored. */
  ensureSecret(name: string, sealed: string): Promise<string>;
  /** Gives every sealed value of the control plane to `reseal`, in one transaction; returns how many were replaced. */
  resealSecrets(reseal: Reseal, actor: Actor): Promise<number>;
  /** The one-time bootstrap mark: true for the first caller, or with force. */
  claimBootstrap(force: boolean, actor: Actor): Promise<boolean>;

  close(): Promise<void>;
}

export interface RegistryOptions {
  readonly pool: Pool;
  /** For the LISTEN connection, which is its own client. */
  readonly connectionString: string;
  readonly pollMs?: number;
  readonly onError: (error: unknown) => void;
}
