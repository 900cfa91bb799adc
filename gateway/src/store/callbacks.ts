import { insertAttempts, attemptColumns } from "./attempt-row.ts";
import { callbackCodes, callbackNames } from "./callback-codes.ts";
import { epochMs, milliseconds, windowEnd } from "./head-row.ts";
import { arrays, unnest } from "./row-arrays.ts";
import { inStates, openCodes, terminalCodes } from "./state-guards.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import { owes, type Attempt, type CallbackRow, type Store } from "./store.ts";
import { urlHash } from "./url-hash.ts";
import { isUuid } from "./uuid-v7.ts";

const maxRounds = 5;
const listChunk = 200;

interface CallbackSql {
  key: string;
  id: string;
  url_hash: string;
  url: string;
  headers: Buffer | null;
  state: number;
  due_at: number;
  attempt: number;
  fence: number;
  created_at: number;
  last_status: number | null;
  last_error: string | null;
}

const columns = `callback.key, callback.id, callback.url_hash, callback.url, callback.headers, callback.state,
  ${epochMs("callback.due_at")} as due_at, callback.attempt, callback.fence,
  ${epochMs("callback.created_at")} as created_at, callback.last_status, callback.last_error`;

const ownUrl: Statement = {
  name: "own-callback-url",
  text: `select callback_url, key, callback_headers, caller_ns from operation where id = $1`,
};

// The own URL once more needs no row: the bit alone keeps an inline waiter from taking the own callback away.
const attachStatement: Statement = {
  name: "attach",
  text: `
    with l as (
      select h.key, h.id from head h
      where h.key = $1 and h.id = $2 and ${inStates("h.state", openCodes)} for update
    ),
    u as (
      update head set owes = head.owes | ${owes.furtherCallbacks} from l
      where head.key = l.key and head.id = l.id
      returning head.key, head.id, head.caller_ns
    ),
    c as (
      insert into callback (key, id, url_hash, url, headers, state, due_at, caller_ns)
      select key, id, $3, $4, $5::bytea, ${callbackCodes.waiting}, 'infinity', caller_ns from u where not $6::boolean
      on conflict (key, id, url_hash) do nothing
    )
    select id from u`,
};

const stateStatement: Statement = {
  name: "attach-state",
  text: `select ${inStates("state", terminalCodes)} as terminal from head where key = $1 and id = $2`,
};

const armStatement: Statement = {
  name: "arm-callbacks",
  text: `
    with l as (
      select h.key, h.id, h.fence from head h
      where h.key = $1 and h.id = $2 and h.fence = $3 and ${inStates("h.state", terminalCodes)} for update
    ),
    c as (
      update callback set state = ${callbackCodes.due}, due_at = now() from l
      where callback.key = l.key and callback.id = l.id and callback.state = ${callbackCodes.waiting}
    )
    update head set owes = head.owes & ~${owes.furtherCallbacks},
      due_at = case when head.owes & ~${owes.furtherCallbacks} = 0 then ${windowEnd} else head.due_at end
    from l where head.key = l.key and head.id = l.id and head.fence = l.fence
    returning head.id`,
};

const sweepStatement: Statement = {
  name: "sweep-callbacks",
  text: `
    with d as (
      select key, id, url_hash from callback
      where due_at <= now() and state in (0, 1) and state = ${callbackCodes.due}
      order by due_at limit $2 for update skip locked
    )
    update callback set fence = callback.fence + 1, due_at = now() + ${milliseconds("$1::float8")} from d
    where callback.key = d.key and callback.id = d.id and callback.url_hash = d.url_hash
    returning ${columns}`,
};

const noteColumns = attemptColumns((attempt: Attempt) => attempt);
const noteStatement: Statement = {
  name: "note-callback",
  text: `
    with u as (
      update callback set state = $5, due_at = case when $6::float8 is null then 'infinity' else now() + ${milliseconds("$6::float8")} end,
        attempt = coalesce($7::int, callback.attempt + 1), last_status = $8, last_error = $9
      where key = $1 and id = $2 and url_hash = $3 and fence = $4 and state = ${callbackCodes.due}
      returning key, id
    ),
    w as (select u.key, u.id, r.* from u cross join ${unnest(noteColumns, 10)}),
    a as (${insertAttempts("w")})
    select id from u`,
};

const oneStatement: Statement = {
  name: "callback",
  text: `select ${columns} from callback where id = $1 and url_hash = $2`,
};

// $1 null: all namespaces. The cursor is the last row's (id, url_hash).
const listStatement: Statement = {
  name: "callbacks",
  text: `select ${columns} from callback
    where ($1::int is null or caller_ns = $1) and state = any($2::smallint[])
      and ($3::uuid is null or (id, url_hash) < ($3, $4::uuid))
    order by id desc, url_hash desc limit $5`,
};

const againStatement: Statement = {
  name: "redeliver",
  text: `update callback set state = ${callbackCodes.due}, due_at = now(), fence = fence + 1, created_at = now()
    where id = $1 and url_hash = $2 and state <> ${callbackCodes.waiting} returning id`,
};

