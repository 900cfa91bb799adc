import { describe, expect, it } from "vitest";
import {
  generateMasterKey,
  InvalidMasterKey,
  parseMasterKeys,
} from "../../gateway/src/identity/master-key.ts";
import { createSealer, SealBroken } from "../../gateway/src/identity/seal.ts";

const oldKey = generateMasterKey();
const newKey = generateMasterKey();
const secret = Buffer.from("a secret");

describe("sealed values", () => {
  it("come back whole and show nothing", async () => {
    const sealer = createSealer(parseMasterKeys([oldKey]));
    const sealed = await sealer.seal(secret);
    expect(sealed).not.toContain(secret.toString("base64url"));
    expect(Buffer.from(await sealer.open(sealed))).toEqual(secret);
  });

  it("of the old master key open during a rotation, and new ones need the new key only", async () => {
    const sealedBefore = await createSealer(parseMasterKeys([oldKey])).seal(secret);
    const rotating = createSealer(parseMasterKeys([newKey, oldKey]));
    expect(Buffer.from(await rotating.open(sealedBefore))).toEqual(secret);
    const after = createSealer(parseMasterKeys([newKey]));
    expect(Buffer.from(await after.open(await rotating.seal(secret)))).toEqual(secret);
    await expect(after.open(sealedBefore)).rejects.toThrow(/NEXUS_MESH_MASTER_KEY/);
  });

  it("that were changed do not open", async () => {
    const sealer = createSealer(parseMasterKeys([oldKey]));
    const parts = (await sealer.seal(secret)).split(".");
    const [header = "", key = "", iv = "", text = "", tag = ""] = parts;
    const flipped = Buffer.from(text, "base64url");
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    const changed = [header, key, iv, flipped.toString("base64url"), tag].join(".");
    await expect(sealer.open(changed)).rejects.toThrow(SealBroken);
    await expect(sealer.open("nonsense")).rejects.toThrow(SealBroken);
  });
});

describe("master keys", () => {
  it.each([[[]], [["short"]], [[`${oldKey}x`]], [[oldKey, newKey, oldKey]], [["*".repeat(43)]]])(
    "%# is refused without being repeated",
    (texts) => {
      expect(() => parseMasterKeys(texts)).toThrow(InvalidMasterKey);
      expect(() => parseMasterKeys(texts)).not.toThrow(new RegExp(oldKey));
    },
  );

  it("may be written in standard base64, as openssl prints it", () => {
    const text = Buffer.alloc(32, 0xfb).toString("base64");
    expect(parseMasterKeys([text])[0].bytes).toHaveLength(32);
  });
});
