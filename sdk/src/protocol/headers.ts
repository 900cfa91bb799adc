/** Names are lower-case, as Node delivers them; the wire is case-insensitive (protocol.md 1.1). */
export const headerNames = {
  requestId: "nexus-request-id",
  operationToken: "nexus-operation-token",
  operationState: "nexus-operation-state",
  startTime: "nexus-operation-start-time",
  closeTime: "nexus-operation-close-time",
  link: "nexus-link",
  requestTimeout: "request-timeout",
  operationTimeout: "operation-timeout",
  retryable: "nexus-request-retryable",
  failureSupport: "temporal-nexus-failure-support",
  callbackPrefix: "nexus-callback-",
  contentPrefix: "content-",
  namespace: "nexus-mesh-namespace",
  callerRequestId: "nexus-mesh-caller-request-id",
  inputDigest: "nexus-mesh-input-digest",
  scheduleToStart: "nexus-mesh-schedule-to-start",
  startToClose: "nexus-mesh-start-to-close",
  callerIdentity: "nexus-mesh-caller-identity",
  priority: "nexus-mesh-priority",
  taskToken: "nexus-mesh-task-token",
  taskPath: "nexus-mesh-task-path",
  taskLease: "nexus-mesh-task-lease",
  taskAttempt: "nexus-mesh-task-attempt",
  operationId: "nexus-mesh-operation-id",
  callbackUrl: "nexus-mesh-callback-url",
} as const;

/**
 * A single-valued view of Node's `rawHeaders`: lower-case names, of a duplicate the first value, as the reference does.
 * Node itself joins duplicates with `", "`, which is right for links alone (pitfall 5).
 */
export function firstValues(rawHeaders: readonly string[]): Record<string, string> {
  const values = Object.create(null) as Record<string, string>;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? "";
    const value = rawHeaders[i + 1] ?? "";
    const first = values[name];
    if (first === undefined) values[name] = value;
    else if (name === headerNames.link) values[name] = `${first}, ${value}`;
  }
  return values;
}
