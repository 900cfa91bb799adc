import type { Namespace, Role } from "@nexus-mesh/registry/registry";

/** Who a credential speaks for. Authorisation is never cached with it. */
export interface Principal {
  readonly subject: string;
  readonly tokenId: string;
  /** null: a mesh-wide admin token. */
  readonly tokenNamespaceId: number | null;
  readonly role: Role;
  /** Epoch ms. */
  readonly expiresAt: number;
}

/** A principal acting, for exactly one namespace where the request names or implies one. */
export interface Caller {
  readonly principal: Principal;
  /** undefined only for a mesh-wide token without `Nexus-Mesh-Namespace`. */
  readonly namespace: Namespace | undefined;
}
