import { createRequire } from "node:module";
import type SerializerSelector from "@fastify/fast-json-stringify-compiler";

/** CommonJS, and its types name no callable default for ESM. */
const serializerSelector = createRequire(import.meta.url)(
  "@fastify/fast-json-stringify-compiler",
) as typeof SerializerSelector;

/**
 * One serializer for each schema rather than for each answer of each route: most of them are the same few, and building
 * one checks all shared schemas anew, which was most of a gateway's start.
 */
export function buildSerializer(
  schemas?: unknown,
  options?: SerializerSelector.Options,
): SerializerSelector.SerializerCompiler {
  const compile = serializerSelector()(schemas, options);
  const known = new Map<string, SerializerSelector.Serializer>();
  return (route) => {
    const key = JSON.stringify(route.schema);
    const serializer = known.get(key) ?? compile(route);
    known.set(key, serializer);
    return serializer;
  };
}
