import { createHash, randomBytes } from "node:crypto";

export interface MasterKey {
  /** Names the key in what it sealed, and says nothing about it. */
  readonly kid: string;
  readonly bytes: Uint8Array;
}

export class InvalidMasterKey extends Error {
  override readonly name = "InvalidMasterKey";
}

/** One or two (rotation) keys, base64url or base64 of 32 bytes each. The first seals, all open. */
export function parseMasterKeys(texts: readonly string[]): readonly [MasterKey, ...MasterKey[]] {
  const [first, ...others] = texts.map(parseMasterKey);
  if (first === undefined) throw new InvalidMasterKey("there is no master key");
  if (others.length > 1)
    throw new InvalidMasterKey(
      "at most two master keys are allowed: the new one, then the old one",
    );
  return [first, ...others];
}

export function generateMasterKey(): string {
  return randomBytes(32).toString("base64url");
}

function parseMasterKey(text: string): MasterKey {
  const bytes = new Uint8Array(Buffer.from(text.trim(), "base64url"));
  // The text itself must not get into logs.
  if (bytes.length !== 32 || !/^[\w+/-]+=*$/.test(text.trim()))
    throw new InvalidMasterKey("a master key must be 32 bytes in base64url (43 characters)");
  const kid = createHash("sha256")
    .update("nexus-mesh master key")
    .update(bytes)
    .digest("base64url");
  return { kid: kid.slice(0, 12), bytes };
}
