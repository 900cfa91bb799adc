import { states } from "../operations/lifecycle.ts";
import { summaryColumns, type SummarySql } from "./operation-rows.ts";
import type { StoreConnection } from "./store-connection.ts";
import type { ListFilter, OperationSummary, Store } from "./store.ts";
import { firstUuidAt } from "./uuid-v7.ts";

/** A page answers with what it found, and a cursor, when its time is used up. */
const budgetMs = 50;
const firstChunk = 100;
const largestChunk = 1_000;
const runningStates = new Set(["backing_off", "parked", "started"]);
/** Not prepared: the text differs with the filter. */
const unnamed = "";

interface Chunk {
  readonly rows: readonly SummarySql[];
  /** Where the scan goes on; null: nothing is left. */
  readonly cursor: string | null;
}

/** Newest first; bounded scans over one index, the other filters applied on the way. */
export function createListOperations(
  connection: StoreConnection,
  summaries: (rows: readonly SummarySql[]) => Promise<OperationSummary[]>,
): Store["list"] {
  const { clock } = connection;

  return async (filter, limit, before) => {
    const from = clock.monotonic();
    const wanted = new Set(filter.states);
    const items: OperationSummary[] = [];
    let cursor = before;
    let chunk = Math.max(limit + 1, firstChunk);
    for (;;) {
      const scanned = await scan(filter, cursor, chunk);
      for (const summary of await summaries(scanned.rows)) {
        const state = summary.head?.state ?? summary.outcome?.state;
        if (wanted.size > 0 && (state === undefined || !wanted.has(state))) continue;
        if (items.length === limit) return { items, next: items.at(-1)?.row.id ?? null };
        items.push(summary);
      }
      cursor = scanned.cursor;
      if (cursor === null || clock.monotonic() - from > budgetMs) return { items, next: cursor };
      chunk = Math.min(chunk * 2, largestChunk);
    }
  };

  async function scan(filter: ListFilter, before: string | null, limit: number): Promise<Chunk> {
    const { conditions, values } = onBothTables(filter, before);
    const running =
      filter.states.length > 0 && filter.states.every((state) => runningStates.has(state));
    if (running) return scanRunning(filter, conditions, values, limit);
    for (const name of ["service", "operation"] as const) {
      const value = filter[name];
      if (value === null) continue;
      values.push(value);
      conditions.push(`${name} = $${values.length}`);
    }
    values.push(limit);
    const rows = await connection.repeat<SummarySql>(
      {
        name: unnamed,
        text: `select ${summaryColumns} from operation where ${conditions.join(" and ")}
          order by operation.id desc limit $${values.length}`,
      },
      values,
    );
    return { rows, cursor: cursorAfter(rows, limit) };
  }

  /** "Running now" has its own small index; what it names is then read by id. */
  async function scanRunning(
    filter: ListFilter,
    conditions: readonly string[],
    values: readonly unknown[],
    limit: number,
  ): Promise<Chunk> {
    const found = await connection.repeat<{ id: string }>(
      {
        name: unnamed,
        text: `select id from head where running and ${conditions.join(" and ")}
          and state = any($${values.length + 1}::smallint[])
          order by id desc limit $${values.length + 2}`,
      },
      [...values, filter.states.map((state) => states[state]), limit],
    );
    const rows = await connection.repeat<SummarySql>(
      {
        name: unnamed,
        text: `select ${summaryColumns} from operation
          where id = any($1::uuid[]) and ($2::text is null or service = $2) and ($3::text is null or operation = $3)
          order by operation.id desc`,
      },
      [found.map(({ id }) => id), filter.service, filter.operation],
    );
    return { rows, cursor: cursorAfter(found, limit) };
  }
}

/** Conditions on columns that `head` and `operation` share, only those that are asked for: each shape has its plan. */
function onBothTables(
  filter: ListFilter,
  before: string | null,
): { conditions: string[]; values: unknown[] } {
  const conditions = ["true"];
  const values: unknown[] = [];
  const add = (condition: string, value: number | string | null): void => {
    if (value === null) return;
    values.push(value);
    conditions.push(`${condition} $${values.length}`);
  };
  add(filter.view === "made" ? "caller_ns =" : "owner_ns =", filter.namespaceId);
  add("endpoint_id =", filter.endpointId);
  add("caller_ns =", filter.callerNs);
  add("id <", before);
  add("id <", filter.before === null ? null : firstUuidAt(filter.before));
  add("id >=", filter.after === null ? null : firstUuidAt(filter.after));
  return { conditions, values };
}

function cursorAfter(rows: readonly { id: string }[], limit: number): string | null {
  return rows.length < limit ? null : (rows.at(-1)?.id ?? null);
}
