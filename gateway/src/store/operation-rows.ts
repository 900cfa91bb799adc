import { isTerminal, stateName } from "../operations/lifecycle.ts";
import { attemptColumns, attemptOf, insertAttempts, type AttemptRow } from "./attempt-row.ts";
import { epochMs, finite, headColumns, headOf, type HeadRow } from "./head-row.ts";
import { arrays, unnest } from "./row-arrays.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import type { Attempt, OperationRow, OperationSummary, OutcomeRow, Store } from "./store.ts";

export interface SummarySql {
  id: string;
  key: string;
  caller_ns: number;
  owner_ns: number;
  endpoint_id: number;
  service: string;
  operation: string;
  request_id: string | null;
  principal: string;
  labels: Record<string, string> | null;
  callback_url: string | null;
  close_by: number;
  start_by: number | null;
  start_to_close_ms: number | null;
  redrive_of: string | null;
  priority: number | null;
}

interface OperationSql extends SummarySql {
  headers: Buffer;
  callback_headers: Buffer | null;
  content_headers: Buffer;
  input: Buffer;
}

interface OutcomeSql {
  id: string;
  key: string;
  state: number;
  closed_at: number;
  handler_token: string | null;
  content_headers: Buffer | null;
  result: Buffer | null;
  failure: Buffer | null;
  digest: string;
  attempts: Buffer | null;
}

export const summaryColumns = `id, key, caller_ns, owner_ns, endpoint_id, service, operation, request_id, principal, labels,
  callback_url, ${epochMs("close_by")} as close_by, ${epochMs("start_by")} as start_by,
  start_to_close_ms::float8 as start_to_close_ms, redrive_of, priority`;

// `= any` prunes partitions when it is planned; a join with unnest would lock all of them.
const byIds: Statement = {
  name: "operations",
  text: `select ${summaryColumns}, headers, callback_headers, content_headers, input
    from operation where id = any($1::uuid[])`,
};
const byId: Statement = {
  name: "operation",
  text: `select ${summaryColumns}, headers, callback_headers, content_headers, input
    from operation where id = $1`,
};
const summaryById: Statement = {
  name: "operation-summary",
  text: `select ${summaryColumns} from operation where id = $1`,
};
const outcomeById: Statement = {
  name: "outcome",
  text: `select id, key, state, ${epochMs("closed_at")} as closed_at, handler_token, content_headers, result, failure,
    digest, attempts from outcome where id = $1`,
};
const headsByKey: Statement = {
  name: "heads",
  text: `select ${headColumns("head")}, worker, progress from head where key = any($1::uuid[])`,
};
const endsByIds: Statement = {
  name: "outcome-states",
  text: `select id, state, ${epochMs("closed_at")} as closed_at, handler_token
    from outcome where id = any($1::uuid[])`,
};
const attemptsById: Statement = {
  name: "attempts",
  text: `select kind, n, ${epochMs("at")} as at, ms, target_id, status, error
    from attempt where id = $1 order by attempt.at, kind, n`,
};
const attemptArrays = attemptColumns((attempt: Attempt) => attempt);
const insertMany: Statement = {
  name: "add-attempts",
  text: `with w as (select $1::uuid as key, $2::uuid as id, r.* from ${unnest(attemptArrays, 3)})
    ${insertAttempts("w")}`,
};

type OperationRows = Pick<
  Store,
  "operation" | "operations" | "outcome" | "summary" | "attempts" | "addAttempts"
> & {
  /** Heads and ends of listed operations, in two reads by key and id. */
  summaries(rows: readonly SummarySql[]): Promise<OperationSummary[]>;
};

export function createOperationRows(connection: StoreConnection): OperationRows {
  async function summaries(rows: readonly SummarySql[]): Promise<OperationSummary[]> {
    if (rows.length === 0) return [];
    const found = await connection.repeat<
      HeadRow & { worker: string | null; progress: Buffer | null }
    >(headsByKey, [rows.map(({ key }) => key)]);
    const heads = new Map(found.map((row) => [row.id, headOf(row)]));
    const reports = new Map(found.map((row) => [row.id, row]));
    // An open head has no outcome; the others are asked after their heads, so that none falls in between.
    const ended = rows.filter(({ id }) => {
      const head = heads.get(id);
      return head === undefined || isTerminal(head.state);
    });
    const ends = new Map(
      ended.length === 0
        ? []
        : (
            await connection.repeat<
              Pick<OutcomeSql, "id" | "state" | "closed_at" | "handler_token">
            >(endsByIds, [ended.map(({ id }) => id)])
          ).map((row) => [row.id, row]),
    );
    return rows.map((row) => {
      const end = ends.get(row.id);
      return {
        row: summaryOf(row),
        head: heads.get(row.id) ?? null,
        worker: reports.get(row.id)?.worker ?? null,
        progress: reports.get(row.id)?.progress ?? null,
        outcome:
          end === undefined
            ? null
            : {
                state: terminalState(end.state),
                closedAt: end.closed_at,
                handlerToken: end.handler_token,
              },
      };
    });
  }

  return {
    summaries,

    async operation(id) {
      const [row] = await connection.repeat<OperationSql>(byId, [id]);
      return row === undefined ? undefined : operationOf(row);
    },

    async operations(ids) {
      if (ids.length === 0) return [];
      return (await connection.repeat<OperationSql>(byIds, [ids])).map(operationOf);
    },

    async outcome(id) {
      const [row] = await connection.repeat<OutcomeSql>(outcomeById, [id]);
      return row === undefined ? undefined : outcomeOf(row);
    },

    async summary(id) {
      const rows = await connection.repeat<SummarySql>(summaryById, [id]);
      return (await summaries(rows))[0];
    },

    async attempts(id) {
      return (await connection.repeat<AttemptRow>(attemptsById, [id])).map(attemptOf);
    },

    async addAttempts(key, id, attempts) {
      if (attempts.length === 0) return;
      await connection.repeat(insertMany, [key, id, ...arrays(attemptArrays, attempts)]);
    },
  };
}

function summaryOf(row: SummarySql): OperationSummary["row"] {
  return {
    id: row.id,
    key: row.key,
    callerNs: row.caller_ns,
    ownerNs: row.owner_ns,
    endpointId: row.endpoint_id,
    service: row.service,
    operation: row.operation,
    requestId: row.request_id,
    principal: row.principal,
    labels: row.labels,
    callbackUrl: row.callback_url,
    closeBy: finite(row.close_by),
    startBy: row.start_by,
    startToCloseMs: row.start_to_close_ms,
    redriveOf: row.redrive_of,
    priority: row.priority,
  };
}

function operationOf(row: OperationSql): OperationRow {
  return {
    ...summaryOf(row),
    headers: row.headers,
    callbackHeaders: row.callback_headers,
    contentHeaders: row.content_headers,
    input: row.input,
  };
}

function outcomeOf(row: OutcomeSql): OutcomeRow {
  return {
    id: row.id,
    key: row.key,
    state: terminalState(row.state),
    closedAt: row.closed_at,
    handlerToken: row.handler_token,
    headers: row.content_headers,
    result: row.result,
    failure: row.failure,
    digest: row.digest,
    attempts: row.attempts,
  };
}

function terminalState(code: number) {
  const state = stateName(code);
  if (!isTerminal(state)) throw new Error(`an outcome can't be ${state}`);
  return state;
}
