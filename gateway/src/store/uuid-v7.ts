import { randomUUID } from "node:crypto";

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * RFC 9562. Time-ordered, because `operation` and `outcome` are partitioned by it. The random part is a version 4 UUID's,
 * which Node draws from a pool; `randomBytes` at each call took 20 µs.
 */
export function uuidV7(nowMs: number, random: string = randomUUID()): string {
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** Epoch ms. */
export function uuidV7Time(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The smallest id of that millisecond: a bound for scans by time. */
export function firstUuidAt(ms: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(Math.min(Math.max(0, Math.floor(ms)), 2 ** 48 - 1), 0, 6);
  return format(bytes);
}

/** Canonical form only (lower case): ids are compared and sorted as text. */
export function isUuid(text: string): boolean {
  return pattern.test(text);
}

function format(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
