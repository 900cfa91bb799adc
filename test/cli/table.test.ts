import { expect, test } from "vitest";
import { durationArgument } from "../../sdk/cli/src/duration-argument.ts";
import { fields, table } from "../../sdk/cli/src/table.ts";

test("columns are as wide as their widest cell, and no line ends in spaces", () => {
  const text = table(
    ["NAME", "N", "OPEN"],
    [
      ["long-name", 1, true],
      ["x", 1_000, false],
      ["", null, undefined],
    ],
  );
  expect(text.split("\n")).toEqual([
    "NAME       N     OPEN",
    "long-name  1     yes",
    "x          1000  no",
    "-          -     -",
    "",
  ]);
});

test("a table without rows shows its headings", () => {
  expect(table(["NAME", "N"], [])).toBe("NAME  N\n");
});

test("fields stand a line each", () => {
  expect(
    fields([
      ["name", "hello"],
      ["max attempts", null],
    ]),
  ).toBe("name          hello\nmax attempts  -\n");
});

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["1.5h", 5_400_000],
  ["90d", 7_776_000_000],
])("%s is a duration", (text, ms) => {
  expect(durationArgument(text)).toBe(ms);
});

test.each(["", "30", "s", "-1s", "1w", "1s "])("%j is no duration", (text) => {
  expect(() => durationArgument(text)).toThrow("write a number and a unit");
});
