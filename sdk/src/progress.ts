/** How far an operation is, shown with it to its caller. */
export interface Progress {
  /** An integer, from 0. */
  readonly step?: number;
  /** Steps in all. */
  readonly of?: number;
  /** At most 1,000 characters. */
  readonly message?: string;
  /** Anything that JSON can hold, up to 4 KiB. */
  readonly detail?: unknown;
}

const maxMessageCharacters = 1_000;
const maxDetailBytes = 4 * 1024;

/**
 * A copy that the gateway takes: what the handler does to its objects later changes no report.
 * @throws TypeError that names the field and its limit.
 */
export function checkedProgress(progress: Progress): Progress {
  const { step, of, message, detail } = progress;
  return {
    ...(step === undefined ? {} : { step: checkedCount("step", step) }),
    ...(of === undefined ? {} : { of: checkedCount("of", of) }),
    ...(message === undefined ? {} : { message: checkedMessage(message) }),
    ...(detail === undefined ? {} : { detail: checkedDetail(detail) }),
  };
}

function checkedCount(field: "step" | "of", value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`progress.${field} is ${String(value)}; it must be an integer, 0 or more`);
}

function checkedMessage(message: unknown): string {
  if (typeof message !== "string") throw new TypeError("progress.message must be a string");
  // Characters as the gateway counts them: code points, not UTF-16 units.
  const { length } = Array.from(message);
  if (length <= maxMessageCharacters) return message;
  throw new TypeError(
    `progress.message has ${length} characters; at most ${maxMessageCharacters} are allowed`,
  );
}

/** Its own type leaves out what it makes of a function or a symbol. */
const toJson: (value: unknown) => string | undefined = JSON.stringify;

function checkedDetail(detail: unknown): unknown {
  let text: string | undefined;
  try {
    text = toJson(detail);
  } catch (error) {
    throw new TypeError("progress.detail must be something that JSON can hold", { cause: error });
  }
  if (text === undefined)
    throw new TypeError("progress.detail must be something that JSON can hold");
  const bytes = Buffer.byteLength(text);
  if (bytes > maxDetailBytes)
    throw new TypeError(
      `progress.detail has ${bytes} bytes of JSON; at most ${maxDetailBytes} are allowed`,
    );
  return JSON.parse(text) as unknown;
}
