import type { StartServerRow } from "../row.ts";

const json = [["content-type", "application/json"]] as const;
const support = [["temporal-nexus-failure-support", "true"]] as const;
const cause = { message: "the cause" };

const types = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  UNAUTHORIZED: 403,
  NOT_FOUND: 404,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  NOT_IMPLEMENTED: 501,
  UNAVAILABLE: 503,
  UPSTREAM_TIMEOUT: 520,
};

/** The ids are those of design/protocol.md, section 3; letters were added to split a row. */
export const startServerRows: readonly StartServerRow[] = [
  ...[
    ["a", "/s%2F1/op", "s/1", "op"],
    ["b", "/s/a%20b%3F%23%25", "s", "a b?#%"],
    ["c", "/s/%C3%A4%E2%82%AC", "s", "ä€"],
    ["d", "/s/a+b$&=:@~.-_", "s", "a+b$&=:@~.-_"],
    ["e", "/s/%21%27%28%29%2A%2C%3B", "s", "!'()*,;"],
  ].map(([letter = "", path = "", service = "", operation = ""]): StartServerRow => ({
    id: `SS1${letter}`,
    title: `names that need escaping: ${path}`,
    request: { path, headers: json, body: "1" },
    expect: { status: 200, seen: { service, operation } },
  })),
  {
    id: "SS2",
    title: "JSON in, JSON out, exactly application/json",
    request: { path: "/s/op", headers: json, body: '{"a":[1,"ü",null]}' },
    expect: {
      status: 200,
      headers: { "content-type": "application/json" },
      body: '{"a":[1,"ü",null]}',
      seen: { body: '{"a":[1,"ü",null]}' },
    },
  },
  {
    id: "SS3",
    title: "bytes in, bytes out",
    request: {
      path: "/s/op",
      headers: [["content-type", "application/octet-stream"]],
      body: Buffer.from([0, 255, 128, 10]),
    },
    expect: { status: 200, headers: { "content-type": "application/octet-stream" } },
  },
  {
    id: "SS6",
    title: "a chunked empty body without a type is no input",
    request: { path: "/s/op", chunked: true },
    expect: {
      status: 200,
      headers: { "content-length": "0", "content-type": null },
      body: "",
      seen: { body: "" },
    },
  },
  {
    id: "SS7",
    title: "no result: length 0 and no type",
    request: { path: "/s/op", headers: json, body: "1" },
    handler: { kind: "value", value: undefined },
    expect: { status: 200, headers: { "content-length": "0", "content-type": null }, body: "" },
  },
  {
    id: "SS7b",
    title: "null is a JSON null",
    request: { path: "/s/op", headers: json, body: "1" },
    handler: { kind: "value", value: null },
    expect: { status: 200, headers: { "content-type": "application/json" }, body: "null" },
  },
  {
    id: "SS9",
    title: "an operation named cancel starts",
    request: { path: "/s/cancel", headers: json, body: "1" },
    expect: { status: 200, seen: { service: "s", operation: "cancel" } },
  },
  ...["GET", "PUT", "DELETE", "OPTIONS"].map((method): StartServerRow => ({
    id: `SS10-${method}`,
    title: `${method} is refused`,
    request: { method, path: "/s/op" },
    expect: {
      status: 400,
      message: `invalid request method: expected POST, got "${method}"`,
      seen: null,
    },
  })),
  ...["/", "/one", "/s/o/", "/s/o/t/cancel/x", "/s/o/t/other", "/a/b/c/d/e/f"].map(
    (path, i): StartServerRow => ({
      id: `SS11${"abcdef"[i] ?? ""}`,
      title: `no route: ${path}`,
      request: { path, headers: json, body: "1" },
      expect: { status: 404, message: "not found", seen: null },
    }),
  ),
  {
    id: "SS13",
    title: "an error that is neither kind is hidden",
    request: { path: "/s/op", headers: json, body: "1" },
    handler: { kind: "throws", text: "password=1" },
    expect: { status: 500, body: '{"message":"internal server error"}' },
  },
  {
    id: "SA1",
    title: "an asynchronous start",
    request: { path: "/s/op", headers: json, body: "1" },
    handler: { kind: "async", token: "t" },
    expect: {
      status: 201,
      headers: { "content-type": "application/json" },
      body: /^\{"token":"[^"]+","state":"running"\}$/,
    },
  },
  {
    id: "CA5",
    title: "cancel: the header's token wins over the query's",
    request: { path: "/s/op/cancel?token=other", headers: [["nexus-operation-token", "TOKEN"]] },
    handler: { kind: "cancel-accepted" },
    expect: { status: 202, body: "", seen: { token: "TOKEN" } },
  },
  {
    id: "CA5b",
    title: "cancel by query",
    request: { path: "/s/op/cancel?token=TOKEN" },
    handler: { kind: "cancel-accepted" },
    expect: { status: 202, body: "", seen: { token: "TOKEN" } },
  },
  {
    id: "CA5c",
    title: "cancel by the older path with the token as a segment",
    request: { path: "/s/op/TOKEN/cancel" },
    handler: { kind: "cancel-accepted" },
    expect: { status: 202, body: "", seen: { token: "TOKEN" } },
  },
  {
    id: "CA6",
    title: "cancel without a token",
    request: { path: "/s/op/cancel" },
    expect: { status: 400, message: "missing operation token", seen: null },
  },
  ...(["failed", "canceled"] as const).map((state): StartServerRow => ({
    id: `FA1-${state}`,
    title: `an operation error, ${state}, without support for whole failures`,
    request: { path: "/s/op", headers: json, body: "1" },
    handler: { kind: "operation-error", state, message: "out of stock" },
    expect: {
      status: 424,
      headers: { "nexus-operation-state": state, "content-type": "application/json" },
      failure: {
        message: "out of stock",
        metadata: { type: "nexus.OperationError" },
        details: { state },
      },
    },
  })),
  {
    id: "FA1b",
    title: "an operation error with a cause, without support: the cause alone",
    request: { path: "/s/op", headers: json, body: "1" },
    handler: { kind: "operation-error", state: "failed", message: "outer", cause },
    expect: { status: 424, headers: { "nexus-operation-state": "failed" }, failure: cause },
  },
  {
    id: "FA2",
    title: "an operation error with a cause, with support: the whole failure",
    request: { path: "/s/op", headers: [...json, ...support], body: "1" },
    handler: { kind: "operation-error", state: "failed", message: "outer", cause },
    expect: {
      status: 424,
      headers: { "nexus-operation-state": "failed" },
      failure: {
        message: "outer",
        metadata: { type: "nexus.OperationError" },
        details: { state: "failed" },
        cause,
      },
    },
  },
  {
    id: "FA2b",
    title: "the support header's value is case-sensitive",
    request: {
      path: "/s/op",
      headers: [...json, ["temporal-nexus-failure-support", "True"]],
      body: "1",
    },
    handler: { kind: "operation-error", state: "failed", message: "outer", cause },
    expect: { status: 424, failure: cause },
  },
  ...Object.entries(types).map(([type, status]): StartServerRow => ({
    id: `FA5-${type}`,
    title: `handler error ${type}`,
    request: { path: "/s/op", headers: [...json, ...support], body: "1" },
    handler: { kind: "handler-error", type, message: "no" },
    expect: {
      status,
      headers: { "content-type": "application/json", "nexus-request-retryable": null },
      failure: { message: "no", metadata: { type: "nexus.HandlerError" }, details: { type } },
    },
  })),
  ...(
    [
      ["BAD_REQUEST", true],
      ["INTERNAL", false],
    ] as const
  ).map(([type, retryable]): StartServerRow => ({
    id: `FA6-${type}`,
    title: `${type} with retryableOverride ${String(retryable)}`,
    request: { path: "/s/op", headers: [...json, ...support], body: "1" },
    handler: { kind: "handler-error", type, message: "no", retryable },
    expect: {
      status: types[type],
      headers: { "nexus-request-retryable": String(retryable) },
      failure: {
        message: "no",
        metadata: { type: "nexus.HandlerError" },
        details: { type, retryableOverride: retryable },
      },
    },
  })),
  {
    id: "FA6b",
    title:
      "a handler error with a cause, without support: the cause alone, the rest in status and header",
    request: { path: "/s/op", headers: json, body: "1" },
    handler: { kind: "handler-error", type: "CONFLICT", message: "outer", retryable: true, cause },
    expect: { status: 409, headers: { "nexus-request-retryable": "true" }, failure: cause },
  },
  {
    id: "SA2",
    title: "a callback URL with a query of its own is called as it was given",
    request: {
      path: "/s/op?callback=CALLBACK%3Fa%3D1%26b%3Dx%2By",
      headers: json,
      body: "1",
    },
    handler: { kind: "async", token: "t" },
    expect: { status: 201, seen: { callbackUrl: "CALLBACK?a=1&b=x+y" } },
  },
  {
    id: "HD2",
    title: "duplicate headers keep their first value",
    request: {
      path: "/s/op",
      headers: [...json, ["x-team", "first"], ["x-team", "second"]],
      body: "1",
    },
    expect: { status: 200, seen: { headers: { "x-team": "first" } } },
  },
  {
    id: "HD2b",
    title: "header names are case-insensitive, values are not",
    request: {
      path: "/s/op",
      headers: [
        ["Content-TYPE", "application/json"],
        ["X-Team", "A b"],
      ],
      body: "1",
    },
    expect: { status: 200, seen: { headers: { "x-team": "A b" } } },
  },
  {
    id: "LI1",
    title: "links: several lines and several in one line arrive all",
    request: {
      path: "/s/op",
      headers: [
        ...json,
        ["nexus-link", '<https://a.example/1>; type="t.A", <https://a.example/2>; type="t.B"'],
        ["nexus-link", '<https://a.example/3>; type="t.C"'],
      ],
      body: "1",
    },
    handler: { kind: "links" },
    expect: {
      status: 200,
      headers: {
        "nexus-link":
          /^<https:\/\/a\.example\/1>; ?type="t\.A", ?<https:\/\/a\.example\/2>; ?type="t\.B", ?<https:\/\/a\.example\/3>; ?type="t\.C"$/,
      },
    },
  },
  {
    id: "LI4",
    title: "an unquoted type, an extra parameter, another scheme",
    request: {
      path: "/s/op",
      headers: [...json, ["nexus-link", "<temporal:///n/w>; type=t.A; x=y"]],
      body: "1",
    },
    handler: { kind: "links" },
    expect: {
      status: 200,
      headers: { "nexus-link": /^<temporal:\/\/\/n\/w>; ?type="?t\.A"?(; x=y)?$/ },
    },
  },
  ...[
    ["LI6", '<https://a.example/?q=1,2>; type="t"', "a comma in the URL"],
    ["LI3a", '<>; type="t"', "an empty URL"],
    ["LI3b", "<https://a.example/>", "no parameter"],
    ["LI3h", "<https://a.example/>; x=y", "no type"],
    ["LI3i", 'https://a.example/>; type="t"', "no opening bracket"],
    ["LI3k", '<https://a.example/ b>; type="t"', "a space in the URL"],
    ["LI3j", '<nonsense>; type="t"', "a URL that is none"],
    ["LI3c", '<https://a.example/>; type=""', "an empty type"],
    ["LI3d", '<https://a.example/?a=1;b=2>; type="t"', "a semicolon in the query"],
    ["LI3e", '<https://a.example/?a=%zz>; type="t"', "a bad escape in the query"],
    ["LI3f", '<https://a.example/>; type="t', "an open quote"],
    ["LI3g", '<https://a.example/>; type="t";', "a trailing semicolon"],
  ].map(([id = "", value = "", title = ""]): StartServerRow => ({
    id,
    title: `a link with ${title} is refused`,
    request: { path: "/s/op", headers: [...json, ["nexus-link", value]], body: "1" },
    expect: { status: 400, message: /^invalid "nexus-link" header/, seen: null },
  })),
  ...["10000ms", "10000.1ms", "10s", "10.3s", "999m", "0s", "0.9ms"].map(
    (value, i): StartServerRow => ({
      id: `TO4${"abcdefg"[i] ?? ""}`,
      title: `request timeout ${value} is one, and 0 is none`,
      request: { path: "/s/op", headers: [...json, ["request-timeout", value]], body: "1" },
      expect: { status: 200 },
    }),
  ),
  ...["invalid", "10", "1h", "-1s", "1 s", "1S", ".5s", "1.s", "+1s", "10sx"].map(
    (value, i): StartServerRow => ({
      id: `TO5${"abcdefghij"[i] ?? ""}`,
      title: `request timeout ${JSON.stringify(value)} is none`,
      request: { path: "/s/op", headers: [...json, ["request-timeout", value]], body: "1" },
      expect: { status: 400, message: /timeout/, seen: null },
    }),
  ),
];
