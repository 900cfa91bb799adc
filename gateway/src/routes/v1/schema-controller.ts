import { buildValidator } from "./request-validation.ts";
import { buildSerializer } from "./response-serializers.ts";

/** How Fastify compiles what the routes of `/v1` say of their requests and answers. */
export const schemaController = { compilersFactory: { buildValidator, buildSerializer } } as const;