const hasEnded: Statement = {
  name: "has-outcome",
  text: `select 1 as there from outcome where id = $1`,
};

const newRow: Statement = {
  name: "redeliver-own",
  text: `insert into callback (key, id, url_hash, url, headers, state, due_at, caller_ns)
    values ($1, $2, $3, $4, $5, ${callbackCodes.due}, now(), $6) on conflict do nothing returning id`,
};

type Callbacks = Pick<
  Store,
  | "attach"
  | "armCallbacks"
  | "sweepCallbacks"
  | "noteCallback"
  | "callbacks"
  | "callback"
  | "redeliver"
>;

export function createCallbacks(connection: StoreConnection): Callbacks {
  const { leaseMs } = connection;

  return {
    async attach(key, id, url, sealedHeaders) {
      // Read apart: a statement that locks rows must not read a partitioned table.
      const [own] = await connection.repeat<{ callback_url: string | null }>(ownUrl, [id]);
      for (let round = 0; round < maxRounds; round += 1) {
        const attached = await connection.repeat(attachStatement, [
          key,
          id,
          urlHash(url),
          url,
          sealedHeaders,
          own?.callback_url === url,
        ]);
        if (attached.length > 0) return "attached";
        const [head] = await connection.repeat<{ terminal: boolean }>(stateStatement, [key, id]);
        if (head === undefined) return "unknown";
        if (head.terminal) return "terminal";
      }
      throw new Error(`the head of operation ${id} comes and goes`);
    },

    async armCallbacks(lease) {
      const rows = await connection.repeat(armStatement, [lease.key, lease.id, lease.fence]);
      return rows.length > 0 ? "written" : "stale";
    },

    async sweepCallbacks(limit) {
      return (await connection.once<CallbackSql>(sweepStatement, [leaseMs, limit])).map(callbackOf);
    },

    async noteCallback(row, result) {
      const attempt = result.kind === "delivered" ? null : result.attempt;
      const rows = await connection.repeat(noteStatement, [
        row.key,
        row.id,
        urlHash(row.url),
        row.fence,
        callbackCodes[result.kind === "retry" ? "due" : result.kind],
        result.kind === "retry" ? Math.max(0, result.delayMs) : null,
        attempt?.n ?? null,
        attempt?.status ?? null,
        attempt?.error ?? null,
        ...arrays(noteColumns, attempt === null ? [] : [attempt]),
      ]);
      return rows.length > 0 ? "written" : "stale";
    },

    async callbacks({ namespaceId, states }, limit, before) {
      const cursor = before === null ? undefined : parseCallbackId(before);
      const wanted = states.length === 0 ? callbackNames : states;
      const rows = await connection.repeat<CallbackSql>(listStatement, [
        namespaceId,
        wanted.map((state) => callbackCodes[state]),
        cursor?.id ?? null,
        cursor?.hash ?? null,
        Math.min(limit, listChunk) + 1,
      ]);
      const items = rows.slice(0, Math.min(limit, listChunk)).map(callbackOf);
      return {
        items,
        next: rows.length > items.length ? (items.at(-1)?.callbackId ?? null) : null,
      };
    },

    async callback(callbackId) {
      const ref = parseCallbackId(callbackId);
      if (ref === undefined) return undefined;
      const [row] = await connection.repeat<CallbackSql>(oneStatement, [ref.id, ref.hash]);
      return row === undefined ? undefined : callbackOf(row);
    },

    async redeliver(callbackId) {
      const ref = parseCallbackId(callbackId);
      if (ref === undefined) return false;
      const again = await connection.repeat(againStatement, [ref.id, ref.hash]);
      if (again.length > 0) return true;
      const [operation] = await connection.repeat<{
        callback_url: string | null;
        key: string;
        callback_headers: Buffer | null;
        caller_ns: number;
      }>(ownUrl, [ref.id]);
      const url = operation?.callback_url ?? null;
      if (operation === undefined || url === null || urlHash(url) !== ref.hash) return false;
      if ((await connection.repeat(hasEnded, [ref.id])).length === 0) return false;
      await connection.repeat(newRow, [
        operation.key,
        ref.id,
        ref.hash,
        url,
        operation.callback_headers,
        operation.caller_ns,
      ]);
      return true;
    },
  };
}

function parseCallbackId(text: string): { id: string; hash: string } | undefined {
  const [id = "", hash = ""] = text.split(".");
  return isUuid(id) && isUuid(hash) && text.length === id.length + hash.length + 1
    ? { id, hash }
    : undefined;
}

function callbackOf(row: CallbackSql): CallbackRow {
  const state = callbackNames[row.state];
  if (state === undefined) throw new Error(`no callback state has the code ${row.state}`);
  return {
    callbackId: `${row.id}.${row.url_hash}`,
    key: row.key,
    id: row.id,
    url: row.url,
    headers: row.headers,
    state,
    dueAt: row.due_at,
    attempt: row.attempt,
    fence: row.fence,
    createdAt: row.created_at,
    lastStatus: row.last_status,
    lastError: row.last_error,
  };
}
