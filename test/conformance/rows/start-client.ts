import type { StartClientRow } from "../row.ts";

const json = ["content-type", "application/json"] as const;
const failure = (value: object): string => JSON.stringify(value);
const handlerError = (details: unknown, message = "no"): string =>
  failure({ message, metadata: { type: "nexus.HandlerError" }, details });
const operationError = (details: unknown, message = "no"): string =>
  failure({ message, metadata: { type: "nexus.OperationError" }, details });

const byStatus: [number, string][] = [
  [400, "error:BAD_REQUEST:final"],
  [401, "error:UNAUTHENTICATED:final"],
  [403, "error:UNAUTHORIZED:final"],
  [404, "error:NOT_FOUND:final"],
  [408, "error:REQUEST_TIMEOUT:retry"],
  [409, "error:CONFLICT:final"],
  [429, "error:RESOURCE_EXHAUSTED:retry"],
  [500, "error:INTERNAL:retry"],
  [501, "error:NOT_IMPLEMENTED:final"],
  [503, "error:UNAVAILABLE:retry"],
  [520, "error:UPSTREAM_TIMEOUT:retry"],
];
const row = (
  id: string,
  title: string,
  reply: StartClientRow["reply"],
  expect: string,
): StartClientRow => ({ id, title, reply, expect });

