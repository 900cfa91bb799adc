import { errorCodes, type ApiErrorCode } from "../../../api-error.ts";

export const Problem = {
  $id: "Problem",
  type: "object",
  description: "What went wrong, as RFC 9457 says it. `code` is stable; texts may change.",
  required: ["type", "title", "status", "code", "detail", "retryable"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", enum: Object.keys(errorCodes) },
    detail: { type: "string", description: "Names the subject and the value." },
    instance: {
      type: "string",
      description: "The path that was asked for; absent where the request could not be read.",
    },
    retryable: { type: "boolean", description: "The same request may succeed later." },
    hint: { type: "string", description: "What to do, where the gateway knows it." },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["pointer", "rule", "detail"],
        properties: {
          pointer: {
            type: "string",
            description:
              "A JSON pointer into the body, or `header:Name`, `query:name`, `path:name`.",
          },
          rule: { type: "string" },
          detail: { type: "string" },
        },
      },
    },
    currentVersion: { type: "integer", description: "With VERSION_CONFLICT." },
    operationId: { type: "string", description: "Where an operation is the reason." },
    endpoint: { type: "string", description: "With GRANT_MISSING." },
    caller: { type: "string", description: "With GRANT_MISSING." },
    owner: { type: "string", description: "With GRANT_MISSING." },
  },
  examples: [
    {
      type: "urn:nexus-mesh:error:ENDPOINT_NOT_FOUND",
      title: "The endpoint is unknown",
      status: 404,
      code: "ENDPOINT_NOT_FOUND",
      detail: 'endpoint "analytics" is not known',
      instance: "/v1/endpoints/analytics",
      retryable: false,
      hint: "nexus-mesh endpoint list shows the endpoints of this mesh",
    },
  ],
} as const;

const everywhere: readonly ApiErrorCode[] = [
  "INVALID_REQUEST",
  "UNAUTHENTICATED",
  "TOKEN_EXPIRED",
  "TOKEN_REVOKED",
  "PERMISSION_DENIED",
  "INTERNAL",
  "STORE_UNAVAILABLE",
];

/** The error responses of a route: what every route answers, and its own codes, grouped by status. */
export function problems(...own: ApiErrorCode[]): Record<number, object> {
  const byStatus = new Map<number, ApiErrorCode[]>();
  for (const code of new Set([...everywhere, ...own])) {
    const { status } = errorCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${errorCodes[code].title}.`).join("\n\n"),
        content: { "application/problem+json": { schema: { $ref: "Problem#" } } },
      },
    ]),
  );
}
