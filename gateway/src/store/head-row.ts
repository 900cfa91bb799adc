import { stateName } from "../operations/lifecycle.ts";
import type { Head, Lease } from "./store.ts";

export interface HeadRow {
  key: string;
  id: string;
  caller_ns: number;
  owner_ns: number;
  endpoint_id: number;
  input_hash: string;
  state: number;
  fence: number;
  attempt: number;
  owes: number;
  target_id: number | null;
  due_at: number;
  close_by: number;
  handler_token: string | null;
  cancel_requested_at: number | null;
  closed_at: number | null;
}

/** Epoch ms; `infinity` comes as Infinity. `date_part`, for `extract` computes in numeric: 2 µs for each value. */
export function epochMs(expression: string): string {
  return `(date_part('epoch', ${expression}) * 1000)`;
}

/** Epoch ms to timestamptz; null is `infinity`. */
export function timestamp(expression: string): string {
  return `coalesce(to_timestamp(${expression} / 1000.0), 'infinity'::timestamptz)`;
}

export function milliseconds(expression: string): string {
  return `(${expression} * interval '1 millisecond')`;
}

export function headColumns(alias: string): string {
  const plain =
    "key id caller_ns owner_ns endpoint_id input_hash state fence attempt owes target_id handler_token";
  const times = "due_at close_by cancel_requested_at closed_at";
  return [
    ...plain.split(" ").map((name) => `${alias}.${name}`),
    ...times.split(" ").map((name) => `${epochMs(`${alias}.${name}`)} as ${name}`),
  ].join(", ");
}

/** How long a key is remembered: `storage.md`, dedupe window. A pass-through's token names no id and must not outlive it. */
export const windowEnd = `greatest(head.closed_at + ${milliseconds("head.window_ms")}, case when head.pass_through then head.close_by end)`;

export function headOf(row: HeadRow): Head {
  return {
    key: row.key,
    id: row.id,
    callerNs: row.caller_ns,
    ownerNs: row.owner_ns,
    endpointId: row.endpoint_id,
    inputHash: row.input_hash,
    state: stateName(row.state),
    fence: row.fence,
    attempt: row.attempt,
    owes: row.owes,
    targetId: row.target_id,
    dueAt: row.due_at,
    closeBy: finite(row.close_by),
    handlerToken: row.handler_token,
    cancelRequestedAt: row.cancel_requested_at,
    closedAt: row.closed_at,
  };
}

export function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

export function leaseOf(row: Pick<HeadRow, "key" | "id" | "fence">, endsAt: number): Lease {
  return { key: row.key, id: row.id, fence: row.fence, endsAt };
}
