import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../sdk/src/protocol/duration.ts";

test.each([
  ["10ms", 10],
  ["10.1ms", 10],
  ["1s", 1_000],
  ["1.3s", 1_300],
  ["999m", 999 * 60_000],
  ["1.001s", 1_000],
  ["0s", 0],
  ["0.9ms", 0],
])("%s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "invalid", "10", "1h", "-1s", "1 s", "1S", ".5s", "1.s", "1s ", "1s\n", "1e3ms"])(
  "%j is malformed",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("a huge duration stays a finite one", () => {
  expect(Date.now() + (parseDuration(`${"9".repeat(400)}m`) ?? 0)).toBeLessThan(8.64e15);
});

test("whole milliseconds survive the wire, whatever is below is cut", () => {
  expect(formatDuration(4_999.7)).toBe("4999ms");
  expect(formatDuration(-5)).toBe("0ms");
  fc.assert(
    fc.property(fc.nat(), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});
