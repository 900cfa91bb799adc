import { type ArrayColumn } from "./row-arrays.ts";
import { attemptKinds, type Attempt, type AttemptKind } from "./store.ts";

export interface AttemptRow {
  kind: number;
  n: number;
  at: number;
  ms: number;
  target_id: number | null;
  status: number | null;
  error: string | null;
}

/** Columns of an attempt inside a batch; `of` finds it in the batch's row. */
export function attemptColumns<Row>(of: (row: Row) => Attempt): ArrayColumn<Row>[] {
  return [
    { name: "kind", type: "smallint", value: (row) => attemptKinds.indexOf(of(row).kind) },
    { name: "n", type: "int", value: (row) => of(row).n },
    { name: "at", type: "float8", value: (row) => of(row).at },
    { name: "ms", type: "int", value: (row) => Math.round(of(row).ms) },
    { name: "attempt_target", type: "int", value: (row) => of(row).targetId },
    { name: "status", type: "int", value: (row) => of(row).status },
    { name: "error", type: "text", value: (row) => storable(of(row).error) },
  ];
}

/** Text of the other side may hold U+0000, which Postgres text can't: an attempt must never be lost to that. */
function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll("\0", "");
}

/** From a CTE with `id`, `key` and the columns above. A repeated batch finds its own rows. */
export function insertAttempts(from: string): string {
  return `insert into attempt (id, key, kind, n, at, ms, target_id, status, error)
    select id, key, kind, n, to_timestamp(at / 1000.0), ms, attempt_target, status, error from ${from}
    on conflict do nothing`;
}

export function attemptOf(row: AttemptRow): Attempt {
  return {
    kind: kindOf(row.kind),
    n: row.n,
    at: row.at,
    ms: row.ms,
    targetId: row.target_id,
    status: row.status,
    error: row.error,
  };
}

function kindOf(code: number): AttemptKind {
  const kind = attemptKinds[code];
  if (kind === undefined) throw new Error(`no attempt kind has the code ${code}`);
  return kind;
}
