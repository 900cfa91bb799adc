import { createHash } from "node:crypto";
import { ApiError } from "../../api-error.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Caller } from "../../identity/principal.ts";

const defaultLimit = 50;

export interface PageRequest {
  readonly limit?: number;
  readonly cursor?: string;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** Binds a list's cursors to the caller, the list, its filter and its order. */
export function pages(keys: GatewayContext["keys"], caller: Caller, list: string, filter: unknown) {
  const bound = createHash("sha256")
    .update(
      JSON.stringify([
        list,
        caller.principal.subject,
        caller.principal.tokenNamespaceId,
        caller.namespace?.id ?? null,
        filter,
      ]),
    )
    .digest("base64url");

  return {
    limit: ({ limit }: PageRequest): number => limit ?? defaultLimit,

    /** The position that the page before ended at; null: the first page. */
    async position({ cursor }: PageRequest): Promise<string | null> {
      if (cursor === undefined) return null;
      const opened = await openCursor(keys, cursor);
      if (opened.bound !== bound) throw invalidCursor("belongs to another list, filter or caller");
      return opened.position;
    },

    async cursor(position: string | null): Promise<string | null> {
      if (position === null) return null;
      return keys.seal(Buffer.from(JSON.stringify([bound, position])));
    },
  };
}

/** A page of a list that the snapshot holds whole; `order` is unique and sorts newest first when descending. */
export async function pageOfAll<T>(
  all: Iterable<T>,
  order: (item: T) => string,
  request: PageRequest,
  paging: ReturnType<typeof pages>,
): Promise<Page<T>> {
  const position = await paging.position(request);
  const limit = paging.limit(request);
  const sorted = [...all]
    .map((item) => ({ item, at: order(item) }))
    .filter(({ at }) => position === null || at < position)
    .sort((a, b) => (a.at < b.at ? 1 : -1));
  const page = sorted.slice(0, limit);
  const last = sorted.length > limit ? (page.at(-1)?.at ?? null) : null;
  return { items: page.map(({ item }) => item), nextCursor: await paging.cursor(last) };
}

/** Sorts as text in the order of time, then of the id. */
export function timeOrder(createdAt: Date, id: string | number): string {
  const tie = typeof id === "number" ? String(id).padStart(16, "0") : id;
  return `${createdAt.toISOString()} ${tie}`;
}

async function openCursor(
  keys: GatewayContext["keys"],
  cursor: string,
): Promise<{ bound: string; position: string }> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(await keys.open(cursor)).toString());
  } catch (error) {
    // Whatever is wrong with it, it isn't one that this mesh made.
    throw invalidCursor("is not one that this mesh gave", error);
  }
  const parts: readonly unknown[] = Array.isArray(parsed) ? parsed : [];
  const [bound, position] = parts;
  if (typeof bound !== "string" || typeof position !== "string") {
    throw invalidCursor("is not one of a list");
  }
  return { bound, position };
}

function invalidCursor(detail: string, cause?: unknown): ApiError {
  return new ApiError("INVALID_CURSOR", `the cursor ${detail}`, {
    violations: [{ pointer: "query:cursor", rule: "cursor", detail }],
    cause,
  });
}
