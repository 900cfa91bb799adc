import fc from "fast-check";
import { expect, test } from "vitest";
import { causeBytes } from "../../sdk/src/protocol/failure-bytes.ts";

const otherName = fc.string().filter((name) => name !== "cause");
const cause = (json: string) => causeBytes(Buffer.from(json))?.toString();

test("the cause is given as it stands", () => {
  expect(cause('{"message":"m","cause":{"b":12345678901234567890,"a":"\\u003c"},"x":1}')).toBe(
    '{"b":12345678901234567890,"a":"\\u003c"}',
  );
  expect(cause(' { "cause" :\t{ "message" : "ü\\"}" } , "a" : [ 1 , { } ] } ')).toBe(
    '{ "message" : "ü\\"}" }',
  );
  expect(cause('{"details":{"cause":{"no":1}},"a":1.5e3,"b":true,"c":"}"}')).toBeUndefined();
  expect(cause('{"cause":null}')).toBeUndefined();
  expect(cause("{}")).toBeUndefined();
  expect(cause('{"cause":{"a":1},"cause":{"b":2}}')).toBe('{"b":2}');
});

test("it is the value that JSON.parse finds, wherever it stands", () => {
  fc.assert(
    fc.property(
      fc.dictionary(otherName, fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      fc.dictionary(otherName, fc.jsonValue()),
      fc.constantFrom(undefined, 1, 3),
      (before, value, after, space) => {
        const text = JSON.stringify({ ...before, cause: value, ...after }, null, space);
        const found = cause(text);
        expect(JSON.parse(found ?? "null")).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).toContain(found);
      },
    ),
    { numRuns: 500 },
  );
});
