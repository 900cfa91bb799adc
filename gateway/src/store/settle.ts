import { states } from "../operations/lifecycle.ts";
import type { Metrics } from "../metrics.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { headColumns, headOf, leaseOf, milliseconds, windowEnd, type HeadRow } from "./head-row.ts";
import { arrays, sameKey, unnest, unnestWithout, type ArrayColumn } from "./row-arrays.ts";
import { inStates, openCodes, terminalCodes } from "./state-guards.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import { owes, type Settle, type Settled } from "./store.ts";

interface Item {
  readonly settle: Settle;
  /** Monotonic ms of the first sending. */
  sentAt: number | undefined;
}

/** A row that appeared between the two statements is settled in the next round. */
const maxRounds = 5;
const rowBytes = 256;

const columns: readonly ArrayColumn<Settle>[] = [
  { name: "key", type: "uuid", value: (s) => s.key },
  { name: "id", type: "uuid", value: (s) => s.id },
  { name: "state", type: "smallint", value: (s) => states[s.outcome.state] },
  { name: "handler_token", type: "text", value: (s) => s.outcome.handlerToken },
  { name: "content_headers", type: "bytea", value: (s) => s.outcome.headers },
  { name: "result", type: "bytea", value: (s) => s.outcome.result },
  { name: "digest", type: "uuid", value: (s) => s.outcome.digest },
];

/** Null where a completion says how an operation went well, which nearly every settle is. */
const rareColumns: readonly ArrayColumn<Settle>[] = [
  { name: "fence", type: "int", value: ({ by }) => (by.kind === "holder" ? by.fence : null) },
  {
    name: "attempted",
    type: "boolean",
    value: ({ by }) => (by.kind === "holder" && by.attempted === true ? true : null),
  },
  { name: "failure", type: "bytea", value: (s) => s.outcome.failure },
  { name: "attempts", type: "bytea", value: (s) => s.outcome.attempts },
  { name: "taken_inline", type: "boolean", value: (s) => (s.takenInline ? true : null) },
  { name: "owes_cancel", type: "boolean", value: (s) => (s.owesCancel ? true : null) },
];

// A further caller was promised the callback too (attach): then an inline waiter takes nothing away.
const owesAfter = `(
  (head.owes & ~${owes.cancel}
    & ~(case when r.taken_inline and head.owes & ${owes.furtherCallbacks} = 0 then ${owes.callback} else 0 end))
  | (case when r.owes_cancel then ${owes.cancel} else 0 end))::smallint`;

// A lease that is still long is kept: an unchanged due_at leaves the update HOT.
const keptOrNew = `case
  when head.due_at > now() + ${milliseconds("$1::float8 / 2")} and head.due_at <= now() + ${milliseconds("$1::float8")}
  then head.due_at else now() + ${milliseconds("$1::float8")} end`;

// A completion may come before the note of the attempt that started it, or when the gateway of that attempt is dead.
const completedAttempt = `case
  when r.fence is null and r.state in (${states.succeeded}, ${states.failed}, ${states.canceled})
  then 1 else 0 end`;

// One step: the rows come in the order of their keys, and one that waited for a lock is judged, and changed, as it is then.
const update = updateFrom("settle", unnestWithout(columns, rareColumns, 2));
const updateAll = updateFrom("settle-all", unnest([...columns, ...rareColumns], 2));

function updateFrom(name: string, rows: string): Statement {
  return {
    name,
    text: `
    with u as (
      update head set state = r.state, fence = head.fence + 1,
        attempt = greatest(head.attempt + (r.attempted is true)::int, ${completedAttempt}),
        owes = ${owesAfter}, running = false, handler_token = coalesce(head.handler_token, r.handler_token),
        closed_at = now(),
        due_at = case when ${owesAfter} <> 0 then ${keptOrNew}
          else ${windowEnd.replaceAll("head.closed_at", "now()")} end
      from ${rows}
      where ${sameKey("head", "r")} and head.id = r.id and ${inStates("head.state", openCodes)}
        and (r.fence is null or head.fence = r.fence)
      returning head.*, r.content_headers, r.result, r.failure, r.digest, r.attempts
    ),
    o as (
      insert into outcome (id, key, caller_ns, state, closed_at, handler_token, content_headers, result, failure,
        digest, attempts)
      select id, key, caller_ns, state, closed_at, handler_token, content_headers, result, failure, digest, attempts
      from u
    )
    select ${headColumns("u")} from u`,
  };
}

