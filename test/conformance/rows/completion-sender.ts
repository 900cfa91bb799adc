import type { CompletionSenderRow } from "../row.ts";

const value = { kind: "value", value: { rows: 3 } } as const;
const json = ["content-type", "application/json"] as const;
const imfFixdate =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;
const handlerError = (type: string, retryable?: boolean): string =>
  JSON.stringify({
    message: "no",
    metadata: { type: "nexus.HandlerError" },
    details: { type, ...(retryable === undefined ? {} : { retryableOverride: retryable }) },
  });

export const completionSenderRows: readonly CompletionSenderRow[] = [
  {
    id: "CS1",
    title: "a JSON result with state, token and both times",
    ended: value,
    expect: {
      headers: {
        "content-type": "application/json",
        "nexus-operation-state": "succeeded",
        "nexus-operation-token": /^.+$/,
        "nexus-operation-start-time": imfFixdate,
        "nexus-operation-close-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/,
      },
      body: '{"rows":3}',
    },
  },
  {
    id: "CS2",
    title: "no result: no type and no bytes",
    ended: { kind: "value", value: undefined },
    expect: {
      headers: { "content-type": null, "nexus-operation-state": "succeeded" },
      body: "",
    },
  },
  {
    id: "CS3",
    title: "bytes",
    ended: { kind: "value", value: new Uint8Array([65, 66]) },
    expect: { headers: { "content-type": "application/octet-stream" }, body: "AB" },
  },
  {
    id: "CS4",
    title: "failed with a cause: the cause alone",
    ended: { kind: "failed", message: "outer", cause: { message: "the cause" } },
    expect: {
      headers: { "nexus-operation-state": "failed", "content-type": "application/json" },
      body: '{"message":"the cause"}',
    },
  },
  {
    id: "CS5",
    title: "canceled without a cause: the whole OperationError",
    ended: { kind: "canceled", message: "gone" },
    expect: {
      headers: { "nexus-operation-state": "canceled", "content-type": "application/json" },
      body: '{"message":"gone","metadata":{"type":"nexus.OperationError"},"details":{"state":"canceled"}}',
    },
  },
  {
    id: "CO20",
    title: "callback headers come back, without prefix and in lower case",
    ended: value,
    callbackHeaders: { "X-Team": "data", token: "secret" },
    expect: {
      headers: { "x-team": "data", token: "secret", "nexus-callback-token": null },
    },
  },
  {
    id: "CO20b",
    title: "callback headers can't change what was sent",
    ended: value,
    callbackHeaders: {
      "nexus-operation-state": "failed",
      "content-type": "text/plain",
      "nexus-operation-token": "forged",
    },
    expect: {
      headers: {
        "nexus-operation-state": "succeeded",
        "content-type": "application/json",
        "nexus-operation-token": /^(?!forged)/,
      },
    },
  },
  {
    id: "CO20c",
    title: "the callback URL's query is kept",
    ended: value,
    query: "?a=1&b=%20c",
    expect: { query: "?a=1&b=%20c" },
  },
  ...[200, 202, 204].map((status): CompletionSenderRow => ({
    id: `CO6-${status}`,
    title: `a receiver that answers ${status} has it`,
    ended: value,
    reply: { status },
    then: "delivered",
  })),
  ...[408, 413, 429, 500, 502, 503, 504, 520].map((status): CompletionSenderRow => ({
    id: `CO7-${status}`,
    title: `${status} is tried again`,
    ended: value,
    reply: { status },
    then: "retried",
  })),
  ...[400, 401, 403, 404, 409, 501].map((status): CompletionSenderRow => ({
    id: `CO5-${status}`,
    title: `${status} is final`,
    ended: value,
    reply: { status, headers: [json], body: '{"message":"no"}' },
    then: "refused",
  })),
  {
    id: "CO5b",
    title: "a HandlerError with retryableOverride true is tried again",
    ended: value,
    reply: { status: 400, headers: [json], body: handlerError("BAD_REQUEST", true) },
    then: "retried",
  },
  {
    id: "CO5c",
    title: "the retry header makes a 500 final",
    ended: value,
    reply: { status: 500, headers: [["nexus-request-retryable", "false"]] },
    then: "refused",
  },
];
