import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startScriptedHandler, type ScriptedHandler } from "../harness/handler-server.ts";
import { complete, startMesh, type Mesh } from "./mesh.ts";

let mesh: Mesh;
let handler: ScriptedHandler;

beforeAll(async () => {
  mesh = await startMesh();
});
afterAll(() => mesh.close());
beforeEach(async () => {
  handler = await startScriptedHandler();
  mesh.track(handler);
});

describe("a pass-through call", () => {
  test("carries bytes and content headers untouched both ways, and writes nothing", async () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13]);
    handler.script((call, response) => {
      response
        .writeHead(200, {
          "content-type": "application/x-temporal-payload",
          "content-custom": "kept",
          "nexus-link": '<https://a.example/x>; type="a.B"',
          "x-internal": "stays",
        })
        .end(call.body);
    });
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint, {
      body: bytes,
      headers: { "content-type": "application/octet-stream", "content-language": "de" },
    });
    expect(reply.status).toBe(200);
    expect(reply.bytes.equals(bytes)).toBe(true);
    expect(reply.headers).toMatchObject({
      "content-type": "application/x-temporal-payload",
      "content-custom": "kept",
      "nexus-link": '<https://a.example/x>; type="a.B"',
    });
    expect(reply.headers["x-internal"]).toBeUndefined();
    expect(handler.calls[0]?.headers).toMatchObject({
      "content-type": "application/octet-stream",
      "content-language": "de",
    });
    expect(await mesh.operations(endpoint)).toHaveLength(0);
  });

  test("forwards the caller's own headers, and neither credentials nor internal ones", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.start(endpoint, {
      headers: {
        "x-team": "blue",
        cookie: "a=b",
        "x-forwarded-for": "1.2.3.4",
        "nexus-mesh-caller-identity": "forged",
        "proxy-authorization": "Basic x",
        traceparent: "00-1-2-3",
      },
    });
    const headers = handler.calls[0]?.headers ?? {};
    expect(headers).toMatchObject({ "x-team": "blue", traceparent: "00-1-2-3" });
    for (const name of ["authorization", "cookie", "x-forwarded-for", "proxy-authorization"])
      expect(headers[name]).toBeUndefined();
    expect(headers["nexus-mesh-caller-identity"]).not.toBe("forged");
  });

  test("carries the signed caller identity", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    await mesh.start(endpoint);
    const jwks = createRemoteJWKSet(new URL(`${mesh.url}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(
      String(handler.calls[0]?.headers["nexus-mesh-caller-identity"]),
      jwks,
      {
        issuer: mesh.publicUrl,
        audience: handler.url,
        typ: "nexus-mesh-caller+jwt",
      },
    );
    expect(payload).toMatchObject({ sub: "caller", endpoint });
  });

  test("that the handler answers asynchronously is recorded before the caller hears of it", async () => {
    handler.script({
      status: 201,
      headers: { "content-type": "application/json" },
      body: '{"token":"h","state":"running"}',
    });
    const endpoint = await mesh.endpoint(handler.url);
    const started = await mesh.start(endpoint);
    expect(started.status).toBe(201);
    const { token } = started.json();
    expect((await mesh.head(token))?.state).toBe("started");
    expect((await complete(handler.calls[0], { state: "succeeded", body: "1" })).status).toBe(200);
    expect((await mesh.head(token))?.state).toBe("succeeded");
  });

  test("whose completion overtakes the 201 answers with the outcome", async () => {
    handler.script(async (call, response) => {
      await complete(call, { state: "succeeded", body: '"done"' });
      response
        .writeHead(201, { "content-type": "application/json" })
        .end('{"token":"h","state":"running"}');
    });
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint, { requestId: "early" });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe('"done"');
    expect((await complete(handler.calls[0], { state: "succeeded", body: '"done"' })).status).toBe(
      200,
    );
    expect((await complete(handler.calls[0], { state: "succeeded", body: '"else"' })).status).toBe(
      404,
    );
    expect(await mesh.operations(endpoint)).toHaveLength(1);
  });

  test("says whether a failed call may have run", async () => {
    const dead = await mesh.endpoint("http://127.0.0.1:9/nexus");
    const unreachable = await mesh.start(dead);
    expect([unreachable.status, unreachable.json().metadata.code]).toEqual([
      503,
      "HANDLER_UNREACHABLE",
    ]);
    const endpoint = await mesh.endpoint(handler.url);
    handler.script((_call, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("cut");
      response.destroy();
    });
    const cut = await mesh.start(endpoint);
    expect([cut.status, cut.json().metadata.code]).toEqual([520, "HANDLER_TIMEOUT"]);
    handler.script({ status: 502, headers: { "content-type": "text/html" }, body: "<html>" });
    expect((await mesh.start(endpoint)).status).toBe(520);
    handler.script(() => undefined);
    const late = await mesh.start(endpoint, { headers: { "request-timeout": "200ms" } });
    expect(late.status).toBe(520);
  });

  test("passes handler errors on as they came", async () => {
    const body =
      '{"message":"later","metadata":{"type":"nexus.HandlerError","k":"v"},"details":{"type":"TEAPOT","big":9007199254740993}}';
    handler.script({
      status: 429,
      headers: { "content-type": "application/json", "nexus-request-retryable": "false" },
      body,
    });
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint);
    expect([reply.status, reply.text, reply.headers["nexus-request-retryable"]]).toEqual([
      429,
      body,
      "false",
    ]);
  });
});

describe("what is refused before it is sent", () => {
  test.each([
    ["no token", { as: null }, 401, "UNAUTHENTICATED"],
    ["another namespace's call without a grant", { as: "stranger" }, 403, "GRANT_MISSING"],
    ["an unknown endpoint", { endpoint: "nowhere" }, 404, "ENDPOINT_NOT_FOUND"],
    ["a private callback address", { callback: "http://10.0.0.1/cb" }, 403, "EGRESS_DENIED"],
    ["a callback that is no URL", { callback: "nope" }, 400, "INVALID_CALLBACK_URL"],
    ["a broken link", { headers: { "nexus-link": '<https://a>; type="' } }, 400, "INVALID_LINK"],
  ] as const)("%s", async (_what, options, status, code) => {
    const own = await mesh.endpoint(handler.url);
    const { endpoint = own, ...start } = options as { endpoint?: string } & Parameters<
      Mesh["start"]
    >[1];
    const reply = await mesh.start(endpoint, start);
    expect([reply.status, reply.json().metadata.code]).toEqual([status, code]);
    expect(reply.headers["content-type"]).toBe("application/json");
    expect(handler.calls).toHaveLength(0);
  });

  test("a missing grant names endpoint, caller, owner and the command", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    const { message } = (await mesh.start(endpoint, { as: "stranger" })).json();
    for (const part of [endpoint, "stranger", "owner", "nexus-mesh grant put"])
      expect(message).toContain(part);
  });

  test.each([
    ["/nexus/endpoints/e/services/s/o", "GET", 400],
    ["/nexus/endpoints/e/services/s", "POST", 404],
    ["/nexus/endpoints/e/services/s/o/x/y/z", "POST", 404],
    ["/nexus/endpoints/e/other/s/o", "POST", 404],
    ["/nexus/endpoints/e/services/%ff/o", "POST", 400],
    ["/nexus/endpoints/e/services/s/%2E%2E", "POST", 400],
    ["/nexus/endpoints/e/services/%00/o", "POST", 400],
    ["/nexus/endpoints/e/services/s/o?callback=%zz", "POST", 400],
  ])("%s %s → %i", async (path, method, status) => {
    const reply = await mesh.request(path, method);
    expect([reply.status, reply.json().metadata.type]).toEqual([status, "nexus.HandlerError"]);
  });

  test("an oversized body", async () => {
    const endpoint = await mesh.endpoint(handler.url);
    const reply = await mesh.start(endpoint, { body: Buffer.alloc(2 * 1024 * 1024 + 1) });
    expect([reply.status, reply.json().message]).toEqual([400, "input exceeds size limit"]);
  });
});
