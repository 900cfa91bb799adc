import type { ReachCrashPoint } from "../crash-points.ts";
import type { Metrics } from "../metrics.ts";
import { states, statesChangedBy } from "../operations/lifecycle.ts";
import { attemptColumns, insertAttempts } from "./attempt-row.ts";
import { createClaimTasks } from "./claim-tasks.ts";
import { createGroupCommit } from "./group-commit.ts";
import { leaseOf, milliseconds, timestamp, windowEnd } from "./head-row.ts";
import { arrays, sameKey, unnest, type ArrayColumn } from "./row-arrays.ts";
import { inStates, openCodes } from "./state-guards.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import { owes, type Attempt, type Lease, type Store } from "./store.ts";
import type { Heartbeat, Heartbeaten, PuttingDown } from "./task.ts";
import { heldByWorker, owesCancel, takable } from "./task-guards.ts";

type Fenced = Pick<Lease, "key" | "id" | "fence">;

const kinds = { wait: 0, lost: 1, released: 2, cancel: 3 } as const;

const putDownColumns: readonly ArrayColumn<PuttingDown>[] = [
  { name: "key", type: "uuid", value: ({ lease }) => lease.key },
  { name: "id", type: "uuid", value: ({ lease }) => lease.id },
  { name: "fence", type: "int", value: ({ lease }) => lease.fence },
  { name: "queue_id", type: "int", value: (one) => one.queueId },
  { name: "priority", type: "smallint", value: (one) => one.priority },
  { name: "close_by", type: "float8", value: (one) => one.closeBy },
  { name: "how", type: "smallint", value: ({ how }) => kinds[how.kind] },
  {
    name: "start_by",
    type: "float8",
    value: ({ how }) => (how.kind === "wait" || how.kind === "released" ? how.startBy : null),
  },
  {
    name: "delay_ms",
    type: "float8",
    value: ({ how }) =>
      how.kind === "lost" && how.delayMs !== null ? Math.max(0, how.delayMs) : null,
  },
  { name: "parked", type: "boolean", value: ({ how }) => how.kind === "lost" && how.parked },
];
const noAttempt: Attempt = {
  kind: "start",
  n: 0,
  at: 0,
  ms: 0,
  targetId: null,
  status: null,
  error: null,
};
const putDownAttempts = attemptColumns(({ how }: PuttingDown) =>
  how.kind === "lost" ? how.attempt : noAttempt,
);

const lossOf = inStates("h.state", statesChangedBy("lease_lost"));
const mayPutDown = `(case r.how
  when ${kinds.wait} then ${takable}
  when ${kinds.cancel} then ${owesCancel} and (${inStates("h.state", openCodes)} or ${windowEnd.replaceAll("head.", "h.")} > now())
  else ${lossOf} and h.handler_token is null end)`;
// One whose cancel was asked for meanwhile waits for no worker: whoever finds it due ends it.
const putsTask = `(l.how = ${kinds.cancel} or (l.canceled is null and l.delay_ms is null and not l.parked))`;

const putDownStatement: Statement = {
  name: "put-down",
  text: `
    with l as (
      select r.*, h.caller_ns, h.cancel_requested_at as canceled
      from ${unnest([...putDownColumns, ...putDownAttempts], 1)} join head h on ${sameKey("h", "r")}
      where h.id = r.id and h.fence = r.fence and ${mayPutDown}
      order by r.key for update of h
    ),
    lost as (select * from l where how = ${kinds.lost}),
    a as (${insertAttempts("lost")}),
    t as (
      insert into task (queue_id, caller_ns, priority, id, key)
      select queue_id, caller_ns, priority, id, key from l where ${putsTask}
      -- not "do nothing": one that was void until now may be on its way out with a claim
      on conflict (queue_id, caller_ns, priority, id) do update set key = excluded.key
    )
    update head set fence = head.fence + 1,
      state = case when l.how not in (${kinds.lost}, ${kinds.released}) then head.state
        when l.parked then ${states.parked} else ${states.backing_off} end,
      attempt = case when l.how = ${kinds.released} then greatest(0, head.attempt - 1) else head.attempt end,
      close_by = case when l.how = ${kinds.cancel} then head.close_by else ${timestamp("l.close_by")} end,
      due_at = case
        when l.how = ${kinds.cancel} and ${inStates("head.state", openCodes)} then head.close_by
        when l.how = ${kinds.cancel} and head.owes = ${owes.cancel} then ${windowEnd}
        when l.how = ${kinds.cancel} then now()
        when l.canceled is not null then now()
        when l.parked then ${timestamp("l.close_by")}
        when l.delay_ms is not null then least(${timestamp("l.close_by")}, now() + ${milliseconds("l.delay_ms")})
        -- taken more than once, it has met its schedule-to-start
        when l.how = ${kinds.released} and head.attempt > 1 then ${timestamp("l.close_by")}
        else least(${timestamp("l.close_by")}, ${timestamp("l.start_by")}) end
    from l where ${sameKey("head", "l")} and head.id = l.id and head.fence = l.fence
    returning head.id`,
};

