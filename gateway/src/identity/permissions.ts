import { roles, type Role } from "@nexus-mesh/registry/registry";
import { ApiError } from "../api-error.ts";
import type { Caller } from "./principal.ts";

const everyone: readonly Role[] = roles;
const operators = ["admin", "owner", "caller"] as const satisfies readonly Role[];
const owners = ["admin", "owner"] as const satisfies readonly Role[];
const workers = ["admin", "owner", "handler"] as const satisfies readonly Role[];
const admins = ["admin"] as const satisfies readonly Role[];

/**
 * The one table role × operationId. It says what a role may do at all; whose rows are seen and changed (its own
 * namespace's) is decided by the route, starts by grants.
 */
export const permissions = {
  startNexusOperation: operators,
  cancelNexusOperation: operators,

  getVersion: everyone,
  whoami: everyone,
  checkAccess: everyone,

  listNamespaces: everyone,
  getNamespace: everyone,
  putNamespace: admins,
  deleteNamespace: admins,

  listTokens: owners,
  issueToken: owners,
  revokeToken: owners,

  getCallbackSecret: operators,
  rotateCallbackSecret: owners,

  getEgressPolicy: everyone,
  putEgressPolicy: admins,

  listEndpoints: everyone,
  getEndpoint: everyone,
  putEndpoint: owners,
  deleteEndpoint: owners,

  listGrants: everyone,
  putGrant: owners,
  deleteGrant: owners,

  startOperation: operators,
  lookupOperation: everyone,
  listOperations: everyone,
  getOperation: everyone,
  getOperationResult: everyone,
  listAttempts: everyone,
  watchOperation: everyone,
  // Whose it is, the callback token says.
  reportProgress: everyone,
  cancelOperation: operators,
  terminateOperation: owners,
  redriveOperation: operators,

  listQueues: everyone,
  getQueue: everyone,
  deleteQueue: owners,
  pollQueue: workers,
  heartbeatTasks: workers,
  completeTask: workers,
  failTask: workers,
  startTask: workers,
  releaseTasks: workers,

  listCallbacks: everyone,
  getCallback: everyone,
  redeliverCallback: operators,
} as const satisfies Record<string, readonly Role[]>;

export type OperationId = keyof typeof permissions;

export function mayCall(role: Role, operationId: OperationId): boolean {
  const allowed: readonly Role[] = permissions[operationId];
  return allowed.includes(role);
}

export function assertRole(caller: Caller, operationId: OperationId): void {
  const { role } = caller.principal;
  if (mayCall(role, operationId)) return;
  const allowed = permissions[operationId].join(", ");
  throw new ApiError("PERMISSION_DENIED", `role ${role} may not ${operationId}`, {
    hint: `It takes a token of role ${allowed}`,
  });
}
