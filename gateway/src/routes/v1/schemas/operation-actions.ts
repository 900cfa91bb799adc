import { json, noContent, pathOf, uuid } from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["operations"];
const params = pathOf({ operationId: uuid });

export const TerminateInput = {
  $id: "TerminateInput",
  type: "object",
  additionalProperties: false,
  properties: { reason: { type: "string", maxLength: 1000 } },
  examples: [{ reason: "the order was withdrawn" }],
} as const;

export const Redriven = {
  $id: "Redriven",
  type: "object",
  required: ["id", "created"],
  properties: {
    id: { ...uuid, description: "The same id, or the new operation's." },
    created: { type: "boolean", description: "A new operation repeats one that had ended." },
  },
  examples: [{ id: "01981f6e-7c1a-7e2b-8d3c-4e5f60718293", created: false }],
} as const;

export const operationActionSchemas = [TerminateInput, Redriven];

export const cancelOperation = {
  method: "POST",
  url: "/v1/operations/:operationId/cancel",
  schema: {
    operationId: "cancelOperation",
    summary: "Ask the handler to cancel",
    description: "The wish is recorded; the operation decides how it ends. A repeat does nothing.",
    tags,
    params,
    response: {
      202: noContent("Recorded, or the operation has ended already."),
      ...problems("OPERATION_NOT_FOUND"),
    },
  },
} as const;

export const terminateOperation = {
  method: "POST",
  url: "/v1/operations/:operationId/terminate",
  schema: {
    operationId: "terminateOperation",
    summary: "End an operation without asking its handler",
    tags,
    params,
    body: { $ref: "TerminateInput#" },
    response: {
      200: json("Operation", "It has ended as `terminated`."),
      ...problems("OPERATION_NOT_FOUND", "OPERATION_CLOSED", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

export const redriveOperation = {
  method: "POST",
  url: "/v1/operations/:operationId/redrive",
  schema: {
    operationId: "redriveOperation",
    summary: "Try a parked operation again, or repeat an ended one",
    tags,
    params,
    response: {
      200: json("Redriven", "The same operation goes on, or its repeat was there already."),
      201: json("Redriven", "A new operation repeats it."),
      ...problems(
        "OPERATION_NOT_FOUND",
        "OPERATION_OPEN",
        "ENDPOINT_NOT_FOUND",
        "NAMESPACE_NOT_FOUND",
        "OVERLOADED",
        "DRAINING",
      ),
    },
  },
} as const;