const beatColumns: readonly ArrayColumn<Heartbeat>[] = [
  { name: "key", type: "uuid", value: ({ lease }) => lease.key },
  { name: "id", type: "uuid", value: ({ lease }) => lease.id },
  { name: "fence", type: "int", value: ({ lease }) => lease.fence },
  { name: "lease_ms", type: "float8", value: ({ leaseMs }) => leaseMs },
  { name: "progress", type: "bytea", value: ({ progress }) => progress },
];
const oneSecondAgo = "(h.reported_at is null or h.reported_at <= now() - interval '1 second')";
/** A lease of so many ms, cut by the deadline of what still runs. */
const leasedUntil = (of: string, length: string): string =>
  `case when ${inStates(`${of}.state`, openCodes)} then least(${of}.close_by, now() + ${milliseconds(length)})
    else now() + ${milliseconds(length)} end`;

/** The start that it runs, or the cancel; the fence says which. */
const beats = `((${heldByWorker}) or (${owesCancel}))`;

// A heartbeat is mostly a read: the lease is written again when a third of it is over, progress once a second.
const heartbeatStatement: Statement = {
  name: "heartbeat",
  text: `
    with r as materialized (select * from ${unnest(beatColumns, 1)}),
    l as (
      select h.key, h.id, h.fence, r.lease_ms, case when ${oneSecondAgo} then r.progress end as progress
      from r join head h on ${sameKey("h", "r")}
      where h.id = r.id and h.fence = r.fence and ${beats}
        and (h.due_at < ${leasedUntil("h", "r.lease_ms * 2 / 3")} or (r.progress is not null and ${oneSecondAgo}))
      order by r.key for update of h
    ),
    u as (
      update head set due_at = ${leasedUntil("head", "l.lease_ms")},
        progress = coalesce(l.progress, head.progress),
        reported_at = case when l.progress is null then head.reported_at else now() end
      from l where ${sameKey("head", "l")} and head.id = l.id and head.fence = l.fence
      returning head.id, l.progress is not null as reported
    )
    select h.key, h.cancel_requested_at is not null as cancel_requested, coalesce(u.reported, false) as written
    from r join head h on ${sameKey("h", "r")} left join u on u.id = r.id
    where h.id = r.id and h.fence = r.fence and ${beats}`,
};

const startStatement: Statement = {
  name: "start-task",
  text: `
    with l as (
      select h.key, h.id, h.fence, h.cancel_requested_at is not null as canceled from head h
      where h.key = $2 and h.id = $3 and h.fence = $4 and ${heldByWorker} for update
    )
    update head set handler_token = $5, fence = head.fence + 1,
      owes = case when l.canceled then head.owes | ${owes.cancel} else head.owes end,
      due_at = case when l.canceled then now() + ${milliseconds("$1::float8")} else head.close_by end
    from l where head.key = l.key and head.id = l.id and head.fence = l.fence
    returning head.key, head.id, head.fence, l.canceled`,
};
const startedAlready: Statement = {
  name: "task-started-already",
  text: `select 1 as there from head where key = $1 and id = $2 and fence > $3 and handler_token = $4
    and ${inStates("state", [states.started])}`,
};

const shortenStatement: Statement = {
  name: "shorten-deadline",
  text: `
    with l as (
      select h.key, h.id, h.fence from head h
      where h.key = $1 and h.id = $2 and h.fence = $3 and ${heldByWorker} for update
    )
    update head set close_by = least(head.close_by, ${timestamp("$4::float8")}),
      due_at = least(head.due_at, ${timestamp("$4::float8")})
    from l where head.key = l.key and head.id = l.id and head.fence = l.fence`,
};

