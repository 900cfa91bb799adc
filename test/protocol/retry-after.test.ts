import { expect, test } from "vitest";
import { parseRetryAfter } from "../../sdk/src/protocol/retry-after.ts";

const now = Date.parse("2026-01-02T03:04:05Z");

test.each([
  ["0", 0],
  ["120", 120_000],
  ["Fri, 02 Jan 2026 03:04:05 GMT", 0],
  ["Fri, 02 Jan 2026 03:05:05 GMT", 60_000],
])("Retry-After %s", (value, ms) => {
  expect(parseRetryAfter(value, now)).toBe(ms);
});

test.each([
  undefined,
  "",
  "-1",
  "1.5",
  "1e3",
  "9999999999",
  "2026-01-02T03:05:05Z",
  "Fri, 02 Jan 2026 03:04:04 GMT",
])("nothing to wait for: %j", (value) => {
  expect(parseRetryAfter(value, now)).toBeUndefined();
});
