import { createHash, createHmac, sign, timingSafeEqual, verify, type KeyObject } from "node:crypto";

export interface CompletionId {
  readonly operationId: string;
  /** Counts the completions of one operation; the mesh sends one. */
  readonly n: number;
  readonly state: "succeeded" | "failed" | "canceled";
  readonly digest: string;
}

/**
 * `webhook-id`: Standard Webhooks signs id, time and body only, so the id carries the rest. No dots: they separate the
 * signed parts.
 */
export function completionId(id: CompletionId): string {
  return `${id.operationId}_${id.n}_${id.state}_${id.digest}`;
}

export function parseCompletionId(text: string): CompletionId | undefined {
  const match = /^([0-9a-f-]{36})_(\d{1,9})_(succeeded|failed|canceled)_([A-Za-z0-9-]{43})$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, operationId = "", n = "", state, digest = ""] = match;
  return { operationId, n: Number(n), state: state as CompletionId["state"], digest };
}

/** Over the operation token and the content headers, whose change would change what the body means. */
export function headerDigest(
  operationToken: string,
  contentHeaders: Readonly<Record<string, string>>,
): string {
  const hash = createHash("sha256").update(operationToken).update("\0");
  for (const name of Object.keys(contentHeaders).sort()) {
    hash
      .update(name)
      .update("\0")
      .update(contentHeaders[name] ?? "")
      .update("\0");
  }
  // base64url has "_", which separates the parts of the id.
  return hash.digest("base64url").replaceAll("_", "0");
}

/** `v1,<base64>`: HMAC-SHA-256 of `id.timestamp.body`. `secret`: the raw bytes behind `whsec_`. */
export function signV1(
  secret: Uint8Array,
  id: string,
  timestampSeconds: number,
  body: Uint8Array,
): string {
  return `v1,${hmac(secret, id, timestampSeconds, body).toString("base64")}`;
}

/** `v1a,<base64>`: Ed25519 over the same bytes. */
export function signV1a(
  privateKey: KeyObject,
  id: string,
  timestampSeconds: number,
  body: Uint8Array,
): string {
  return `v1a,${sign(null, signedBytes(id, timestampSeconds, body), privateKey).toString("base64")}`;
}

/** `header`: the `webhook-signature` value, several signatures separated by spaces. Any that verifies is enough. */
export function verifySignature(
  keys: { readonly secrets: readonly Uint8Array[]; readonly publicKeys: readonly KeyObject[] },
  header: string,
  id: string,
  timestampSeconds: number,
  body: Uint8Array,
): boolean {
  return header.split(" ").some((signature) => {
    const [version, encoded] = signature.split(",");
    if (encoded === undefined) return false;
    const bytes = Buffer.from(encoded, "base64");
    if (version === "v1") {
      return keys.secrets.some((secret) => {
        const expected = hmac(secret, id, timestampSeconds, body);
        return bytes.length === expected.length && timingSafeEqual(bytes, expected);
      });
    }
    if (version !== "v1a") return false;
    return keys.publicKeys.some((key) =>
      verify(null, signedBytes(id, timestampSeconds, body), key, bytes),
    );
  });
}

function hmac(secret: Uint8Array, id: string, timestampSeconds: number, body: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(`${id}.${timestampSeconds}.`).update(body).digest();
}

function signedBytes(id: string, timestampSeconds: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${id}.${timestampSeconds}.`), body]);
}
