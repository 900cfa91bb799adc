import type { KeyObject } from "node:crypto";

/** Keys opened with the master key and kept in memory; follows the registry's snapshot. E implements `openKeyring`. */
export interface Keyring {
  /** The Ed25519 key that signs tokens, caller identities and `v1a` webhooks. */
  signing(): { readonly kid: string; readonly privateKey: KeyObject };
  verification(kid: string): KeyObject | undefined;
  jwks(): { keys: Record<string, unknown>[] };
  /** HMAC key of completion tokens (32 bytes); survives a rotation of the master key. */
  readonly callbackHmac: Buffer;
  /** Standard Webhooks secrets (raw bytes) of a namespace, newest first; made on first use. */
  callbackSecrets(namespaceId: number): Promise<readonly Buffer[]>;
  rotateCallbackSecret(
    namespaceId: number,
    actor: { subject: string; namespace: string | null },
  ): Promise<Buffer>;
  /** Small values at rest (callback headers, cursors): compact JWE. */
  seal(plain: Uint8Array): Promise<string>;
  open(sealed: string): Promise<Uint8Array>;
  /** As it would be sealed now: what is written again outlives a rotation of the master key. */
  renew(sealed: string): Promise<string>;
}
