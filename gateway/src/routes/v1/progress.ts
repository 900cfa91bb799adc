import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Schema } from "../route.ts";

const maxDetailBytes = 4 * 1024;

/** As it is stored and shown: with the time of its report. */
export function progressBytes(
  { clock }: Pick<GatewayContext, "clock">,
  input: Schema<"ProgressInput">,
  pointer: string,
): Buffer {
  const { step = null, of = null, message = null } = input;
  const detail = input.detail ?? null;
  const bytes = Buffer.byteLength(JSON.stringify(detail));
  if (bytes > maxDetailBytes) {
    const text = `has ${bytes} bytes; at most ${maxDetailBytes} are allowed`;
    throw new ApiError("INVALID_REQUEST", `${pointer}/detail ${text}`, {
      violations: [{ pointer: `${pointer}/detail`, rule: "max-bytes", detail: text }],
    });
  }
  return Buffer.from(
    JSON.stringify({ step, of, message, at: new Date(clock.now()).toISOString(), detail }),
  );
}

/** The decoder of what {@link progressBytes} made: only this gateway writes that column. */
export function readProgress(bytes: Buffer): NonNullable<Schema<"Operation">["progress"]> {
  return JSON.parse(bytes.toString()) as NonNullable<Schema<"Operation">["progress"]>;
}
