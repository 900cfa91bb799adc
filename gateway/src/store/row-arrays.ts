import { arrayBytes, type ElementType } from "./array-bytes.ts";

/** One column of `unnest`: a batch travels as one array per column, so that its text never changes with its size. */
export interface ArrayColumn<Row> {
  readonly name: string;
  readonly type: ElementType;
  readonly value: (row: Row) => unknown;
}

/** `unnest($n::type[], …) as r(name, …)`, with parameters numbered from `first`. */
export function unnest<Row>(columns: readonly ArrayColumn<Row>[], first: number): string {
  const arrays = columns.map(({ type }, at) => `$${first + at}::${type}[]`).join(", ");
  return `unnest(${arrays}) as r(${columns.map(({ name }) => name).join(", ")})`;
}

/** The same record without the columns that hold null in every row of a batch. */
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
