/** Rows that a subject does not hold, and why it is right not to. A row that starts to hold fails here. */
export const exceptions: readonly {
  readonly subject: string;
  readonly row: string;
  readonly reason: string;
}[] = [];
