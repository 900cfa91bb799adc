import { states } from "../operations/lifecycle.ts";
import { epochMs, headColumns, headOf, leaseOf, milliseconds, type HeadRow } from "./head-row.ts";
import { inStates, terminalCodes } from "./state-guards.ts";
import type { StoreConnection } from "./store-connection.ts";
import type { Store } from "./store.ts";

/** Dead index entries left of now make a scan from the beginning slow; what is skipped is found this often. */
const unboundedEveryMs = 60_000;
/** Rows that another gateway had locked in the last complete sweep. */
const marginMs = 10_000;

// Taking is the `due` event: a row that backs off is on its way again. Everything else is its holder's decision.
const takeAndPurge = {
  name: "sweep",
  text: `
    with d as (
      select key, id, ${inStates("state", terminalCodes)} and owes = 0 as finished
      from head
      where due_at <= now() and ($3::float8 is null or due_at > now() - ${milliseconds("$3::float8")})
      order by due_at limit $2 for update skip locked
    ),
    p as (
      delete from head using d where head.key = d.key and head.id = d.id and d.finished
      returning head.key, head.id
    ),
    c as (delete from callback using p where callback.key = p.key and callback.id = p.id and callback.state = 2),
    t as (
      update head set fence = head.fence + 1, due_at = now() + ${milliseconds("$1::float8")},
        state = case when head.state = ${states.backing_off} then ${states.scheduled} else head.state end
      from d where head.key = d.key and head.id = d.id and not d.finished
      returning head.*
    )
    select (select count(*) from p)::int as purged, ${epochMs("now()")} as at, ${headColumns("t")}
    from (select 1) as always left join t on true`,
};

/** One row at least: the count of what was purged comes with no taken row, too. */
type Row = { purged: number; at: number } & (HeadRow | { key: null });

export function createSweepHeads(connection: StoreConnection): Store["sweep"] {
  const { clock, leaseMs } = connection;
  /** Everything due before then was seen by a sweep that ended with nothing left. */
  let completeSince: number | undefined;
  let unboundedAt = -Infinity;

  return async (limit) => {
    const now = clock.monotonic();
    const unbounded = completeSince === undefined || now - unboundedAt >= unboundedEveryMs;
    const lookBack = completeSince === undefined ? null : now - completeSince + marginMs;
    const rows = await connection.once<Row>(takeAndPurge, [
      leaseMs,
      limit,
      unbounded ? null : lookBack,
    ]);
    const taken = rows
      .filter((row): row is Row & HeadRow => row.key !== null)
      .map((row) => ({ head: headOf(row), lease: leaseOf(row, now + leaseMs), at: row.at }));
    const purged = rows[0]?.purged ?? 0;
    const full = taken.length + purged >= limit;
    if (full) completeSince = undefined;
    else {
      completeSince = now;
      if (unbounded) unboundedAt = now;
    }
    return { taken, purged, full };
  };
}
