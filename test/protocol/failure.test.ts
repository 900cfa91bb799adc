import fc from "fast-check";
import { HandlerError, OperationError } from "nexus-rpc";
import { expect, test } from "vitest";
import {
  decodeErrorResponse,
  encodeHandlerError,
  encodeOperationError,
} from "../../sdk/src/protocol/failure-response.ts";
import {
  FailureError,
  failureToError,
  handlerErrorToFailure,
  operationErrorToFailure,
  parseFailure,
  type Failure,
} from "../../sdk/src/protocol/failure.ts";
import {
  handlerErrors,
  statusToHandlerErrorType,
  type HandlerErrorType,
} from "../../sdk/src/protocol/handler-errors.ts";

const types = Object.keys(handlerErrors) as HandlerErrorType[];
const json = { "content-type": "application/json" };
const read = (body: Buffer) => JSON.parse(body.toString()) as Failure;

test.each(types)("%s keeps status, type, message and retryability over the wire", (type) => {
  const encoded = encodeHandlerError(new HandlerError(type, "m"), { failureSupport: true });
  expect(encoded.status).toBe(handlerErrors[type].status);
  expect(encoded.headers).toEqual(json);
  expect(statusToHandlerErrorType(encoded.status)).toBe(type);
  const decoded = decodeErrorResponse(encoded);
  expect(decoded).toMatchObject({
    kind: "handler-error",
    type,
    retryable: handlerErrors[type].retryable,
    error: { message: "m", type },
  });
});

test.each([
  ["BAD_REQUEST", true],
  ["INTERNAL", false],
] as const)("an override of %s is said in body and header", (type, retryableOverride) => {
  const error = new HandlerError(type, "m", { retryableOverride });
  const encoded = encodeHandlerError(error, { failureSupport: false });
  expect(encoded.headers["nexus-request-retryable"]).toBe(String(retryableOverride));
  expect(read(encoded.body).details).toEqual({ type, retryableOverride });
  expect(decodeErrorResponse(encoded)).toMatchObject({ retryable: retryableOverride });
});

const nested = new OperationError("canceled", "outer", {
  cause: new HandlerError("CONFLICT", "inner"),
});

test("a caller that supports failures gets the whole chain, another the cause alone", () => {
  const inner = {
    message: "inner",
    metadata: { type: "nexus.HandlerError" },
    details: { type: "CONFLICT" },
  };
  const whole = encodeOperationError(nested, { failureSupport: true });
  expect(read(whole.body)).toEqual({
    message: "outer",
    metadata: { type: "nexus.OperationError" },
    details: { state: "canceled" },
    cause: inner,
  });
  const compatible = encodeOperationError(nested, { failureSupport: false });
  expect(read(compatible.body)).toEqual(inner);
  for (const encoded of [whole, compatible]) {
    expect(encoded).toMatchObject({
      status: 424,
      headers: { "nexus-operation-state": "canceled" },
    });
    expect(decodeErrorResponse(encoded)).toMatchObject({
      kind: "operation-error",
      state: "canceled",
    });
  }
});

test("without a cause both kinds of callers get the current shape", () => {
  const error = new OperationError("failed", "m");
  const one = encodeOperationError(error, { failureSupport: true });
  expect(encodeOperationError(error, { failureSupport: false })).toEqual(one);
});

test("text and stack of a cause that is no Nexus error stay in the process", () => {
  const error = new HandlerError("INTERNAL", "m", { cause: new Error("password=1") });
  const encoded = encodeHandlerError(error, { failureSupport: true });
  expect(encoded.body.toString()).not.toMatch(/password|\.ts|cause/);
});

test.each([
  ["by its status", 409, json, '{"message":"m"}', { type: "CONFLICT", retryable: false }],
  ["HTML", 500, { "content-type": "text/html" }, "<h1>", { type: "INTERNAL", retryable: true }],
  ["empty", 503, {}, "", { type: "UNAVAILABLE", retryable: true }],
  ["text metadata", 404, json, '{"metadata":{"a":1}}', { type: "NOT_FOUND", failure: undefined }],
  ["TRUE", 400, { ...json, "nexus-request-retryable": "TRUE" }, "{}", { retryable: true }],
  ["1", 400, { ...json, "nexus-request-retryable": "1" }, "{}", { retryable: false }],
  [
    "body before status and header",
    502,
    { ...json, "nexus-request-retryable": "true" },
    '{"metadata":{"type":"nexus.HandlerError"},"details":{"type":"NOT_FOUND"}}',
    { type: "NOT_FOUND", retryable: false },
  ],
  [
    "an unknown type",
    500,
    json,
    '{"metadata":{"type":"nexus.HandlerError"},"details":{"type":"TEAPOT"}}',
    { type: "TEAPOT", retryable: true },
  ],
  [
    "a type named like an object's member",
    500,
    json,
    '{"metadata":{"type":"nexus.HandlerError"},"details":{"type":"constructor"}}',
    { type: "constructor", retryable: true },
  ],
  [
    "null details",
    500,
    json,
    '{"metadata":{"type":"nexus.HandlerError"},"details":null}',
    { type: "", retryable: true },
  ],
])(
  "a handler error is read: %s",
  (_name, status, headers: Record<string, string>, body, expected) => {
    const decoded = decodeErrorResponse({ status, headers, body: Buffer.from(body) });
    expect(decoded).toMatchObject({ kind: "handler-error", ...expected });
  },
);

