import fc from "fast-check";
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { firstUuidAt, isUuid, uuidV7, uuidV7Time } from "../../gateway/src/store/uuid-v7.ts";

const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const random = fc.uuid({ version: 4 });

test("is a UUID of version 7 that carries its time and sorts by it", () => {
  fc.assert(
    fc.property(times, times, random, random, (a, b, x, y) => {
      const id = uuidV7(a, x);
      expect(isUuid(id)).toBe(true);
      expect(id[14]).toBe("7");
      expect("89ab").toContain(id[19]);
      expect(uuidV7Time(id)).toBe(a);
      expect(id >= firstUuidAt(a)).toBe(true);
      if (a < b) expect(id < uuidV7(b, y)).toBe(true);
    }),
  );
});

test("takes canonical UUIDs only", () => {
  expect(isUuid(randomUUID())).toBe(true);
  for (const text of [
    "",
    "x",
    randomUUID().toUpperCase(),
    `${randomUUID()} `,
    randomUUID().slice(1),
  ])
    expect(isUuid(text)).toBe(false);
});
