import type { Endpoint, Grant, Snapshot } from "@nexus-mesh/registry/registry";
import { ApiError } from "../api-error.ts";

/** The grant that lets the namespace start the operation on the endpoint. The owner needs one too. */
export function grantFor(
  snapshot: Snapshot,
  endpoint: Pick<Endpoint, "id">,
  callerNamespace: string,
  service: string,
  operation: string,
): Grant | undefined {
  return snapshot.grants
    .get(endpoint.id)
    ?.find(
      (grant) =>
        matchesPattern(grant.caller, callerNamespace) &&
        matchesPattern(grant.service, service) &&
        matchesPattern(grant.operation, operation),
    );
}

export function assertGranted(
  snapshot: Snapshot,
  endpoint: Endpoint,
  callerNamespace: string,
  service: string,
  operation: string,
): Grant {
  const grant = grantFor(snapshot, endpoint, callerNamespace, service, operation);
  if (grant !== undefined) return grant;
  throw new ApiError(
    "GRANT_MISSING",
    `namespace ${callerNamespace} may not start ${service}/${operation} on endpoint ${endpoint.name}, which namespace ${endpoint.owner} owns`,
    {
      hint: `Ask ${endpoint.owner} to run: ${grantCommand(endpoint.name, callerNamespace, service, operation)}`,
      members: { endpoint: endpoint.name, caller: callerNamespace, owner: endpoint.owner },
    },
  );
}

export function grantCommand(
  endpoint: string,
  caller: string,
  service: string,
  operation: string,
): string {
  return `nexus-mesh grant put ${quoted(endpoint)} --caller ${quoted(caller)} --service ${quoted(service)} --operation ${quoted(operation)}`;
}

/** `*` stands for any run of characters, the empty one too. Linear: patterns are written by tenants. */
export function matchesPattern(pattern: string, name: string): boolean {
  if (pattern === "*" || pattern === name) return true;
  if (!pattern.includes("*")) return false;
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop() ?? "";
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** Names are the caller's own text, and the command is meant to be pasted into a shell. */
function quoted(name: string): string {
  return /^[\w.:/-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}
