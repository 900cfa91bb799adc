import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeTaskBatch,
  encodeTaskBatch,
  MalformedTaskBatch,
} from "../../sdk/src/protocol/task-batch.ts";

const boundary = "0123456789abcdef";
const task = fc.record({
  headers: fc.dictionary(
    fc.stringMatching(/^x-[a-z]{1,8}$/),
    fc.stringMatching(/^[\x21-\xff](?:[\x20-\xff]{0,20}[\x21-\xff])?$/),
  ),
  body: fc.uint8Array({ maxLength: 200 }),
});

test("what is written is read back byte for byte, whatever it holds", () => {
  fc.assert(
    fc.property(fc.array(task, { maxLength: 4 }), (tasks) => {
      const { contentType, body } = encodeTaskBatch(tasks, boundary);
      const read = decodeTaskBatch(contentType, body);
      expect(read.map(({ body: bytes }) => [...bytes])).toEqual(
        tasks.map(({ body: bytes }) => [...bytes]),
      );
      expect(read.map(({ headers }) => headers)).toEqual(
        tasks.map(({ headers, body: bytes }) => ({
          ...headers,
          "content-length": String(bytes.length),
        })),
      );
    }),
  );
});

test("a body that looks like the end of its part is no end", () => {
  const body = Buffer.from(`\r\n--${boundary}--\r\n`);
  const encoded = encodeTaskBatch([{ headers: {}, body }], boundary);
  const [read] = decodeTaskBatch(encoded.contentType, encoded.body);
  expect(Buffer.from(read?.body ?? []).equals(body)).toBe(true);
});

const type = `multipart/mixed; boundary=${boundary}`;
test.each([
  ["another type", "application/json", "{}"],
  ["nothing", type, ""],
  ["another boundary", type, "--other\r\ncontent-length: 0\r\n\r\n\r\n"],
  ["headers without an end", type, `--${boundary}\r\ncontent-length: 0\r\n`],
  ["no length", type, `--${boundary}\r\nx: y\r\n\r\n\r\n--${boundary}--\r\n`],
  ["a line that is no header", type, `--${boundary}\r\nx\r\n\r\n`],
  ["less than its length", type, `--${boundary}\r\ncontent-length: 9\r\n\r\nabc`],
  [
    "more than its length",
    type,
    `--${boundary}\r\ncontent-length: 1\r\n\r\nabc\r\n--${boundary}--`,
  ],
])("%s is refused", (_what, contentType, text) => {
  expect(() => decodeTaskBatch(contentType, Buffer.from(text))).toThrow(MalformedTaskBatch);
});
