import type { GatewayContext } from "../gateway-context.ts";
import type { Principal } from "./principal.ts";

/** Whether a credential that was good when a long answer began is good now. What its role may do never changes. */
export function isStillValid(
  { clock, registry }: Pick<GatewayContext, "clock" | "registry">,
  { expiresAt, tokenId, tokenNamespaceId }: Principal,
): boolean {
  const { revokedTokens, namespacesById } = registry.snapshot();
  if (clock.now() >= expiresAt || revokedTokens.has(tokenId)) return false;
  return tokenNamespaceId === null || namespacesById.has(tokenNamespaceId);
}
