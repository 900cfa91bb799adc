import type { ReachCrashPoint } from "../crash-points.ts";
import { states } from "../operations/lifecycle.ts";
import { headColumns, headOf, leaseOf, milliseconds, type HeadRow } from "./head-row.ts";
import { inStates, openCodes } from "./state-guards.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import type { Store } from "./store.ts";
import { claimable, takable } from "./task-guards.ts";
import { createTaskFronts, priorities, type Fronts } from "./task-fronts.ts";

function nextCaller(before: string, from: string): string {
  return `(select t.caller_ns from task t where t.queue_id = $1 and t.caller_ns < ${before} ${from}
    order by t.caller_ns desc limit 1)`;
}

// One probe of the index a caller instead of a walk over the tasks of the biggest: with 1 M tasks of one caller and 20
// callers with 10, 100 tasks of all of them come in 2 to 4 ms; `order by id` gave all 100 to the big one and took 248 ms.
// Backwards, since the tasks at the end of a line are there while what was taken from its beginning has left dead index
// entries until the next vacuum; past those of the lines' beginnings lead the fronts (task-fronts.ts).
// Neither the tasks nor the heads that others hold are waited for. A task whose operation needs none any more goes.
const claimStatement: Statement = {
  name: "claim-tasks",
  text: `
    with recursive later as (
      select ${nextCaller("$2::int", "")} as caller_ns, 1 as n
      union all
      select ${nextCaller("l.caller_ns", "")}, l.n + 1 from later l where l.caller_ns is not null and l.n < $3::int
    ),
    earlier as (
      select ${nextCaller("2147483647", "and t.caller_ns >= $2::int")} as caller_ns, 1 as n
      union all
      select ${nextCaller("e.caller_ns", "and t.caller_ns >= $2::int")}, e.n + 1
      from earlier e where e.caller_ns is not null and e.n < $3::int
    ),
    callers as (
      select caller_ns, row_number() over (order by pass, n) as turn
      from (select caller_ns, n, 1 as pass from later union all select caller_ns, n, 2 from earlier) as both_passes
      where caller_ns is not null
      order by turn limit $3::int
    ),
    fronts as (
      select caller_ns, ($7::uuid[])[${priorities} * (n - 1) + 1 : ${priorities} * n] as ids
      from unnest($6::int[]) with ordinality as f(caller_ns, n)
    ),
    share as materialized (select greatest(1, ceil($3::float8 / count(*)))::int as n from callers),
    ranked as materialized (
      select t.*, c.turn, row_number() over (partition by c.turn order by t.priority, t.id) as nth
      from callers c left join fronts f on f.caller_ns = c.caller_ns, lateral (
        select line.*
        from unnest(coalesce(f.ids, array_fill(null::uuid, array[${priorities}]))) with ordinality as front(id, priority),
          lateral (
            select task.* from task
            where task.queue_id = $1 and task.caller_ns = c.caller_ns and task.priority = front.priority
              and task.id > coalesce(front.id, '00000000-0000-0000-0000-000000000000')
            order by task.id limit (select n from share) for update skip locked
          ) as line
        limit (select n from share)
      ) as t
    ),
    picked as materialized (select * from ranked order by nth, turn limit $3::int),
    mine as materialized (
      select h.key, h.id, ${takable} as is_start from picked p join head h on h.key = p.key
      where h.id = p.id and ${claimable}
      order by h.key for update of h skip locked
    ),
    u as (
      update head set state = case when m.is_start then ${states.started} else head.state end,
        fence = head.fence + 1, worker = $4, running = head.running or m.is_start,
        attempt = head.attempt + m.is_start::int,
        due_at = case when ${inStates("head.state", openCodes)}
          then least(head.close_by, now() + ${milliseconds("$5::float8")})
          else now() + ${milliseconds("$5::float8")} end
      from mine m where head.key = m.key and head.id = m.id
      returning head.*, m.is_start
    ),
    d as (
      delete from task using picked p
      where task.queue_id = p.queue_id and task.caller_ns = p.caller_ns and task.priority = p.priority
        and task.id = p.id
        and (exists (select from u where u.id = p.id)
          or not exists (select from head h where h.key = p.key and h.id = p.id and ${claimable}))
    )
    select p.caller_ns as task_caller, p.priority as task_priority, p.id as task_id, u.is_start, ${headColumns("u")}
    from picked p left join u on u.id = p.id order by p.nth, p.turn`,
};

type Row = { task_caller: number; task_priority: number; task_id: string } & (
  (HeadRow & { is_start: boolean }) | { key: null }
);

export function createClaimTasks(
  connection: StoreConnection,
  crash: ReachCrashPoint,
): Pick<Store, "claimTasks"> {
  const { clock } = connection;
  const fronts = createTaskFronts(clock);

  return {
    async claimTasks({ queueId, worker, leaseMs, limit, afterCaller }) {
      const now = clock.monotonic();
      crash("claim:before-commit");
      // Once: the answer of a claim that was lost is not to be had again, its tasks come back when their leases end.
      const take = ({ callers, ids }: Fronts): Promise<Row[]> =>
        connection.onceKept(claimStatement, [
          queueId,
          afterCaller,
          limit,
          worker,
          leaseMs,
          callers,
          ids,
        ]);
      const known = fronts.of(queueId);
      let rows = await take(known);
      if (rows.length === 0 && known.callers.length > 0) {
        fronts.forget(queueId);
        rows = await take(fronts.of(queueId));
      }
      fronts.passed(queueId, rows.map(placeOf), rows.length === limit);
      const tasks = rows
        .filter((row): row is typeof row & HeadRow & { is_start: boolean } => row.key !== null)
        .map((row) => ({
          kind: row.is_start ? ("start" as const) : ("cancel" as const),
          lease: leaseOf(row, now + leaseMs),
          head: headOf(row),
        }));
      if (tasks.length > 0) crash("claim:after-commit");
      return {
        tasks,
        seen: rows.length,
        lastCaller: rows.at(-1)?.task_caller ?? afterCaller,
      };
    },
  };
}

function placeOf(row: Row) {
  return { caller: row.task_caller, priority: row.task_priority, id: row.task_id };
}
