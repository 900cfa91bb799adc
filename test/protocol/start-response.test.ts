import { expect, test } from "vitest";
import { decodeStartResponse, encodeAsyncStart } from "../../sdk/src/protocol/start-response.ts";

const json = { "content-type": "application/json" };
const link = { "nexus-link": '<http://a>; type="t"' };

test("a 200 is the result with its content headers and links, whatever its state header says", () => {
  const body = Buffer.from("1");
  const headers = {
    ...json,
    ...link,
    "content-x": "y",
    "nexus-operation-state": "failed",
    date: "d",
  };
  expect(decodeStartResponse({ status: 200, headers, body })).toEqual({
    kind: "sync",
    headers: { ...json, "content-x": "y" },
    body,
    links: [{ url: "http://a", type: "t" }],
  });
});

test("a 201 names the token, exactly as application/json", () => {
  const encoded = encodeAsyncStart("a/b");
  expect(encoded.headers).toEqual(json);
  expect(encoded.body.toString()).toBe('{"token":"a/b","state":"running"}');
  expect(decodeStartResponse({ ...encoded, headers: { ...encoded.headers, ...link } })).toEqual({
    kind: "async",
    token: "a/b",
    links: [{ url: "http://a", type: "t" }],
  });
  const charset = { "content-type": "Application/JSON; charset=utf-8" };
  expect(decodeStartResponse({ ...encoded, headers: charset })).toMatchObject({ token: "a/b" });
});

test.each([
  ["201 of text", 201, {}, '{"token":"t","state":"running"}'],
  ["201 with an empty token", 201, json, '{"token":"","state":"running"}'],
  ["201 with an id only", 201, json, '{"id":"t","state":"running"}'],
  ["201 in another state", 201, json, '{"token":"t","state":"succeeded"}'],
  ["201 that is no object", 201, json, "null"],
  ["201 that is no JSON", 201, json, "{"],
  ["202", 202, json, "{}"],
  ["204", 204, {}, ""],
  ["a redirect", 307, {}, ""],
  ["200 with a bad link", 200, { ...json, "nexus-link": '<http://a>; type="' }, "1"],
  ["200 with an empty link", 200, { ...json, "nexus-link": "" }, "1"],
])("%s is unexpected", (_name, status, headers: Record<string, string>, body) => {
  expect(decodeStartResponse({ status, headers, body: Buffer.from(body) })).toEqual({
    kind: "unexpected",
    status,
    retryable: true,
  });
});

test("errors are read as everywhere", () => {
  const decoded = decodeStartResponse({ status: 404, headers: {}, body: Buffer.alloc(0) });
  expect(decoded).toMatchObject({ kind: "handler-error", type: "NOT_FOUND", retryable: false });
});
