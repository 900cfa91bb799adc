import type { Dispatcher } from "undici";

/** E implements `createEgress`. Policies are read from the snapshot at every call. */
export interface Egress {
  /** Scheme, host and port against the namespace's policy, before any name is resolved; throws ApiError EGRESS_DENIED or `invalid`. */
  check(
    namespaceId: number,
    url: URL,
    invalid: "INVALID_CALLBACK_URL" | "INVALID_TARGET_URL",
  ): void;
  /**
   * Pools per namespace and origin whose connections resolve the host, check every address against the policy and pin
   * it. A refused address fails the connection with an {@link EgressRefused}.
   */
  dispatcher(namespaceId: number): Dispatcher;
  close(): Promise<void>;
}

export class EgressRefused extends Error {
  override readonly name = "EgressRefused";
}
