import { readFile } from "node:fs/promises";
import type { Terminal } from "./terminal.ts";

export class InputUnreadable extends Error {
  override readonly name = "InputUnreadable";
}

/** `-` is stdin, `@file` a file, everything else is the text itself. */
export async function readInput(text: string, terminal: Terminal): Promise<Buffer> {
  if (text === "-") return terminal.stdin();
  if (!text.startsWith("@")) return Buffer.from(text);
  try {
    return await readFile(text.slice(1));
  } catch (error) {
    throw new InputUnreadable(
      `${text.slice(1)} can't be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

export function parseJson(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch (error) {
    throw new InputUnreadable(
      `${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
