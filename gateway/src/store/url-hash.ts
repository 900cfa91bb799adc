import { createHash } from "node:crypto";

/** Names a callback URL without repeating it, for it may hold a secret. */
export function urlHash(url: string): string {
  const hex = createHash("sha256").update(url).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