test.each([
  ["a proxy's 504", 504, {}, ""],
  ["202", 202, {}, ""],
  ["a handler error without details", 500, json, '{"metadata":{"type":"nexus.HandlerError"}}'],
  ["424 without a state", 424, json, '{"message":"m"}'],
  ["424 in an odd state", 424, { ...json, "nexus-operation-state": "Failed" }, "{}"],
  ["424 of text", 424, { "nexus-operation-state": "failed" }, "m"],
  ["424 without details", 424, json, '{"metadata":{"type":"nexus.OperationError"}}'],
])(
  "%s is unexpected, and worth another try",
  (_name, status, headers: Record<string, string>, body) => {
    expect(decodeErrorResponse({ status, headers, body: Buffer.from(body) })).toEqual({
      kind: "unexpected",
      status,
      retryable: true,
    });
  },
);

test("the state in the body of a 424 beats its header", () => {
  const body = '{"metadata":{"type":"nexus.OperationError"},"details":{"state":"canceled"}}';
  const decoded = decodeErrorResponse({
    status: 424,
    headers: { ...json, "nexus-operation-state": "failed" },
    body: Buffer.from(body),
  });
  expect(decoded).toMatchObject({ kind: "operation-error", state: "canceled" });
});

test("an older handler's failure becomes the cause of the operation error", () => {
  const body = '{"message":"m","metadata":{"k":"v"},"details":[1]}';
  const decoded = decodeErrorResponse({
    status: 424,
    headers: { ...json, "nexus-operation-state": "failed" },
    body: Buffer.from(body),
  });
  expect(decoded).toMatchObject({
    kind: "operation-error",
    state: "failed",
    error: { state: "failed", cause: { failure: JSON.parse(body) as unknown } },
  });
});

test.each(["", "[]", "null", "1", "{", '{"message":1}', '{"cause":[]}', '{"metadata":[]}'])(
  "%j is no failure",
  (text) => {
    expect(parseFailure(Buffer.from(text))).toBeUndefined();
  },
);

test("a decoded failure is written again as it came: metadata, details and causes", () => {
  const text = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
  const { failure } = fc.letrec<{ failure: Failure }>((tie) => ({
    failure: fc
      .record(
        {
          message: text,
          stackTrace: text,
          metadata: fc.oneof(
            fc.dictionary(fc.string(), fc.string()),
            fc.constantFrom({ type: "nexus.HandlerError" }, { type: "nexus.OperationError" }),
          ),
          details: fc.oneof(
            fc.jsonValue({ maxDepth: 2 }),
            fc.record({ type: fc.constantFrom(...types, "TEAPOT", "toString") }),
            fc.record({ state: fc.constantFrom("failed", "canceled") }),
          ),
          cause: fc.option(tie("failure"), {
            nil: undefined,
            maxDepth: 3,
          }),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.parse(JSON.stringify(value)) as Failure),
  }));
  fc.assert(
    fc.property(failure, (given) => {
      const error = failureToError(given);
      const written =
        error instanceof HandlerError
          ? handlerErrorToFailure(error)
          : error instanceof OperationError
            ? operationErrorToFailure(error)
            : error instanceof FailureError
              ? error.failure
              : undefined;
      expect(written).toEqual(given);
    }),
  );
});

test.each([
  [
    "operation error: the cause alone",
    424,
    { ...json, "nexus-operation-state": "failed" },
    '{"message":"no rows"}',
  ],
  [
    "operation error: marked as made around its cause",
    424,
    json,
    '{"message":"outer","metadata":{"type":"nexus.OperationError","unwrap-error":"true"},"details":{"state":"failed"},"cause":{"message":"no rows"}}',
  ],
  [
    "handler error: without words of its own",
    400,
    json,
    '{"metadata":{"type":"nexus.HandlerError"},"details":{"type":"BAD_REQUEST"},"cause":{"message":"no rows"}}',
  ],
])("the message of an %s", (_case, status, headers, body) => {
  const decoded = decodeErrorResponse({ status, headers, body: Buffer.from(body) });
  expect(decoded).toMatchObject({ error: { message: "no rows", cause: { message: "no rows" } } });
});
