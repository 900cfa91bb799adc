import { milliseconds } from "./head-row.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import type { Store } from "./store.ts";

/** "No payload beyond queue ids": see queue-signal.ts. */
export const taskChannel = "nexus_mesh_tasks";

const withTasks: Statement = {
  name: "queues-with-tasks",
  // From the end: at its beginning dead entries lie until the next vacuum.
  text: `select q.id from unnest($1::int[]) as q(id) where ${lastCaller("q.id", "")} is not null`,
};

// A NOTIFY makes its transaction one that writes, and a hint is not worth an fsync.
const notifyStatement: Statement = {
  name: "notify-tasks",
  text: "select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
};

/** A line is counted as far as this: all of 1 M tasks would cost Postgres a fifth of a second each time. */
const maxDepth = 100_000;
const maxCallers = 1_000;

const backlogStatement: Statement = {
  name: "backlog",
  text: `
    with recursive line as (
      select q.id as queue_id, ${lastCaller("q.id", "")} as caller_ns, 1 as n from unnest($1::int[]) as q(id)
      union all
      select l.queue_id, ${lastCaller("l.queue_id", "and t.caller_ns < l.caller_ns")}, l.n + 1
      from line l where l.caller_ns is not null and l.n < ${maxCallers}
    )
    select l.queue_id, l.caller_ns,
      (select count(*)::int from (
        select from task t where t.queue_id = l.queue_id and t.caller_ns = l.caller_ns limit ${maxDepth + 1}
      ) as counted) as depth,
      (select min(first.id::text) from generate_series(1, 5) as p, lateral (
        select t.id from task t where t.queue_id = l.queue_id and t.caller_ns = l.caller_ns and t.priority = p
        order by t.id limit 1
      ) as first) as oldest_id
    from line l where l.caller_ns is not null
    order by l.queue_id, depth desc, l.caller_ns`,
};

const noteWorkersStatement: Statement = {
  name: "note-workers",
  text: `
    insert into queue_worker (queue_id, worker, seen_at)
    select q.id, s.worker, now() from unnest($1::int[], $2::text[]) as s(queue_id, worker) join queue q on q.id = s.queue_id
    order by q.id, s.worker
    on conflict (queue_id, worker) do update set seen_at = excluded.seen_at`,
};

/** Whoever polls under a new name each time fills no table. */
const maxWorkers = 1_000;
const pruneEveryMs = 60_000;
const pruneWorkersStatement: Statement = {
  name: "prune-workers",
  text: `
    delete from queue_worker w using (
      select queue_id, worker, row_number() over (partition by queue_id order by seen_at desc) as n from queue_worker
    ) as r
    where w.queue_id = r.queue_id and w.worker = r.worker
      and (r.n > ${maxWorkers} or w.seen_at < now() - interval '1 hour')`,
};

const workersStatement: Statement = {
  name: "workers",
  text: `
    select queue_id, worker, date_part('epoch', seen_at) * 1000 as seen_at from queue_worker
    where queue_id = any($1::int[]) and seen_at > now() - ${milliseconds("$2::float8")}
    order by queue_id, worker`,
};

type Queues = Pick<
  Store,
  "queuesWithTasks" | "notifyQueues" | "backlog" | "noteWorkers" | "workers"
>;

/** Of queues as a whole: whether and how much waits, of whom, and who works. */
export function createQueues(connection: StoreConnection): Queues {
  const { clock } = connection;
  let prunedAt = -Infinity;
  return {
    async queuesWithTasks(queueIds) {
      return (await connection.once<{ id: number }>(withTasks, [queueIds])).map(({ id }) => id);
    },

    async notifyQueues(queueIds) {
      await connection.once(notifyStatement, [taskChannel, queueIds.join(",")]);
    },

    async backlog(queueIds) {
      const rows = await connection.once<{
        queue_id: number;
        caller_ns: number;
        depth: number;
        oldest_id: string;
      }>(backlogStatement, [queueIds]);
      return rows.map((row) => ({
        queueId: row.queue_id,
        callerNs: row.caller_ns,
        depth: Math.min(row.depth, maxDepth),
        countedAll: row.depth <= maxDepth,
        oldestId: row.oldest_id,
      }));
    },

    async noteWorkers(seen) {
      if (seen.length === 0) return;
      await connection.once(noteWorkersStatement, [
        seen.map(({ queueId }) => queueId),
        seen.map(({ worker }) => worker),
      ]);
      if (clock.monotonic() - prunedAt < pruneEveryMs) return;
      prunedAt = clock.monotonic();
      await connection.once(pruneWorkersStatement, []);
    },

    async workers(queueIds, withinMs) {
      const rows = await connection.once<{ queue_id: number; worker: string; seen_at: number }>(
        workersStatement,
        [queueIds, withinMs],
      );
      return rows.map((row) => ({
        queueId: row.queue_id,
        worker: row.worker,
        seenAt: row.seen_at,
      }));
    },
  };
}

function lastCaller(queueId: string, before: string): string {
  return `(select t.caller_ns from task t where t.queue_id = ${queueId} ${before} order by t.caller_ns desc limit 1)`;
}
