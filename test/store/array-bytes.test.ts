import { randomUUID } from "node:crypto";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arrayBytes, type ElementType } from "../../gateway/src/store/array-bytes.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client(database.url);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
const elements: Record<ElementType, fc.Arbitrary<unknown>> = {
  boolean: fc.boolean(),
  bytea: bytes,
  bigint: fc.maxSafeInteger(),
  smallint: fc.integer({ min: -32_768, max: 32_767 }),
  int: fc.integer(),
  // Postgres holds no NUL in text.
  text: fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
  float8: fc.oneof(fc.double({ noNaN: true }), fc.constant(Infinity)),
  uuid: fc.uuid(),
};

/** As pg reads a column of the type; 64-bit integers come as text. */
function asRead(type: ElementType, value: unknown): unknown {
  return type === "bigint" && typeof value === "number" ? String(value) : value;
}

test.each(Object.keys(elements) as ElementType[])(
  "%s: Postgres reads each element as it was",
  async (type) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(elements[type]), { maxLength: 30 }), async (values) => {
        const { rows } = await client.query<{ value: unknown }>(
          `select value from unnest($1::${type}[]) with ordinality as r(value, n) order by n`,
          [arrayBytes(type, values)],
        );
        const expected = values.map((value) => asRead(type, value));
        expect(rows.map(({ value }) => value)).toEqual(
          expected.map((value) => (Object.is(value, -0) ? -0 : value)),
        );
      }),
      { numRuns: 60 },
    );
  },
);

test.each([
  ["uuid", "0123"],
  ["uuid", `${randomUUID().slice(0, 35)}x`],
  ["int", "7"],
  ["bytea", "text"],
  ["text", 7],
  ["boolean", 1],
] as [ElementType, unknown][])(
  "%s refuses what it can't hold, and does not tell it",
  (type, value) => {
    expect(() => arrayBytes(type, [value])).toThrow(`a value of an array of ${type} is a`);
  },
);
