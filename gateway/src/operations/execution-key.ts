import { hash as oneShotHash, randomUUID } from "node:crypto";

/**
 * The mesh's identity of one execution (architecture.md, rule 4). Handlers name workflows by it, so two tenants with
 * the same `order-1` must never share one: caller and endpoint are part of it, and each part is length-prefixed.
 */
export function executionKey(parts: {
  callerNs: number;
  endpointId: number;
  service: string;
  operation: string;
  requestId: string | null;
}): string {
  if (parts.requestId === null) return randomUUID();
  const pieces: Buffer[] = [];
  for (const part of [
    String(parts.callerNs),
    String(parts.endpointId),
    parts.service,
    parts.operation,
    parts.requestId,
  ]) {
    const bytes = Buffer.from(part);
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(bytes.length);
    pieces.push(length, bytes);
  }
  return digestUuid(Buffer.concat(pieces));
}

/**
 * Same key, other input → CONFLICT. An encrypting caller's bytes differ at every try, so it may send a digest. Without a
 * request id nobody can repeat the call: then the key itself serves.
 */
export function inputHash(
  request: { readonly requestId: string | null; readonly key: string; readonly body: Buffer },
  content: Readonly<Record<string, string>>,
  callerDigest: string | undefined,
): string {
  const { requestId, key, body } = request;
  if (requestId === null) return key;
  if (callerDigest !== undefined) return digestUuid(Buffer.from(`digest\0${callerDigest}`));
  const head = `body\0${content["content-type"] ?? ""}\0${content["content-encoding"] ?? ""}\0`;
  return digestUuid(Buffer.concat([Buffer.from(head), body]));
}

/** One call that gives text: a sixth of the time that an object, its methods and a Buffer take for short inputs. */
export function digestUuid(bytes: Buffer): string {
  return dashed(oneShotHash("sha256", bytes, "hex"));
}

export function uuidOf(bytes: Buffer): string {
  return dashed(bytes.toString("hex", 0, 16));
}

/** Of the first 32 hexadecimal digits. */
function dashed(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}
