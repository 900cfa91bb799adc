import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callbackHeadersOf, startMesh, type Mesh } from "../engine/mesh.ts";
import {
  startScriptedHandler,
  type HandlerCall,
  type ScriptedHandler,
} from "../harness/handler-server.ts";
import { waitFor } from "../harness/wait-for.ts";
import { rawRequest } from "./raw-http.ts";
import type { HeaderLines } from "./row.ts";
import { startScriptedReceiver } from "./scripted-receiver.ts";

let mesh: Mesh;
let handler: ScriptedHandler;
let base: string;
let authorization: readonly [string, string];

beforeAll(async () => {
  mesh = await startMesh();
  handler = await startScriptedHandler();
  const endpoint = await mesh.endpoint(handler.url);
  base = `${mesh.url}/nexus/endpoints/${endpoint}/services`;
  authorization = ["authorization", `Bearer ${mesh.token("caller")}`];
});
afterAll(async () => {
  await handler.close();
  await mesh.close();
});

/** Whatever a URL can carry: every character but those that resolve away or that no row holds. */
const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 30 })
  .filter((text) => ![".", ".."].includes(text) && !text.includes("\0"));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const headerValue = fc
  .string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  .map((text) => text.trim());
const headers = (prefix: string) =>
  fc.dictionary(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/).map((text) => prefix + text),
    headerValue,
    { maxKeys: 4 },
  );
const contentType = fc.constantFrom(
  "application/json",
  "application/json; charset=utf-8",
  "application/x-protobuf; message-type=a.B",
  "application/x-temporal-payload",
  "x/y",
);
const content = fc
  .tuple(headers("content-x-"), contentType)
  .map(([more, type]): Record<string, string> => ({ ...more, "content-type": type }));
const link = '<https://a.example/?q=%2C>; type="t"';
/** Must never reach a handler, whatever they say. */
const forbidden = [
  "cookie",
  "proxy-authorization",
  "te",
  "x-forwarded-for",
  "forwarded",
  "via",
  "nexus-mesh-caller-identity",
  "nexus-mesh-completion-token",
  "accept-encoding",
] as const;
const json = fc.jsonValue().map((value) => JSON.stringify(value));

const lines = (record: Readonly<Record<string, string>>): HeaderLines => Object.entries(record);
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);

function contentOf(all: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(all).filter(([key]) => key.startsWith("content-") && key !== "content-length"),
  );
}

async function callAfter(before: number): Promise<HandlerCall> {
  return waitFor("the handler's call", () => handler.calls[before]);
}

