import { json, namespaceName, pathOf } from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["callback secrets"];
const params = pathOf({ namespace: namespaceName });

export const CallbackSecret = {
  $id: "CallbackSecret",
  type: "object",
  required: ["secrets"],
  properties: {
    secrets: {
      type: "array",
      items: { type: "string" },
      description: "Standard Webhooks secrets, newest first; two while a rotation is under way.",
    },
  },
  examples: [{ secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }],
} as const;

export const callbackSecretSchemas = [CallbackSecret];

export const getCallbackSecret = {
  method: "GET",
  url: "/v1/namespaces/:namespace/callback-secret",
  schema: {
    operationId: "getCallbackSecret",
    summary: "The secret that signs a namespace's callbacks",
    tags,
    params,
    response: {
      200: json("CallbackSecret", "For the callback receiver."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND"),
    },
  },
} as const;

export const rotateCallbackSecret = {
  method: "POST",
  url: "/v1/namespaces/:namespace/callback-secret/rotate",
  schema: {
    operationId: "rotateCallbackSecret",
    summary: "Rotate a namespace's callback secret",
    description: "Deliveries are signed with both until the next rotation.",
    tags,
    params,
    response: {
      200: json("CallbackSecret", "The new one first."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND"),
    },
  },
} as const;
