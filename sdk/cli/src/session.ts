import { AdminError, createAdminClient, type AdminClient } from "@nexus-mesh/sdk/admin";
import type { Command } from "commander";
import { chooseContext, type Context } from "./contexts.ts";
import type { Terminal } from "./terminal.ts";

export interface GlobalOptions {
  readonly json?: boolean;
  readonly context?: string;
}

/** One invocation: where it goes, and how it shows what it got. */
export interface Session {
  readonly admin: AdminClient;
  readonly context: Context;
  readonly terminal: Terminal;
  /** The reply as JSON with `--json`, else as the text for people. */
  show(reply: unknown, text: () => string): void;
}

/** Set by a command that ends otherwise than with 0 without an error. */
type SetExitCode = (code: number) => void;

export interface Registration {
  readonly program: Command;
  readonly session: () => Promise<Session>;
  readonly terminal: Terminal;
  readonly exit: SetExitCode;
}

export async function openSession(options: GlobalOptions, terminal: Terminal): Promise<Session> {
  const context = await chooseContext(options.context, terminal.env);
  return {
    context,
    terminal,
    admin: createAdminClient(context),
    show(reply, text) {
      terminal.stdout(
        options.json === true ? `${JSON.stringify(reply ?? null, null, 2)}\n` : text(),
      );
    },
  };
}

/** All pages of a list, up to `limit` items. */
export async function everyPage<Item>(
  page: (
    cursor: string | undefined,
  ) => Promise<{ items: Item[]; nextCursor?: string | null | undefined }>,
  limit: number,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const got = await page(cursor);
    items.push(...got.items);
    cursor = got.nextCursor ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  return items.slice(0, limit);
}

/** For commands that create or change: undefined where there is nothing yet. */
export async function whatIsThere<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof AdminError && error.status === 404) return undefined;
    throw error;
  }
}
