import { describe, expect, it } from "vitest";
import { generateMasterKey } from "../../gateway/src/identity/master-key.ts";
import { SealBroken } from "../../gateway/src/identity/seal.ts";
import { waitFor } from "../harness/wait-for.ts";
import { actor, withDatabase } from "./open-identity.ts";

const masterKey = generateMasterKey();

describe("keyring", () => {
  it("makes its keys once: a second gateway opens the same ones", () =>
    withDatabase(async (open) => {
      const first = await open([masterKey]);
      const second = await open([masterKey]);
      expect(second.keys.callbackHmac).toEqual(first.keys.callbackHmac);
      expect(second.keys.signing().kid).toBe(first.keys.signing().kid);
      expect(second.keys.jwks()).toEqual(first.keys.jwks());
    }));

  it("publishes public keys only", () =>
    withDatabase(async (open) => {
      const { keys } = await open([masterKey]);
      const [jwk, ...others] = keys.jwks().keys;
      expect(others).toEqual([]);
      expect(jwk).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig" });
      expect(jwk).not.toHaveProperty("d");
    }));

  it("survives a rotation of the master key, and refuses a key that opens nothing", () =>
    withDatabase(async (open) => {
      const before = await open([masterKey]);
      const rotated = await open([generateMasterKey(), masterKey]);
      expect(rotated.keys.callbackHmac).toEqual(before.keys.callbackHmac);
      expect(rotated.keys.signing().kid).toBe(before.keys.signing().kid);
      await expect(open([generateMasterKey()])).rejects.toThrow(SealBroken);
    }));

  it("gives both gateways the same callback secret, and keeps one older after a rotation", () =>
    withDatabase(async (open) => {
      const [a, b] = [await open([masterKey]), await open([masterKey])];
      const { namespace } = await a.registry.putNamespace("team", "", "any", actor);
      await b.registry.refresh();
      const [ofA, ofB] = await Promise.all([
        a.keys.callbackSecrets(namespace.id),
        b.keys.callbackSecrets(namespace.id),
      ]);
      expect(ofA).toEqual(ofB);
      const [original] = ofA;
      const rotated = await a.keys.rotateCallbackSecret(namespace.id, actor);
      const latest = await a.keys.rotateCallbackSecret(namespace.id, actor);
      expect(await a.keys.callbackSecrets(namespace.id)).toEqual([latest, rotated]);
      expect([latest, rotated]).not.toContainEqual(original);
      await waitFor("the other gateway to sign with the new secret", async () => {
        const [newest] = await b.keys.callbackSecrets(namespace.id);
        return newest?.equals(latest) === true;
      });
    }));

  it("keeps both secrets of two rotations at the same moment", () =>
    withDatabase(async (open) => {
      const [a, b] = [await open([masterKey]), await open([masterKey])];
      const { namespace } = await a.registry.putNamespace("team", "", "any", actor);
      await b.registry.refresh();
      await a.keys.callbackSecrets(namespace.id);
      await b.registry.refresh();
      const shown = await Promise.all([
        a.keys.rotateCallbackSecret(namespace.id, actor),
        b.keys.rotateCallbackSecret(namespace.id, actor),
      ]);
      await Promise.all([a.registry.refresh(), b.registry.refresh()]);
      const hex = (secrets: readonly Buffer[]): string[] =>
        secrets.map((secret) => secret.toString("hex")).toSorted();
      expect(hex(await a.keys.callbackSecrets(namespace.id))).toEqual(hex(shown));
    }));
});
