import type { CrashPoint } from "@nexus-mesh/gateway/crash-points";
import type pg from "pg";
import type { ChildGateway } from "./child-gateway.ts";
import type { ScriptedReceiver } from "./scripted-parties.ts";
import { within } from "./within.ts";

/** What became of the operations of a scenario. */
export interface CrashRow {
  readonly point: CrashPoint;
  readonly reached: boolean;
  /** Operations whose caller was told 201. */
  readonly accepted: number;
  /** Told 201 and not ended. */
  readonly lost: number;
  readonly settledTwice: number;
  readonly callbacksOwed: number;
  readonly callbacksDelivered: number;
  readonly log: string;
  /** Of workers only. */
  readonly work?: {
    readonly leases: number;
    readonly runs: number;
    /** Operations that ran more often than they were leased. */
    readonly overrun: number;
    /** Answers under an old lease, sent while the operation runs under a new one. */
    readonly late: number;
    /** Those of them that were refused with LEASE_LOST. */
    readonly lateRefused: number;
  };
}

export function held({ work, ...row }: CrashRow): boolean {
  return (
    row.reached &&
    row.lost === 0 &&
    row.settledTwice === 0 &&
    row.callbacksDelivered === row.callbacksOwed &&
    (work === undefined || (work.overrun === 0 && work.lateRefused === work.late))
  );
}

const columns: readonly (readonly [title: string, value: (row: CrashRow) => string | number])[] = [
  ["accepted", (row) => row.accepted],
  ["lost", (row) => row.lost],
  ["settled twice", (row) => row.settledTwice],
  ["callbacks owed", (row) => row.callbacksOwed],
  ["delivered", (row) => row.callbacksDelivered],
  ["leases", ({ work }) => work?.leases ?? "-"],
  ["runs", ({ work }) => work?.runs ?? "-"],
  ["late answers", ({ work }) => work?.late ?? "-"],
  ["refused", ({ work }) => work?.lateRefused ?? "-"],
];

export const tableHead = [
  "point".padEnd(22),
  "reached",
  ...columns.map(([title]) => title.padStart(8)),
].join("  ");

export function tableLine(row: CrashRow): string {
  return [
    row.point.padEnd(22),
    (row.reached ? "yes" : "NO").padEnd(7),
    ...columns.map(([title, value]) => String(value(row)).padStart(Math.max(8, title.length))),
  ].join("  ");
}

/** Waits until all have ended, all callbacks are delivered and the doomed gateway is dead, and counts. */
export async function countRow(
  point: CrashPoint,
  accepted: readonly string[],
  parties: {
    readonly pool: pg.Pool;
    readonly receiver: ScriptedReceiver;
    readonly doomed: ChildGateway;
    readonly heir: ChildGateway;
  },
): Promise<CrashRow> {
  const { pool, receiver, doomed, heir } = parties;
  const ended = await allEnded(pool, accepted);
  await within(20_000, () => accepted.every((id) => receiver.received.has(id)));
  // A receiver has its callback before the gateway reads the acknowledgement, and dies there.
  await within(10_000, () => doomed.reached());
  const outcomes = await pool.query(
    "select id from outcome where id = any($1) group by id having count(*) > 1",
    [accepted],
  );
  const contradictions = accepted.filter((id) => new Set(receiver.received.get(id)).size > 1);
  return {
    point,
    reached: doomed.reached(),
    accepted: accepted.length,
    lost: accepted.length - ended,
    settledTwice: outcomes.rows.length + contradictions.length,
    callbacksOwed: accepted.length,
    callbacksDelivered: accepted.filter((id) => receiver.received.has(id)).length,
    log: doomed.log() + heir.log(),
  };
}

async function allEnded(pool: pg.Pool, ids: readonly string[]): Promise<number> {
  let ended = 0;
  await within(45_000, async () => {
    const found = await pool.query("select id from head where id = any($1) and state >= 4", [ids]);
    ended = found.rows.length;
    return ended === ids.length;
  });
  return ended;
}