const readHeads = {
  name: "settle-heads",
  text: `select ${headColumns("head")} from head where key = any($1::uuid[])`,
};
const readDigests = {
  name: "settle-digests",
  text: `select id, digest from outcome where id = any($1::uuid[])`,
};

export function createSettle(
  connection: StoreConnection,
  metrics: Metrics,
): Pick<GroupCommit<Settle, Settled>, "submit" | "flush"> {
  const { clock, leaseMs } = connection;
  const batches = createGroupCommit<Item, Settled>({
    statement: "settle",
    clock,
    metrics,
    keyOf: ({ settle }) => settle.key,
    bytesOf: ({ settle: { outcome } }) =>
      rowBytes + (outcome.result?.length ?? 0) + (outcome.failure?.length ?? 0),
    // Two outcomes of one key in a statement: 23505 for the whole batch.
    onePerKey: true,
    write,
  });
  return {
    submit: (settle) => batches.submit({ settle, sentAt: undefined }),
    flush: () => batches.flush(),
  };

  async function write(items: readonly Item[]): Promise<Settled[]> {
    const results = new Map<Item, Settled>();
    let left = items;
    for (let round = 0; left.length > 0 && round < maxRounds; round += 1) {
      for (const [item, settled] of await writeOnce(left)) results.set(item, settled);
      left = left.filter((item) => !results.has(item));
    }
    return items.map((item) => {
      const settled = results.get(item);
      if (settled === undefined)
        throw new Error(`the head of operation ${item.settle.id} comes and goes`);
      return settled;
    });
  }

  async function writeOnce(items: readonly Item[]): Promise<Map<Item, Settled>> {
    const now = clock.monotonic();
    const repeated = new Set(items.filter(({ sentAt }) => sentAt !== undefined));
    for (const item of items) item.sentAt ??= now;
    const settles = items.map(({ settle }) => settle);
    const usual = settles.every((row) => rareColumns.every(({ value }) => value(row) === null));
    const updated = byKey(
      await connection.runBatch<HeadRow>(usual ? update : updateAll, [
        leaseMs,
        ...arrays(usual ? columns : [...columns, ...rareColumns], settles),
      ]),
    );
    const results = new Map<Item, Settled>();
    for (const item of items) {
      const row = updated.get(item.settle.key);
      if (row !== undefined) results.set(item, settledBy(row, now, row.fence));
    }
    const missed = items.filter((item) => !results.has(item));
    if (missed.length === 0) return results;
    const heads = byKey(
      await connection.run<HeadRow>(readHeads, [missed.map(({ settle }) => settle.key)]),
    );
    const ended = [...heads.values()].filter(({ state }) => terminalCodes.includes(state));
    const digests = new Map(
      ended.length === 0
        ? []
        : (
            await connection.run<{ id: string; digest: string }>(readDigests, [
              ended.map(({ id }) => id),
            ])
          ).map(({ id, digest }) => [id, digest]),
    );
    for (const item of missed) {
      const result = explain(item, heads.get(item.settle.key), digests, repeated.has(item), now);
      if (result !== undefined) results.set(item, result);
    }
    return results;
  }

  /** Why a row was not settled; undefined: it appeared meanwhile and can be. */
  function explain(
    { settle, sentAt }: Item,
    row: HeadRow | undefined,
    digests: ReadonlyMap<string, string>,
    repeated: boolean,
    now: number,
  ): Settled | undefined {
    if (row?.id !== settle.id) return { kind: "unknown" };
    if (terminalCodes.includes(row.state)) {
      const digest = digests.get(row.id) ?? null;
      // A holder's own settle whose answer was lost: "already" would leave its inline waiter without the outcome.
      if (
        repeated &&
        settle.by.kind === "holder" &&
        row.fence > settle.by.fence &&
        digest === settle.outcome.digest
      )
        return settledBy(row, sentAt ?? now, settle.by.fence + 1);
      return { kind: "already", head: headOf(row), digest };
    }
    return settle.by.kind === "holder" && row.fence !== settle.by.fence
      ? { kind: "stale" }
      : undefined;
  }

  /** `fence`: the one this settle made; the sweep may have taken a row whose answer was lost. */
  function settledBy(row: HeadRow, sentAt: number, fence: number): Settled {
    const leaseLeft = row.due_at - (row.closed_at ?? row.due_at);
    return {
      kind: "settled",
      owes: row.owes,
      lease: row.owes === 0 || row.fence !== fence ? null : leaseOf(row, sentAt + leaseLeft),
      head: headOf(row),
    };
  }
}

function byKey(rows: readonly HeadRow[]): Map<string, HeadRow> {
  return new Map(rows.map((row) => [row.key, row]));
}
