import type { Attempt } from "../../store/store.ts";
import type { Schema } from "../route.ts";
import { iso } from "./visible-operation.ts";

export function attemptJson({ kind, n, at, ms, status, error }: Attempt): Schema<"Attempt"> {
  return { kind, n, at: iso(at), durationMs: Math.round(ms), status, error };
}
