import { arrayBytes, type ElementType } from "./array-bytes.ts";

/** One column of `unnest`: a batch travels as one array per column, so that its text never changes with its size. */
export interface ArrayColumn<Row> {
  readonly name: string;
  readonly type: ElementType;
  readonly value: (row: Row) => unknown;
}

/**
 * The rows of a batch as `r`, in its order, with parameters numbered from `first`. Not `from unnest($1, $2, …)`: there
 * each array goes through a store of its own first, 3 µs a row of `accept`.
 */
export function unnest<Row>(columns: readonly ArrayColumn<Row>[], first: number): string {
  const elements = columns.map(
    ({ name, type }, at) => `unnest($${first + at}::${type}[]) as ${name}`,
  );
  return `(select ${elements.join(", ")}) as r`;
}

/** The same rows without the columns that hold null in every row of a batch. */
export function unnestWithout<Row>(
  columns: readonly ArrayColumn<Row>[],
  absent: readonly ArrayColumn<Row>[],
  first: number,
): string {
  const nulls = absent.map(({ name, type }) => `, null::${type} as ${name}`).join("");
  return `(select r.*${nulls} from ${unnest(columns, first)}) as r`;
}

export function arrays<Row>(columns: readonly ArrayColumn<Row>[], rows: readonly Row[]): Buffer[] {
  return columns.map(({ type, value }) => arrayBytes(type, rows.map(value)));
}

/**
 * Finds heads by the keys of a batch. With `=` Postgres may as well walk the index of all heads in its order, and does
 * where `head` was empty when the plan was made; this leaves it only the lookup, row by row in the order of the batch.
 */
export function sameKey(head: string, rows: string): string {
  return `${head}.key = any(array[${rows}.key])`;
}
