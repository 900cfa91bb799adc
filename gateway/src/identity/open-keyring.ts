import { ApiError } from "../api-error.ts";
import { createPublicKey, createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import type { JsonWebKey, KeyObject } from "node:crypto";
import type { Actor, Registry, SigningKey, Snapshot } from "@nexus-mesh/registry/registry";
import { calculateJwkThumbprint } from "jose";
import type { Clock } from "../clock.ts";
import type { Keyring } from "./keyring.ts";
import { parseMasterKeys } from "./master-key.ts";
import { createSealer, type Sealer } from "./seal.ts";

export interface OpenedKeyring extends Keyring {
  close(): void;
}

export interface KeyringOptions {
  readonly registry: Registry;
  readonly masterKeys: readonly string[];
  readonly clock: Clock;
  /** A key of a newer snapshot can't be opened: the keys known so far stay in use. */
  readonly onError?: (error: unknown) => void;
}

const system: Actor = { subject: "system", namespace: null };
const openedLimit = 10_000;

/** Makes the first signing key and the callback HMAC key on first start; throws `SealBroken` on a wrong master key. */
export async function openKeyring(options: KeyringOptions): Promise<OpenedKeyring> {
  const { registry } = options;
  const sealer = createSealer(parseMasterKeys(options.masterKeys));
  const callbackHmac = Buffer.from(
    await sealer.open(
      await registry.ensureSecret("callback-hmac", await sealer.seal(randomBytes(32))),
    ),
  );
  if (registry.snapshot().signingKeys.length === 0) await addSigningKey(registry, sealer);

  const opened = new Map<string, Buffer>();
  const making = new Map<number, Promise<readonly Buffer[]>>();
  const privateKeys = new Map<string, KeyObject>();
  let publicKeys = readPublicKeys(registry.snapshot());
  let current = await openSigningKey(registry.snapshot());

  const unsubscribe = registry.onChange((snapshot) => {
    publicKeys = readPublicKeys(snapshot);
    if (signingKey(snapshot)?.kid === current.kid) return;
    openSigningKey(snapshot).then(
      (key) => {
        current = key;
      },
      (error: unknown) => options.onError?.(error),
    );
  });

  // What another gateway wrote while the key above was being opened.
  publicKeys = readPublicKeys(registry.snapshot());
  current = await openSigningKey(registry.snapshot());

  return {
    callbackHmac,
    signing: () => current,
    verification: (kid) => publicKeys.get(kid)?.key,
    jwks: () => ({
      keys: [...publicKeys].map(([kid, { jwk }]) => ({ ...jwk, kid, alg: "EdDSA", use: "sig" })),
    }),
    seal: (plain) => sealer.seal(plain),
    renew: async (sealed) => (await sealer.reseal(sealed)) ?? sealed,
    open: (sealed) => sealer.open(sealed),
    callbackSecrets,

    async rotateCallbackSecret(namespaceId, actor) {
      const secret = randomBytes(32);
      const sealed = await sealer.seal(secret);
      for (;;) {
        await callbackSecrets(namespaceId);
        const [newest] = sealedSecrets(namespaceId);
        // The one before stays valid until the next rotation, so that receivers can change over.
        const secrets = [
          { sealed, createdAt: new Date(options.clock.now()) },
          ...(newest === undefined ? [] : [newest]),
        ];
        const seen = newest?.sealed ?? null;
        // Two rotations at once must not lose the secret that one of them has shown already.
        if (await registry.setCallbackSecrets(namespaceId, secrets, seen, actor)) return secret;
        if (registry.snapshot().namespacesById.get(namespaceId) === undefined) {
          throw new ApiError("NAMESPACE_NOT_FOUND", "the namespace was deleted just now");
        }
      }
    },

    close: unsubscribe,
  };

  function callbackSecrets(namespaceId: number): Promise<readonly Buffer[]> {
    const sealed = sealedSecrets(namespaceId);
    if (sealed.length > 0) return Promise.all(sealed.map((secret) => openSecret(secret.sealed)));
    const underway = making.get(namespaceId);
    if (underway !== undefined) return underway;
    const made = makeCallbackSecret(namespaceId).finally(() => making.delete(namespaceId));
    making.set(namespaceId, made);
    return made;
  }

  async function makeCallbackSecret(namespaceId: number): Promise<readonly Buffer[]> {
    // Two gateways may get here at once: insert-if-absent makes them agree on one secret.
    const sealed = await registry.ensureSecret(
      `callback-secret/${namespaceId}`,
      await sealer.seal(randomBytes(32)),
    );
    const createdAt = new Date(options.clock.now());
    const secrets = [{ sealed, createdAt }];
    if (await registry.setCallbackSecrets(namespaceId, secrets, null, system)) {
      return [await openSecret(sealed)];
    }
    // Another gateway made or rotated it since; the snapshot is newer now.
    return Promise.all(sealedSecrets(namespaceId).map((found) => openSecret(found.sealed)));
  }

  async function openSecret(sealed: string): Promise<Buffer> {
    const known = opened.get(sealed);
    if (known !== undefined) return known;
    const secret = Buffer.from(await sealer.open(sealed));
    if (opened.size >= openedLimit) opened.clear();
    opened.set(sealed, secret);
    return secret;
  }

  function sealedSecrets(namespaceId: number) {
    return registry.snapshot().namespacesById.get(namespaceId)?.callbackSecrets ?? [];
  }

  async function openSigningKey(
    snapshot: Snapshot,
  ): Promise<{ readonly kid: string; readonly privateKey: KeyObject }> {
    const key = signingKey(snapshot);
    if (key === undefined) throw new Error("the registry has no signing key that is not retired");
    const known = privateKeys.get(key.kid);
    if (known !== undefined) return { kid: key.kid, privateKey: known };
    const jwk = JSON.parse(
      Buffer.from(await sealer.open(key.sealedPrivateJwk)).toString(),
    ) as JsonWebKey;
    const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
    privateKeys.set(key.kid, privateKey);
    return { kid: key.kid, privateKey };
  }
}

function signingKey(snapshot: Snapshot): SigningKey | undefined {
  return snapshot.signingKeys.find((key) => key.retiredAt === null);
}

function readPublicKeys(snapshot: Snapshot): Map<string, { jwk: JsonWebKey; key: KeyObject }> {
  return new Map(
    snapshot.signingKeys.map(({ kid, publicJwk }) => {
      const jwk = JSON.parse(publicJwk) as JsonWebKey;
      return [kid, { jwk, key: createPublicKey({ key: jwk, format: "jwk" }) }];
    }),
  );
}

async function addSigningKey(registry: Registry, sealer: Sealer): Promise<void> {
  const pair = generateKeyPairSync("ed25519");
  const publicJwk = pair.publicKey.export({ format: "jwk" });
  const privateJwk = pair.privateKey.export({ format: "jwk" });
  const kid = await calculateJwkThumbprint({ ...publicJwk, kty: "OKP" });
  await registry.addSigningKey(
    {
      kid,
      publicJwk: JSON.stringify(publicJwk),
      sealedPrivateJwk: await sealer.seal(Buffer.from(JSON.stringify(privateJwk))),
    },
    system,
  );
}