export const startClientRows: readonly StartClientRow[] = [
  row(
    "CL1",
    "200 is the value",
    { status: 200, headers: [json], body: '{"a":1}' },
    'value:{"a":1}',
  ),
  row(
    "CL1b",
    "the state header of a 200 is ignored",
    { status: 200, headers: [json, ["nexus-operation-state", "failed"]], body: "1" },
    "value:1",
  ),
  row("CL1c", "200 without content", { status: 200 }, "value:"),
  row(
    "EN9",
    "escaped JSON is the same value",
    { status: 200, headers: [json], body: '"\\u003cb\\u003e"' },
    'value:"\\u003cb\\u003e"',
  ),
  row(
    "CL2",
    "201 with a token",
    { status: 201, headers: [json], body: '{"token":"a/b","state":"running"}' },
    "started:a/b",
  ),
  row(
    "CL2b",
    "201 with a charset and another case",
    {
      status: 201,
      headers: [["content-type", "Application/JSON; charset=utf-8"]],
      body: '{"token":"t","state":"running"}',
    },
    "started:t",
  ),
  row(
    "SA3",
    "201 that is not JSON",
    {
      status: 201,
      headers: [["content-type", "text/plain"]],
      body: '{"token":"t","state":"running"}',
    },
    "unexpected",
  ),
  row(
    "SA5",
    "201 with an empty token",
    { status: 201, headers: [json], body: '{"token":"","state":"running"}' },
    "unexpected",
  ),
  row(
    "SA5b",
    "201 with an id alone",
    { status: 201, headers: [json], body: '{"id":"t","state":"running"}' },
    "unexpected",
  ),
  row(
    "SA5c",
    "201 in another state",
    { status: 201, headers: [json], body: '{"token":"t","state":"succeeded"}' },
    "unexpected",
  ),
  row(
    "SA5d",
    "201 that is broken JSON",
    { status: 201, headers: [json], body: '{"token":' },
    "unexpected",
  ),
  ...[202, 204, 302, 412, 413, 418, 422, 502, 504].map((status) =>
    row(`SA7-${status}`, `${status} is no Nexus answer`, { status }, "unexpected"),
  ),
  row(
    "LI8",
    "a bad link spoils a 200",
    { status: 200, headers: [json, ["nexus-link", "<nonsense"]], body: "1" },
    "unexpected",
  ),
  row(
    "LI9",
    "good links do not",
    { status: 200, headers: [json, ["nexus-link", '<https://a.example/>; type="t"']], body: "1" },
    "value:1",
  ),
  ...byStatus.map(([status, made]) =>
    row(`CL3-${status}`, `${status} without a failure`, { status }, made),
  ),
  ...byStatus.map(([status, made]) =>
    row(
      `FA19-${status}`,
      `${status} with a page of HTML`,
      { status, headers: [["content-type", "text/html"]], body: "<h1>no</h1>" },
      made,
    ),
  ),
  row(
    "FA19b",
    "a failure that is no JSON by its type is none",
    {
      status: 500,
      headers: [["content-type", "text/plain"]],
      body: handlerError({ type: "BAD_REQUEST" }),
    },
    "error:INTERNAL:retry",
  ),
  row(
    "FA10",
    "a HandlerError body beats the status",
    { status: 500, headers: [json], body: handlerError({ type: "BAD_REQUEST" }) },
    "error:BAD_REQUEST:final",
  ),
  row(
    "FA10b",
    "also a status that no handler sends",
    { status: 504, headers: [json], body: handlerError({ type: "NOT_FOUND" }) },
    "error:NOT_FOUND:final",
  ),
  row(
    "FA10c",
    "and the retry header",
    {
      status: 400,
      headers: [json, ["nexus-request-retryable", "true"]],
      body: handlerError({ type: "BAD_REQUEST" }),
    },
    "error:BAD_REQUEST:final",
  ),
  row(
    "FA6c",
    "retryableOverride true",
    {
      status: 400,
      headers: [json],
      body: handlerError({ type: "BAD_REQUEST", retryableOverride: true }),
    },
    "error:BAD_REQUEST:retry",
  ),
  row(
    "FA6d",
    "retryableOverride false",
    {
      status: 500,
      headers: [json],
      body: handlerError({ type: "INTERNAL", retryableOverride: false }),
    },
    "error:INTERNAL:final",
  ),
  row(
    "FA15",
    "the retry header in capitals",
    { status: 400, headers: [["nexus-request-retryable", "TRUE"]] },
    "error:BAD_REQUEST:retry",
  ),
  row(
    "FA15b",
    "false makes a 500 final",
    { status: 500, headers: [["nexus-request-retryable", "false"]] },
    "error:INTERNAL:final",
  ),
  row(
    "FA15c",
    "other values are ignored",
    { status: 400, headers: [["nexus-request-retryable", "1"]] },
    "error:BAD_REQUEST:final",
  ),
  row(
    "FA17",
    "a HandlerError body whose details are no object",
    { status: 400, headers: [json], body: handlerError("x") },
    "unexpected",
  ),
  row(
    "FA17b",
    "a HandlerError body without details",
    {
      status: 400,
      headers: [json],
      body: failure({ message: "no", metadata: { type: "nexus.HandlerError" } }),
    },
    "unexpected",
  ),
  row(
    "FA18",
    "an unknown type is kept and worth another try",
    { status: 500, headers: [json], body: handlerError({ type: "TEAPOT" }) },
    "error:TEAPOT:retry",
  ),
  row(
    "FA18b",
    "metadata that is not text makes the body unreadable",
    {
      status: 404,
      headers: [json],
      body: failure({
        message: "no",
        metadata: { type: "nexus.HandlerError", more: 1 },
        details: { type: "INTERNAL" },
      }),
    },
    "error:NOT_FOUND:final",
  ),
  row(
    "FA11",
    "424 with the cause alone, failed",
    {
      status: 424,
      headers: [json, ["nexus-operation-state", "failed"]],
      body: failure({ message: "no stock" }),
    },
    "failed:no stock",
  ),
  row(
    "FA11b",
    "424 with the cause alone, canceled",
    {
      status: 424,
      headers: [json, ["nexus-operation-state", "canceled"]],
      body: failure({ message: "gone" }),
    },
    "canceled:gone",
  ),
  row(
    "FA11c",
    "424 without a state",
    { status: 424, headers: [json], body: failure({ message: "no" }) },
    "unexpected",
  ),
  row(
    "FA11d",
    "424 in a state that is no end",
    {
      status: 424,
      headers: [json, ["nexus-operation-state", "running"]],
      body: failure({ message: "no" }),
    },
    "unexpected",
  ),
  row(
    "FA11e",
    "424 that is not JSON",
    {
      status: 424,
      headers: [
        ["content-type", "text/plain"],
        ["nexus-operation-state", "failed"],
      ],
      body: "no",
    },
    "unexpected",
  ),
  row(
    "FA12",
    "424 with a whole OperationError: its state beats the header",
    {
      status: 424,
      headers: [json, ["nexus-operation-state", "failed"]],
      body: operationError({ state: "canceled" }, "gone"),
    },
    "canceled:gone",
  ),
  row(
    "FA12c",
    "424 with a whole OperationError that has a cause: its own words count",
    {
      status: 424,
      headers: [json],
      body: failure({
        message: "no stock",
        metadata: { type: "nexus.OperationError" },
        details: { state: "failed" },
        cause: { message: "the lorry" },
      }),
    },
    "failed:no stock",
  ),
  row(
    "FA12d",
    "424 with an OperationError that was made around its cause: the cause's words count",
    {
      status: 424,
      headers: [json],
      body: failure({
        message: "operation error",
        metadata: { type: "nexus.OperationError", "unwrap-error": "true" },
        details: { state: "failed" },
        cause: { message: "no stock" },
      }),
    },
    "failed:no stock",
  ),
  row(
    "FA12b",
    "424 with an OperationError without details",
    {
      status: 424,
      headers: [json, ["nexus-operation-state", "failed"]],
      body: failure({ message: "no", metadata: { type: "nexus.OperationError" } }),
    },
    "unexpected",
  ),
];
