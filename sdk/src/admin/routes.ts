import type { operations } from "@nexus-mesh/openapi/types";

/** Operations of the API that the admin client calls; the Nexus paths belong to the caller's client, and a stream is no call. */
export type AdminOperationId = Exclude<
  keyof operations,
  | "startNexusOperation"
  | "cancelNexusOperation"
  | "cancelNexusOperationByPath"
  | "completeNexusOperation"
  | "getJwks"
  | "live"
  | "watchOperation"
>;

/** The compiler demands every operation of the document here, and none that is not. */
export const adminRoutes: {
  readonly [Id in AdminOperationId]: readonly ["GET" | "POST" | "PUT" | "DELETE", string];
} = {
  getVersion: ["GET", "/v1/version"],
  whoami: ["GET", "/v1/whoami"],
  listNamespaces: ["GET", "/v1/namespaces"],
  getNamespace: ["GET", "/v1/namespaces/{namespace}"],
  putNamespace: ["PUT", "/v1/namespaces/{namespace}"],
  deleteNamespace: ["DELETE", "/v1/namespaces/{namespace}"],
  listTokens: ["GET", "/v1/namespaces/{namespace}/tokens"],
  issueToken: ["POST", "/v1/namespaces/{namespace}/tokens"],
  revokeToken: ["DELETE", "/v1/namespaces/{namespace}/tokens/{tokenId}"],
  getCallbackSecret: ["GET", "/v1/namespaces/{namespace}/callback-secret"],
  rotateCallbackSecret: ["POST", "/v1/namespaces/{namespace}/callback-secret/rotate"],
  getEgressPolicy: ["GET", "/v1/namespaces/{namespace}/egress"],
  putEgressPolicy: ["PUT", "/v1/namespaces/{namespace}/egress"],
  listEndpoints: ["GET", "/v1/endpoints"],
  getEndpoint: ["GET", "/v1/endpoints/{endpoint}"],
  putEndpoint: ["PUT", "/v1/endpoints/{endpoint}"],
  deleteEndpoint: ["DELETE", "/v1/endpoints/{endpoint}"],
  listGrants: ["GET", "/v1/endpoints/{endpoint}/grants"],
  putGrant: ["PUT", "/v1/endpoints/{endpoint}/grants/{grant}"],
  deleteGrant: ["DELETE", "/v1/endpoints/{endpoint}/grants/{grant}"],
  checkAccess: ["POST", "/v1/access-checks"],
  startOperation: ["POST", "/v1/endpoints/{endpoint}/services/{service}/operations/{operation}"],
  lookupOperation: [
    "GET",
    "/v1/endpoints/{endpoint}/services/{service}/operations/{operation}/requests/{requestId}",
  ],
  listOperations: ["GET", "/v1/operations"],
  getOperation: ["GET", "/v1/operations/{operationId}"],
  getOperationResult: ["GET", "/v1/operations/{operationId}/result"],
  listAttempts: ["GET", "/v1/operations/{operationId}/attempts"],
  reportProgress: ["POST", "/v1/operations/{operationId}/progress"],
  cancelOperation: ["POST", "/v1/operations/{operationId}/cancel"],
  terminateOperation: ["POST", "/v1/operations/{operationId}/terminate"],
  redriveOperation: ["POST", "/v1/operations/{operationId}/redrive"],
  listQueues: ["GET", "/v1/namespaces/{namespace}/queues"],
  getQueue: ["GET", "/v1/namespaces/{namespace}/queues/{queue}"],
  deleteQueue: ["DELETE", "/v1/namespaces/{namespace}/queues/{queue}"],
  pollQueue: ["POST", "/v1/namespaces/{namespace}/queues/{queue}/poll"],
  heartbeatTasks: ["POST", "/v1/tasks/heartbeat"],
  completeTask: ["POST", "/v1/tasks/complete"],
  failTask: ["POST", "/v1/tasks/fail"],
  startTask: ["POST", "/v1/tasks/start"],
  releaseTasks: ["POST", "/v1/tasks/release"],
  listCallbacks: ["GET", "/v1/callbacks"],
  getCallback: ["GET", "/v1/callbacks/{callbackId}"],
  redeliverCallback: ["POST", "/v1/callbacks/{callbackId}/redeliver"],
};
