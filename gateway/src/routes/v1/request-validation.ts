import { createRequire } from "node:module";
import type AjvCompiler from "@fastify/ajv-compiler";

/** CommonJS, and its types name no callable default for ESM. */
const ajvCompiler = createRequire(import.meta.url)("@fastify/ajv-compiler") as typeof AjvCompiler;

/**
 * Ajv as `/v1` needs it: an unknown field is an error, not dropped. Paths, queries and headers are text and become
 * numbers; a body has types of its own, and `{"host": 7}` is not a host named "7".
 */
export function buildValidator(
  schemas: Parameters<AjvCompiler.BuildCompilerFromPool>[0],
): ReturnType<AjvCompiler.BuildCompilerFromPool> {
  const build = ajvCompiler();
  const compiler = (coerceTypes: boolean): ReturnType<typeof build> =>
    build(schemas, { customOptions: { removeAdditional: false, useDefaults: true, coerceTypes } });
  const [body, text] = [compiler(false), compiler(true)];
  return (route) => (route.httpPart === "body" ? body(route) : text(route));
}