test("a synchronous call: names, headers, content and bytes arrive as they were sent, both ways", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ service: name, operation: name }),
      headers("x-"),
      content,
      bytes,
      content,
      bytes,
      fc.constantFrom(...forbidden),
      async ({ service, operation }, own, sentContent, sent, backContent, back, secret) => {
        handler.script((_call, response) => {
          response
            .writeHead(200, {
              ...backContent,
              "nexus-link": link,
              "set-cookie": "a=1",
              "x-internal": "no",
            })
            .end(back);
        });
        const before = handler.calls.length;
        const answer = await rawRequest(`${base}/${encoded(service)}/${encoded(operation)}`, {
          headers: [authorization, ...lines(own), ...lines(sentContent), [secret, "forged"]],
          body: sent,
        });
        expect(answer.status, answer.body).toBe(200);
        const call = await callAfter(before);
        const path = new URL(call.url, "http://handler").pathname.split("/");
        expect(path.slice(-2).map(decodeURIComponent)).toEqual([service, operation]);
        expect(call.body.equals(sent)).toBe(true);
        expect(call.headers).toMatchObject(own);
        expect(contentOf(call.headers)).toEqual(sentContent);
        expect(call.headers[secret]).not.toBe("forged");
        expect(JSON.stringify(call.rawHeaders)).not.toContain(authorization[1]);
        expect(answer.bytes.equals(back)).toBe(true);
        expect(contentOf(answer.headers)).toEqual(backContent);
        expect(answer.headers["nexus-link"]).toBe(link);
        expect(answer.headers).not.toHaveProperty("set-cookie");
        expect(answer.headers).not.toHaveProperty("x-internal");
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

test("an asynchronous call: input, result and content cross the tables as they were sent", async () => {
  await fc.assert(
    fc.asyncProperty(
      headers("x-"),
      content,
      bytes,
      content,
      bytes,
      async (own, sentContent, sent, backContent, back) => {
        handler.script({
          status: 201,
          headers: { "content-type": "application/json" },
          body: '{"token":"t","state":"running"}',
        });
        const receiver = await startScriptedReceiver({ status: 200 });
        try {
          const before = handler.calls.length;
          const callback = encodeURIComponent(`${receiver.url}/cb`);
          const answer = await rawRequest(`${base}/s/op?callback=${callback}`, {
            headers: [
              authorization,
              ...lines(own),
              ...lines(sentContent),
              ["prefer", "respond-async"],
            ],
            body: sent,
          });
          expect(answer.status, answer.body).toBe(201);
          const call = await callAfter(before);
          expect(call.body.equals(sent)).toBe(true);
          expect(call.headers).toMatchObject(own);
          expect(contentOf(call.headers)).toEqual(sentContent);
          const more: HeaderLines = [...lines(backContent), ["nexus-link", link]];
          await completeWith(call, more, "succeeded", back);
          const received = await waitFor("the callback", () => receiver.received[0]);
          expect(received.headers["nexus-link"]).toBe(link);
          expect(received.bytes.equals(back)).toBe(true);
          expect(contentOf(received.headers)).toEqual(backContent);
        } finally {
          await receiver.close();
        }
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("a synchronous answer to a durable start: its links reach the caller and the callback", async () => {
  handler.script({
    status: 200,
    headers: { "content-type": "application/json", "nexus-link": link },
    body: "[1]",
  });
  const receiver = await startScriptedReceiver({ status: 200 });
  try {
    const callback = encodeURIComponent(`${receiver.url}/cb`);
    const start = (more: HeaderLines) =>
      rawRequest(`${base}/s/op?callback=${callback}`, {
        headers: [
          authorization,
          ["content-type", "application/json"],
          ["nexus-request-id", "links"],
          ...more,
        ],
        body: "1",
      });
    expect((await start([["prefer", "respond-async"]])).status).toBe(201);
    const received = await waitFor("the callback", () => receiver.received[0]);
    expect(received.headers["nexus-link"]).toBe(link);
    const repeat = await start([]);
    expect(repeat.status).toBe(200);
    expect(repeat.headers["nexus-link"]).toBe(link);
    expect(repeat.body).toBe("[1]");
  } finally {
    await receiver.close();
  }
});

test("failures: metadata, details and nested causes of unknown types keep their very bytes", async () => {
  const types = fc.constantFrom("x.Unknown", "nexus.HandlerError", "nexus.OperationError");
  await fc.assert(
    fc.asyncProperty(
      json,
      headerValue,
      fc.boolean(),
      types,
      async (details, message, nested, type) => {
        const inner = `{"message":${JSON.stringify(message)}, "metadata":{"type":"${type}","k":"v"},"details":{"big":12345678901234567890,"any":${details}}${nested ? ',"cause":{"message":"deep","details":[1.0]}' : ""}}`;
        handler.script({
          status: 201,
          headers: { "content-type": "application/json" },
          body: '{"token":"t","state":"running"}',
        });
        const receiver = await startScriptedReceiver({ status: 200 });
        try {
          const before = handler.calls.length;
          const callback = encodeURIComponent(`${receiver.url}/cb`);
          const start = (requestId: string, more: HeaderLines) =>
            rawRequest(`${base}/s/op?callback=${callback}`, {
              headers: [
                authorization,
                ["content-type", "application/json"],
                ["nexus-request-id", requestId],
                ...more,
              ],
              body: "1",
            });
          const requestId = `r-${before}`;
          const answer = await start(requestId, [["prefer", "respond-async"]]);
          expect(answer.status, answer.body).toBe(201);
          const { token } = JSON.parse(answer.body) as { token: string };
          await completeWith(
            await callAfter(before),
            [
              ["content-type", "application/json"],
              ["nexus-link", link],
            ],
            "failed",
            Buffer.from(inner),
          );
          const received = await waitFor("the callback", () => receiver.received[0]);
          expect(received.bytes.toString()).toBe(inner);
          expect(received.headers["nexus-link"]).toBe(link);
          // A repeat is told the stored end: whole where it asks for whole failures, else the cause.
          const repeat = await start(requestId, []);
          expect(repeat.status).toBe(424);
          expect(repeat.body).toBe(inner);
          const whole = await start(requestId, [["temporal-nexus-failure-support", "true"]]);
          expect(whole.body).toContain(inner);
          const result = await rawRequest(`${mesh.url}/v1/operations/${token}/result`, {
            method: "GET",
            headers: [authorization],
          });
          expect(result.body).toContain(inner);
        } finally {
          await receiver.close();
        }
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("a synchronous failure is passed on byte for byte", async () => {
  await fc.assert(
    fc.asyncProperty(
      json,
      fc.constantFrom(400, 404, 409, 424, 500, 503),
      async (details, status) => {
        const body = `{"message":"m","metadata":{"type":"x"},"details":{"big":12345678901234567890,"any":${details}}}`;
        handler.script({
          status,
          headers: {
            "content-type": "application/json",
            "nexus-operation-state": "failed",
            "nexus-request-retryable": "false",
          },
          body,
        });
        const answer = await rawRequest(`${base}/s/op`, {
          headers: [authorization, ["content-type", "application/json"]],
          body: "1",
        });
        expect(answer.status).toBe(status);
        expect(answer.body).toBe(body);
        expect(answer.headers).toMatchObject({
          "content-type": "application/json",
          "nexus-request-retryable": "false",
        });
      },
    ),
    { numRuns: 60 },
  );
});

test("a reply that is cut in the middle is an error for the caller", async () => {
  handler.script((_call, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write("[1,2");
    setImmediate(() => response.destroy());
  });
  const answer = await rawRequest(`${base}/s/op`, {
    headers: [authorization, ["content-type", "application/json"]],
    body: "1",
  });
  expect(answer.status).toBe(520);
  expect(JSON.parse(answer.body)).toMatchObject({ details: { type: "UPSTREAM_TIMEOUT" } });
});

async function completeWith(
  call: HandlerCall,
  content: HeaderLines,
  state: string,
  body: Buffer,
): Promise<void> {
  const url = new URL(call.url, "http://handler").searchParams.get("callback") ?? "";
  const answer = await rawRequest(url, {
    headers: [
      ...Object.entries(callbackHeadersOf(call)),
      ...content,
      ["nexus-operation-state", state],
    ],
    body,
  });
  expect(answer.status, answer.body).toBe(200);
}