const dropStatement: Statement = {
  name: "drop-task",
  // A sweep may have put the cancel of the same operation meanwhile.
  text: `
    delete from task t where t.queue_id = $1 and t.caller_ns = $2 and t.priority = $3 and t.id = $4
      and not exists (select from head h where h.key = t.key and h.id = t.id and (${takable} or (${owesCancel})))`,
};

const progressStatement: Statement = {
  name: "note-progress",
  text: `
    with l as (
      select h.key, h.id from head h
      where h.key = $1 and h.id = $2 and ${inStates("h.state", openCodes)} and ${oneSecondAgo} for update
    )
    update head set progress = $3, reported_at = now() from l where head.key = l.key and head.id = l.id
    returning head.id`,
};
const openStatement: Statement = {
  name: "progress-state",
  text: `select ${inStates("state", openCodes)} as open from head where key = $1 and id = $2`,
};

type Tasks = Pick<
  Store,
  | "claimTasks"
  | "putDown"
  | "heartbeat"
  | "startTask"
  | "shortenDeadline"
  | "dropTask"
  | "noteProgress"
> & { flushTasks(): Promise<void> };

/** Tasks wait in `task`; who took one holds the operation by a lease in `head`, as a gateway would. */
export function createTasks(
  connection: StoreConnection,
  metrics: Metrics,
  crash: ReachCrashPoint,
): Tasks {
  const { clock, leaseMs } = connection;

  const puttingDown = createGroupCommit<PuttingDown, "written" | "stale">({
    statement: "put-down",
    clock,
    metrics,
    keyOf: ({ lease }) => lease.key,
    bytesOf: () => 512,
    onePerKey: true,
    async write(items) {
      const rows = await connection.runBatch<{ id: string }>(
        putDownStatement,
        arrays([...putDownColumns, ...putDownAttempts], items),
      );
      const written = new Set(rows.map(({ id }) => id));
      return items.map(({ lease }) => (written.has(lease.id) ? "written" : "stale"));
    },
  });

  const beating = createGroupCommit<Heartbeat, Heartbeaten>({
    statement: "heartbeat",
    clock,
    metrics,
    keyOf: ({ lease }) => lease.key,
    bytesOf: ({ progress }) => 256 + (progress?.length ?? 0),
    onePerKey: true,
    async write(items) {
      const rows = await connection.runBatch<{
        key: string;
        cancel_requested: boolean;
        written: boolean;
      }>(heartbeatStatement, arrays(beatColumns, items));
      const held = new Map(rows.map((row) => [row.key, row]));
      return items.map(({ lease }): Heartbeaten => {
        const row = held.get(lease.key);
        return row === undefined
          ? { kind: "lost" }
          : { kind: "held", cancelRequested: row.cancel_requested, written: row.written };
      });
    },
  });

  return {
    ...createClaimTasks(connection, crash),
    putDown: (operation) => puttingDown.submit(operation),
    heartbeat: (beat) => beating.submit(beat),

    async startTask({ key, id, fence }: Fenced, handlerToken) {
      const now = clock.monotonic();
      const [row] = await connection.repeat<Lease & { canceled: boolean }>(startStatement, [
        leaseMs,
        key,
        id,
        fence,
        handlerToken,
      ]);
      if (row !== undefined) {
        return {
          kind: "written",
          cancelPending: row.canceled,
          lease: leaseOf(row, now + leaseMs),
        };
      }
      const again = await connection.repeat(startedAlready, [key, id, fence, handlerToken]);
      return { kind: again.length > 0 ? "repeated" : "lost" };
    },

    async shortenDeadline({ key, id, fence }: Fenced, closeBy) {
      await connection.repeat(shortenStatement, [key, id, fence, closeBy]);
    },

    async dropTask({ queueId, callerNs, priority, id }) {
      await connection.repeat(dropStatement, [queueId, callerNs, priority, id]);
    },

    async noteProgress(key, id, progress) {
      const written = await connection.repeat(progressStatement, [key, id, progress]);
      if (written.length > 0) return "written";
      const [head] = await connection.repeat<{ open: boolean }>(openStatement, [key, id]);
      if (head === undefined) return "unknown";
      return head.open ? "early" : "terminal";
    },

    async flushTasks() {
      await Promise.all([puttingDown.flush(), beating.flush()]);
    },
  };
}
