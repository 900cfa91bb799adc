import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from "jose";
import type { MasterKey } from "./master-key.ts";

/** What is stored was sealed with a master key that this process was not given. */
export class SealBroken extends Error {
  override readonly name = "SealBroken";
}

export interface Sealer {
  seal(plain: Uint8Array): Promise<string>;
  /** Throws {@link SealBroken}. */
  open(sealed: string): Promise<Uint8Array>;
  /** Sealed with the first key; undefined when it is already. Throws {@link SealBroken}. */
  reseal(sealed: string): Promise<string | undefined>;
}

/** Secrets at rest: compact JWE, `dir` with A256GCM. The first key seals, all of them open. */
export function createSealer(keys: readonly [MasterKey, ...MasterKey[]]): Sealer {
  const [sealing] = keys;
  return {
    seal,
    open,
    async reseal(sealed) {
      const plain = await open(sealed);
      return decodeProtectedHeader(sealed)["kid"] === sealing.kid ? undefined : seal(plain);
    },
  };

  function seal(plain: Uint8Array): Promise<string> {
    return new CompactEncrypt(plain)
      .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: sealing.kid })
      .encrypt(sealing.bytes);
  }

  async function open(sealed: string): Promise<Uint8Array> {
    try {
      const { plaintext } = await compactDecrypt(
        sealed,
        ({ kid }) => {
          const key = keys.find((candidate) => candidate.kid === kid);
          if (key === undefined) throw new SealBroken(wrongKey(kid));
          return key.bytes;
        },
        { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] },
      );
      return plaintext;
    } catch (error) {
      if (error instanceof SealBroken) throw error;
      if (error instanceof errors.JOSEError)
        throw new SealBroken("a sealed value is damaged", { cause: error });
      throw error;
    }
  }
}

function wrongKey(kid: string | undefined): string {
  return `a stored secret was sealed with master key ${kid ?? "(unnamed)"}, which is not among the keys given: set NEXUS_MESH_MASTER_KEY to the key this database was made with, or to "new,old" while rotating`;
}
