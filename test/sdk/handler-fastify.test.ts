import fastify, { type FastifyInstance } from "fastify";
import { operation, service, serviceHandler } from "nexus-rpc";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nexusHandler } from "../../sdk/src/handler-fastify.ts";

const handler = serviceHandler(service("s", { echo: operation<unknown, unknown>() }), {
  echo: (_ctx, input) => Promise.resolve(input),
});

let app: FastifyInstance;
let url: string;
beforeAll(async () => {
  app = fastify();
  app.post("/own", (incoming) => ({ parsed: incoming.body }));
  await app.register(nexusHandler, {
    basePath: "/nexus",
    services: [handler],
    trust: "dangerously-accept-anyone",
    maxBytes: 1_000,
  });
  url = await app.listen({ port: 0, host: "127.0.0.1" });
});
afterAll(() => app.close());

async function send(path: string, type: string | undefined, body: string | null, method = "POST") {
  const reply = await request(`${url}${path}`, {
    method: method as "POST",
    headers: type === undefined ? {} : { "content-type": type },
    body,
  });
  return {
    status: reply.statusCode,
    type: reply.headers["content-type"],
    text: await reply.body.text(),
  };
}

test.each([
  ["application/json", '{"__proto__":1}'],
  ["application/octet-stream", "xy"],
  [undefined, ""],
])("%s passes Fastify's own parsers by", async (type, body) => {
  const reply = await send("/nexus/s/echo", type, body === "" ? null : body);
  expect(reply).toEqual({ status: 200, type, text: body });
});

test.each([
  ["/nexus/nope/echo", "POST", "{}", 404],
  ["/nexus/s/echo", "GET", null, 400],
  ["/nexus/s/echo", "POST", `"${"x".repeat(1_000)}"`, 400],
])("%s by %s is a Nexus failure", async (path, method, body, status) => {
  const reply = await send(path, body === null ? undefined : "application/json", body, method);
  expect(reply).toMatchObject({ status, type: "application/json" });
  expect(reply.text).toContain("nexus.HandlerError");
});

test("the application's own routes keep their parsers", async () => {
  const reply = await send("/own", "application/json", '{"a":1}');
  expect(JSON.parse(reply.text)).toEqual({ parsed: { a: 1 } });
});
