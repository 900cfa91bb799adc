import { HandlerError, OperationError } from "nexus-rpc";
import { expect, test } from "vitest";
import {
  decodeCompletion,
  encodeCompletion,
  MalformedCompletion,
} from "../../sdk/src/protocol/completion.ts";
import { serialize } from "../../sdk/src/protocol/content.ts";

const json = { "content-type": "application/json" };
const facts = {
  operationToken: "tok",
  startTime: new Date("2026-01-02T03:04:05Z"),
  closeTime: new Date("2026-01-02T03:04:06.789Z"),
  links: [{ url: "http://a/", type: "t" }],
};

test("a result with all that is known of its operation", () => {
  const encoded = encodeCompletion({ content: serialize({ a: 1 }) }, facts);
  expect(encoded.headers).toEqual({
    ...json,
    "nexus-operation-state": "succeeded",
    "nexus-operation-token": "tok",
    "nexus-operation-start-time": "Fri, 02 Jan 2026 03:04:05 GMT",
    "nexus-operation-close-time": "2026-01-02T03:04:06.789Z",
    "nexus-link": '<http://a/>; type="t"',
  });
  expect(decodeCompletion(encoded)).toEqual({
    ...facts,
    state: "succeeded",
    contentHeaders: json,
    body: Buffer.from('{"a":1}'),
  });
});

test("no result is no content", () => {
  const encoded = encodeCompletion({ content: serialize(undefined) }, {});
  expect(encoded.headers).toEqual({ "nexus-operation-state": "succeeded" });
  expect(decodeCompletion(encoded)).toMatchObject({ state: "succeeded", contentHeaders: {} });
});

test.each(["failed", "canceled"] as const)("%s keeps its state and message", (state) => {
  const encoded = encodeCompletion({ error: new OperationError(state, "m") }, {});
  expect(encoded.headers).toEqual({ ...json, "nexus-operation-state": state });
  expect(decodeCompletion(encoded)).toMatchObject({ state, error: { state, message: "m" } });
});

test("with a cause, the cause alone is sent", () => {
  const error = new OperationError("failed", "outer", {
    cause: new HandlerError("CONFLICT", "inner"),
  });
  const encoded = encodeCompletion({ error }, {});
  expect(JSON.parse(encoded.body.toString())).toEqual({
    message: "inner",
    metadata: { type: "nexus.HandlerError" },
    details: { type: "CONFLICT" },
  });
  expect(decodeCompletion(encoded)).toMatchObject({
    state: "failed",
    error: { state: "failed", cause: { type: "CONFLICT", message: "inner" } },
  });
});

test("the header's state counts, also against the body", () => {
  const encoded = encodeCompletion({ error: new OperationError("failed", "m") }, {});
  const headers = { ...encoded.headers, "nexus-operation-state": "canceled" };
  expect(decodeCompletion({ headers, body: encoded.body }).state).toBe("canceled");
});

const failed = { "nexus-operation-state": "failed" };
test.each([
  ['invalid request operation state: ""', {}, ""],
  ['invalid request operation state: "running"', { "nexus-operation-state": "running" }, ""],
  ['invalid request operation state: "Succeeded"', { "nexus-operation-state": "Succeeded" }, ""],
  ['invalid request content type: ""', failed, "{}"],
  ['invalid request content type: "text/plain"', { ...failed, "content-type": "text/plain" }, "{}"],
  ["failed to decode Failure from request body", { ...failed, ...json }, ""],
  ["failed to decode Failure from request body", { ...failed, ...json }, "{"],
  [
    "failed to parse operation start time header",
    { "nexus-operation-start-time": "2026-01-02T03:04:05Z" },
    "",
  ],
  [
    "failed to parse operation start time header",
    { "nexus-operation-start-time": "Fri, 02 Jan 2026 03:04:05 +0000" },
    "",
  ],
  [
    "failed to parse operation close time header",
    { "nexus-operation-close-time": "Fri, 02 Jan 2026 03:04:05 GMT" },
    "",
  ],
  ["failed to decode links from request headers", { "nexus-link": "x" }, ""],
])("%s", (message, headers: Record<string, string>, body) => {
  const decode = () => decodeCompletion({ headers, body: Buffer.from(body) });
  expect(decode).toThrow(MalformedCompletion);
  expect(decode).toThrow(message);
});
