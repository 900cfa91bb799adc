export const namespacePattern = "^[a-z][a-z0-9-]*[a-z0-9]$";
export const endpointPattern = "^[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$";

export const namespaceName = {
  type: "string",
  pattern: namespacePattern,
  minLength: 2,
  maxLength: 63,
  examples: ["storefront"],
} as const;

export const endpointName = {
  type: "string",
  pattern: endpointPattern,
  minLength: 2,
  maxLength: 200,
  examples: ["analytics"],
} as const;

export const queueName = {
  type: "string",
  pattern: "^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$",
  minLength: 1,
  maxLength: 200,
  examples: ["reports"],
} as const;

export const uuid = {
  type: "string",
  pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
  examples: ["01981f6e-7c1a-7e2b-8d3c-4e5f60718293"],
} as const;

export const time = {
  type: "string",
  format: "date-time",
  examples: ["2026-08-14T09:30:00.000Z"],
} as const;

export const nullableTime = {
  type: ["string", "null"],
  format: "date-time",
  examples: ["2026-08-14T09:30:00.000Z"],
} as const;

export const duration = {
  type: "string",
  maxLength: 32,
  description: 'A number with its unit (`ms`, `s`, `m`), such as `"30s"`.',
  examples: ["30s"],
} as const;

/** Names of services and operations: any text that a URL segment can carry. */
export const segment = (example: string) =>
  ({ type: "string", minLength: 1, maxLength: 1000, examples: [example] }) as const;

export const pathOf = (properties: Record<string, object>) => ({
  type: "object",
  required: Object.keys(properties),
  properties,
});

export const listQuery = (more: Record<string, object> = {}) => ({
  type: "object",
  additionalProperties: false,
  properties: {
    limit: { type: "integer", minimum: 1, maximum: 200, description: "50 unless set." },
    cursor: {
      type: "string",
      maxLength: 4000,
      description: "`nextCursor` of the page before; good only for the same caller and filter.",
    },
    ...more,
  },
});

export const waitQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    wait: {
      ...duration,
      description: "Answers when the operation has ended, or after this time (at most `60s`).",
    },
  },
} as const;

export const conditionHeaders = (versioned: boolean) => ({
  type: "object",
  properties: {
    "if-none-match": { type: "string", description: "`*`: only if it is not there yet." },
    ...(versioned
      ? {
          "if-match": {
            type: "string",
            description: 'The ETag that was read, such as `"3"`: only if that is still current.',
          },
        }
      : {}),
  },
});

export const actingNamespace = {
  "nexus-mesh-namespace": {
    type: "string",
    description: "For whom a mesh-wide token acts; others act for their own namespace.",
  },
} as const;

export const etag = {
  ETag: { type: "string", description: "The version, for `If-Match`." },
} as const;

/** One JSON answer, by the name of its schema. */
export const json = (name: string, description: string, headers?: object) => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  content: { "application/json": { schema: { $ref: `${name}#` } } },
});

export const noContent = (description: string) => ({ description, type: "null" }) as const;

export const pageOf = (id: string, item: string, example: unknown) => ({
  $id: id,
  type: "object",
  required: ["items", "nextCursor"],
  properties: {
    items: { type: "array", items: { $ref: `${item}#` } },
    nextCursor: {
      type: ["string", "null"],
      description: "null on the last page.",
    },
  },
  examples: [{ items: [example], nextCursor: null }],
});
