import type { ReachCrashPoint } from "../crash-points.ts";
import { states, statesChangedBy } from "../operations/lifecycle.ts";
import { epochMs, headColumns, headOf, leaseOf, milliseconds, type HeadRow } from "./head-row.ts";
import { inStates, openCodes, terminalCodes } from "./state-guards.ts";
import type { Statement, StoreConnection } from "./store-connection.ts";
import { owes, type CancelAsked, type Head, type Lease, type Store } from "./store.ts";

/** The row appeared or changed between the two statements. */
const maxRounds = 5;

/** Besides the states: started, and held by a worker that has not answered. */
const leased = -1;

// Of a held row only the intent: its holder alone knows whether an attempt was ever sent, and a worker asks at its next
// heartbeat. A waiting one becomes due, so that a holder looks at it (a scheduled one that is due later than any lease of
// a gateway ends waits for a worker); a started one is taken over, for the cancel can be delivered now.
const askStatement: Statement = {
  name: "ask-cancel",
  text: `
    with l as (
      select h.key, h.id, h.cancel_requested_at is null as first,
        case when h.state = ${states.started} and h.handler_token is null then ${leased} else h.state end as was
      from head h
      where h.key = $2 and h.id = $3 and ${inStates("h.state", openCodes)} for update
    ),
    u as (
      update head set cancel_requested_at = coalesce(head.cancel_requested_at, now()),
        owes = case when l.first and l.was = ${states.started} then head.owes | ${owes.cancel} else head.owes end,
        fence = case when l.first and l.was = ${states.started} then head.fence + 1 else head.fence end,
        due_at = case
          when l.first and l.was = ${states.started} then now() + ${milliseconds("$1::float8")}
          when l.first and l.was in (${states.parked}, ${states.backing_off}) then least(head.due_at, now())
          when l.first and l.was = ${states.scheduled} and head.due_at > now() + ${milliseconds("$1::float8")} then now()
          else head.due_at end
      from l where head.key = l.key and head.id = l.id
      returning head.*, l.first, l.was
    )
    select u.first, u.was, ${headColumns("u")} from u`,
};

const readHead: Statement = {
  name: "head",
  text: `select ${headColumns("head")} from head where key = $1`,
};

const redriveStatement: Statement = {
  name: "redrive",
  text: `
    with l as (
      select h.key, h.id from head h
      where h.key = $2 and h.id = $3 and ${inStates("h.state", statesChangedBy("redriven"))} for update
    )
    update head set state = ${states.scheduled}, fence = head.fence + 1,
      due_at = now() + ${milliseconds("$1::float8")}
    from l where head.key = l.key and head.id = l.id
    returning head.key, head.id, head.fence`,
};

const renewStatement: Statement = {
  name: "renew",
  text: `
    with l as (
      select h.key, h.id, h.fence
      from unnest($2::uuid[], $3::uuid[], $4::int[]) as r(key, id, fence) join head h on h.key = r.key
      where h.id = r.id and h.fence = r.fence
        and (${inStates("h.state", openCodes)} or h.owes <> 0)
      order by h.key for update of h
    )
    update head set due_at = now() + ${milliseconds("$1::float8")}
    from l where head.key = l.key and head.id = l.id and head.fence = l.fence
    returning head.key, head.id, head.fence`,
};

const countsStatement: Statement = {
  name: "counts",
  text: `
    select count(*)::int as due, coalesce(${epochMs("now()")} - ${epochMs("min(due_at)")}, 0) as oldest
    from (select due_at from head where due_at <= now() order by due_at limit 10000) as due_rows`,
};

type HeldRows = Pick<Store, "askCancel" | "redrive" | "renew" | "head" | "counts">;

export function createHeldRows(connection: StoreConnection, crash: ReachCrashPoint): HeldRows {
  const { clock, leaseMs } = connection;

  async function head(key: string): Promise<Head | undefined> {
    const [row] = await connection.repeat<HeadRow>(readHead, [key]);
    return row === undefined ? undefined : headOf(row);
  }

  return {
    head,

    async askCancel(key, id): Promise<CancelAsked> {
      for (let round = 0; round < maxRounds; round += 1) {
        const now = clock.monotonic();
        crash("cancel:before-commit");
        const [row] = await connection.repeat<HeadRow & { first: boolean; was: number }>(
          askStatement,
          [leaseMs, key, id],
        );
        if (row !== undefined) {
          crash("cancel:after-commit");
          return {
            kind: row.first ? "recorded" : "repeated",
            head: headOf(row),
            lease: row.first && row.was === states.started ? leaseOf(row, now + leaseMs) : null,
          };
        }
        const found = await head(key);
        if (found?.id !== id) return { kind: "unknown", head: null, lease: null };
        if (terminalCodes.includes(states[found.state]))
          return { kind: "terminal", head: found, lease: null };
      }
      throw new Error(`the head of operation ${id} comes and goes`);
    },

    async redrive(key, id) {
      const now = clock.monotonic();
      const [row] = await connection.repeat<Lease>(redriveStatement, [leaseMs, key, id]);
      return row === undefined ? null : leaseOf(row, now + leaseMs);
    },

    async renew(leases) {
      if (leases.length === 0) return [];
      const sorted = [...leases].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      const now = clock.monotonic();
      const rows = await connection.repeat<Lease>(renewStatement, [
        leaseMs,
        sorted.map(({ key }) => key),
        sorted.map(({ id }) => id),
        sorted.map(({ fence }) => fence),
      ]);
      const named = ({ key, id, fence }: Lease): string => `${key} ${id} ${fence}`;
      const renewed = new Set(rows.map(named));
      return leases.map((lease) =>
        renewed.has(named(lease)) ? { ...lease, endsAt: now + leaseMs } : null,
      );
    },

    async counts() {
      const [row] = await connection.once<{ due: number; oldest: number }>(countsStatement, []);
      return { due: row?.due ?? 0, oldestDueMs: Math.max(0, row?.oldest ?? 0) };
    },
  };
}
