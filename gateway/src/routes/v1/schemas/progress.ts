import { noContent, pathOf, uuid } from "./parameters.ts";
import { problems } from "./problem.ts";

export const ProgressInput = {
  $id: "ProgressInput",
  type: "object",
  additionalProperties: false,
  properties: {
    step: { type: "integer", minimum: 0 },
    of: { type: "integer", minimum: 0 },
    message: { type: "string", maxLength: 1000 },
    detail: { description: "Any JSON, up to 4 KiB." },
  },
  examples: [{ step: 2, of: 5, message: "reading" }],
} as const;

export const reportProgress = {
  method: "POST",
  url: "/v1/operations/:operationId/progress",
  schema: {
    operationId: "reportProgress",
    summary: "Report how far an operation is",
    description:
      "For handlers behind a URL; the callback token of the start is the credential. It is written once a second at most, the newest of what came meanwhile.",
    tags: ["operations"],
    security: [{ callbackToken: [] }],
    params: pathOf({ operationId: uuid }),
    headers: {
      type: "object",
      required: ["nexus-mesh-completion-token"],
      properties: { "nexus-mesh-completion-token": { type: "string", maxLength: 8000 } },
    },
    body: { $ref: "ProgressInput#" },
    response: {
      202: noContent("It is written, or will be within a second."),
      ...problems(
        "INVALID_CALLBACK_TOKEN",
        "OPERATION_NOT_FOUND",
        "OPERATION_CLOSED",
        "PAYLOAD_TOO_LARGE",
      ),
    },
  },
} as const;
