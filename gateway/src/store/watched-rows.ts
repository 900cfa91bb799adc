import { isTerminal, stateName, states } from "../operations/lifecycle.ts";
import { attemptOf, type AttemptRow } from "./attempt-row.ts";
import { epochMs, finite } from "./head-row.ts";
import { arrays, unnest, type ArrayColumn } from "./row-arrays.ts";
import { inStates } from "./state-guards.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import { attemptKinds, type Store } from "./store.ts";
import type { HeadVersion, OperationSnapshot, SnapshotOf } from "./watched.ts";

// A version is found where it lies: of 20,000 rows one page each, where a look by key takes four, and 3 to 5 times as long.
// An update leaves its old version invisible, so that there is no list of columns to keep and nothing more to write.
const outdatedStatement: Statement = {
  name: "outdated",
  text: `
    select (r.n - 1)::int as at
    from unnest($1::tid[], $2::xid[]) with ordinality as r(ctid, xid, n) left join head h on h.ctid = r.ctid
    where h.xmin is distinct from r.xid`,
};

const snapshotColumns: readonly ArrayColumn<SnapshotOf>[] = [
  { name: "key", type: "uuid", value: (of) => of.key },
  { name: "id", type: "uuid", value: (of) => of.id },
  { name: "starts", type: "int", value: ({ known }) => known?.starts ?? null },
  { name: "cancels", type: "int", value: ({ known }) => known?.cancels ?? null },
];
const [start, cancel] = [attemptKinds.indexOf("start"), attemptKinds.indexOf("cancel")];
const maxFailureBytes = 64 * 1024;

// A statement of its own: beside `outdated` its partitions cost 106 locks and 3 ms of planning ten times a second, also
// while nothing happens (storage.md). `= any` prunes them when it is planned; each is read once, not once a row. One
// statement, so that heads and attempts are of one moment.
const snapshotsStatement: Statement = {
  name: "snapshots",
  text: `
    with r as materialized (select * from ${unnest(snapshotColumns, 1)}),
    o as materialized (
      select id, key, state, closed_at, handler_token,
        case when octet_length(failure) <= ${maxFailureBytes} then failure end as failure
      from outcome where id = any($2::uuid[])
    ),
    a as materialized (
      select r.id, json_agg(json_build_object('kind', kind, 'n', n, 'at', ${epochMs("at")}, 'ms', ms,
        'target_id', target_id, 'status', status, 'error', error)) as rows
      from attempt join r on r.id = attempt.id and r.key = attempt.key
      where attempt.id = any($2::uuid[])
        and ((kind = ${start} and n >= r.starts) or (kind = ${cancel} and n > r.cancels))
      group by r.id
    )
    select r.id, h.ctid, h.xmin, h.state, h.attempt, ${epochMs("h.due_at")} as due_at,
      coalesce(h.handler_token, o.handler_token) as handler_token, h.worker,
      case when r.starts is not null then h.progress end as progress,
      ${epochMs("h.reported_at")} as reported_at, o.state as end_state,
      ${epochMs("coalesce(o.closed_at, h.closed_at)")} as closed_at,
      case when r.starts is not null then o.failure end as failure,
      t.queue_id as waits_in_queue, coalesce(a.rows, '[]'::json) as attempts
    from r
    left join head h on h.key = r.key and h.id = r.id
    left join o on o.id = r.id and o.key = r.key
    left join a on a.id = r.id
    left join lateral (
      select task.queue_id from target join task on task.queue_id = target.queue_id
      where r.starts is not null and target.id = h.target_id
        and ${inStates("h.state", [states.scheduled, states.backing_off])}
        and task.caller_ns = h.caller_ns and task.priority = any ('{1,2,3,4,5}') and task.id = h.id
    ) as t on true
    where h.key is not null or o.state is not null`,
};

interface SnapshotRow {
  id: string;
  ctid: string | null;
  xmin: string | null;
  state: number | null;
  attempt: number | null;
  due_at: number | null;
  handler_token: string | null;
  worker: string | null;
  progress: Buffer | null;
  reported_at: number | null;
  end_state: number | null;
  closed_at: number | null;
  failure: Buffer | null;
  waits_in_queue: number | null;
  attempts: AttemptRow[];
}

export function createWatchedRows(
  connection: StoreConnection,
): Pick<Store, "outdated" | "snapshots"> {
  return {
    async outdated({ tids, xids }) {
      const rows = await connection.runWatch<{ at: number }>(outdatedStatement, [tids, xids]);
      return rows.map(({ at }) => at);
    },

    async snapshots(of) {
      if (of.length === 0) return [];
      const rows = await connection.runWatch<SnapshotRow>(
        snapshotsStatement,
        arrays(snapshotColumns, of),
      );
      return rows.map(snapshotOf);
    },
  };
}

function snapshotOf(row: SnapshotRow): OperationSnapshot {
  const code = row.end_state ?? row.state;
  if (code === null) throw new Error(`operation ${row.id} has neither head nor outcome`);
  const state = stateName(code);
  return {
    id: row.id,
    version: versionOf(row),
    state,
    attempt: row.attempt,
    dueAt: row.due_at === null || isTerminal(state) ? null : finite(row.due_at),
    handlerToken: row.handler_token,
    worker: row.worker,
    progress: row.progress,
    reportedAt: row.reported_at,
    closedAt: row.closed_at,
    failure: row.failure,
    waitsInQueue: row.waits_in_queue,
    attempts: row.attempts.map(attemptOf),
  };
}

function versionOf({ ctid, xmin }: SnapshotRow): HeadVersion | null {
  if (ctid === null || xmin === null) return null;
  const [, block, offset] = /^\((\d+),(\d+)\)$/.exec(ctid) ?? [];
  if (block === undefined || offset === undefined) throw new Error(`${ctid} is no ctid`);
  return { block: Number(block), offset: Number(offset), xid: Number(xmin) };
}
