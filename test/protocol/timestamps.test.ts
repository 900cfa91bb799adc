import fc from "fast-check";
import { expect, test } from "vitest";
import {
  formatHttpDate,
  formatRfc3339,
  parseHttpDate,
  parseRfc3339,
} from "../../sdk/src/protocol/timestamps.ts";

test.each([
  "Sun, 06 Nov 1994 08:49:37 GMT",
  "Sunday, 06-Nov-94 08:49:37 GMT",
  "Sun Nov  6 08:49:37 1994",
])("the HTTP date %s", (text) => {
  expect(parseHttpDate(text)).toEqual(new Date("1994-11-06T08:49:37Z"));
});

test.each([
  "",
  "Sun, 06 Nov 1994 08:49:37 +0000",
  "1994-11-06T08:49:37Z",
  "Sun, 31 Feb 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:00:00 GMT",
  "Sun, 6 Nov 1994 08:49:37 GMT",
  "Sun, 06 nov 1994 08:49:37 GMT",
])("%j is no HTTP date", (text) => {
  expect(parseHttpDate(text)).toBeUndefined();
});

test.each([
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
  ["2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123Z"],
  ["2026-01-02T03:04:05,1234567891234Z", "2026-01-02T03:04:05.123Z"],
  ["2026-01-02T03:04:05.5+02:30", "2026-01-02T00:34:05.500Z"],
  ["2026-01-02T23:04:05-02:00", "2026-01-03T01:04:05.000Z"],
])("RFC 3339 %s", (text, iso) => {
  expect(parseRfc3339(text)?.toISOString()).toBe(iso);
});

test.each([
  "",
  "2026-01-02t03:04:05Z",
  "2026-01-02T03:04:05z",
  "2026-01-02T03:04:05",
  "2026-01-02T03:04:05.1234567890Z",
  "2026-13-02T03:04:05Z",
  "2026-02-30T03:04:05Z",
  "2026-01-02T03:60:05Z",
  "2026-01-02T03:04:05+99:99",
  "Sun, 06 Nov 1994 08:49:37 GMT",
])("%j is not RFC 3339", (text) => {
  expect(parseRfc3339(text)).toBeUndefined();
});

test("times survive the wire: to the millisecond at the close, to the second at the start", () => {
  const date = fc.date({
    min: new Date("0100-01-01T00:00:00Z"),
    max: new Date("9999-12-31T23:59:59Z"),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(date, (time) => {
      expect(parseRfc3339(formatRfc3339(time))).toEqual(time);
      const second = new Date(Math.floor(time.getTime() / 1_000) * 1_000);
      expect(parseHttpDate(formatHttpDate(time))).toEqual(second);
    }),
  );
});
