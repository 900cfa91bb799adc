import fc from "fast-check";
import { expect, test } from "vitest";
import { deserialize, IncompatibleContent, serialize } from "../../sdk/src/protocol/content.ts";

test.each([
  ["nothing", undefined, {}, ""],
  ["null", null, { "content-type": "application/json" }, "null"],
  ["an object", { a: 1 }, { "content-type": "application/json" }, '{"a":1}'],
  ["bytes", Buffer.from("xy"), { "content-type": "application/octet-stream" }, "xy"],
  ["no bytes", new Uint8Array(), { "content-type": "application/octet-stream" }, ""],
])("writes %s as its own kind of content", (_name, value, headers, body) => {
  const content = serialize(value);
  expect(content.headers).toEqual(headers);
  expect(Buffer.from(content.body).toString()).toBe(body);
});

test.each([
  ["text", { "content-type": "text/plain" }, "a"],
  ["a body without a type", {}, "a"],
  ["JSON without a body", { "content-type": "application/json" }, ""],
  ["broken JSON", { "content-type": "application/json" }, "{"],
  ["protobuf", { "content-type": "application/x-protobuf; message-type=X" }, "a"],
])("refuses %s", (_name, headers: Record<string, string>, body) => {
  expect(() => deserialize(headers, Buffer.from(body))).toThrow(IncompatibleContent);
});

test("parameters and case of the media type make no difference to reading JSON", () => {
  const read = deserialize({ "content-type": "Application/JSON; charset=utf-8" }, Buffer.from("1"));
  expect(read).toBe(1);
});

test("Go's escapes are the same value", () => {
  const body = Buffer.from('"\\u003ca\\u003e \\u2028"');
  expect(deserialize({ "content-type": "application/json" }, body)).toBe("<a> \u2028");
});

test.each([() => 1, 1n, Symbol("s")])("what JSON can't hold is not written: %s", (value) => {
  expect(() => serialize(value)).toThrow(IncompatibleContent);
});

test("any JSON value and any bytes come back", () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.uint8Array()), (value) => {
      const { headers, body } = serialize(value);
      const expected = value instanceof Uint8Array ? value : JSON.parse(JSON.stringify(value));
      expect(deserialize(headers, body)).toEqual(expected);
    }),
  );
});
