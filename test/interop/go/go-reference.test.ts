import { randomUUID } from "node:crypto";
import { createCallbackReceiver, type ReceivedCompletion } from "@nexus-mesh/sdk/callback-receiver";
import { createNexusClient, type ServiceClient } from "@nexus-mesh/sdk/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMesh, type Mesh } from "../../engine/mesh.ts";
import { serve } from "../../harness/handler-server.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { shapeOf } from "./error-shape.ts";
import { completedWith, handlerFailures, operationFailures } from "./failures.ts";
import {
  base64,
  reference,
  startGoHandler,
  startSdkHandler,
  type InteropHandler,
} from "./handlers.ts";
import {
  buildReference,
  startReference,
  type Answer,
  type CompletionSeen,
  type ErrorShape,
  type Reference,
} from "./reference.ts";

const built = buildReference();
const support = { "temporal-nexus-failure-support": "true" };
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const links = [
  { url: "temporal:///namespaces/a%2Fb/workflows/w?eventID=1&x=%2C", type: "temporal.api.x/Y_1" },
  { url: "https://example.com/%C3%A4?a=b", type: "page" },
];

describe.skipIf(!built)("the Go reference", () => {
  let mesh: Mesh;
  let caller: Reference;
  let goHandler: InteropHandler & { go: Reference };
  let sdkHandler: InteropHandler;
  beforeAll(async () => {
    mesh = await startMesh();
    caller = await startReference("call");
    goHandler = await startGoHandler(mesh);
    sdkHandler = await startSdkHandler(mesh);
    mesh.track(caller, goHandler, sdkHandler);
  });
  afterAll(() => mesh.close());

  const servicesOf = (endpoint: string): string =>
    `${mesh.url}/nexus/endpoints/${endpoint}/services`;

  /** One call of the Go client. */
  const call = (
    to: InteropHandler | string,
    operation: string,
    { json, ...rest }: Readonly<Record<string, unknown>>,
  ): Promise<Answer> =>
    caller.ask({
      baseUrl: typeof to === "string" ? to : servicesOf(to.endpoint),
      bearer: mesh.token("caller"),
      service: reference.name,
      operation,
      ...(json === undefined
        ? {}
        : { input: { header: { type: "application/json" }, data: base64(json) } }),
      ...rest,
    });

  /** Starts `later` with a callback to the Go receiver. */
  async function startLater(
    handler: InteropHandler,
    given: Readonly<Record<string, unknown>> = {},
  ): Promise<{
    own: string;
    token: string;
    answered: Answer;
    completion: () => Promise<CompletionSeen>;
  }> {
    const own = `run/${randomUUID()}`;
    const answered = await call(handler, "later", {
      json: { token: own, ...given },
      callback: true,
      callbackHeader: { token: `token of ${own}`, "x-case": own },
      header: { ...support, "x-case": own },
    });
    expect(answered.error).toBeUndefined();
    return {
      own,
      token: answered.token ?? "",
      answered,
      completion: () =>
        caller.seen("completion", `the completion of ${own}`, (seen) => {
          return seen.header["x-case"] === own;
        }),
    };
  }

  describe.each([
    ["a Go handler", () => goHandler],
    ["an SDK handler", () => sdkHandler],
  ])("its client, through the gateway, and %s", (_name, handlerOf) => {
    test.each([
      ["JSON", { header: { type: "application/json" }, data: base64({ a: [1, "ä", null] }) }],
      ["null", { header: { type: "application/json" }, data: base64(null) }],
      [
        "bytes",
        {
          header: { type: "application/octet-stream" },
          data: Buffer.from([0, 255, 10, 13]).toString("base64"),
        },
      ],
      ["nothing", { header: {}, data: "" }],
      [
        "a megabyte",
        {
          header: { type: "application/octet-stream" },
          data: Buffer.alloc(1 << 20, "01234567").toString("base64"),
        },
      ],
    ])("synchronous: %s comes back", async (_case, input) => {
      const answer = await call(handlerOf(), "echo", { input });
      expect(answer.error).toBeUndefined();
      expect(answer.sync).toEqual(input);
    });

    test("headers and links cross, credentials don't; the handler sees the mesh's request id", async () => {
      const value = randomUUID();
      const answer = await call(handlerOf(), "echo", {
        json: 1,
        requestId: `order ${value}`,
        header: { "x-case": value },
        links,
      });
      expect(answer.links).toEqual(links);
      const start = await handlerOf().start(value);
      expect(start.links).toEqual(links);
      expect(start.requestId).toMatch(uuid);
      expect(start.headers).toMatchObject({
        "x-case": value,
        "nexus-mesh-caller-request-id": `order ${value}`,
      });
      expect(start.headers["authorization"]).toBeUndefined();
      expect(start.callbackUrl).toBe(`${mesh.publicUrl}/nexus/callback`);
    });

    test.each([...handlerFailures, ...operationFailures])(
      "the error %s reaches the caller as it was returned",
      async (_case, shape) => {
        const answer = await call(handlerOf(), "fail", { json: shape, header: support });
        expect(answer.error).toEqual(shape);
      },
    );

    test.each([...handlerFailures, ...operationFailures])(
      "a caller that does not support whole failures sees of %s what a Go handler would show it",
      async (_case, shape) => {
        const direct = await call(goHandler.go.url, "fail", { json: shape });
        const meshed = await call(handlerOf(), "fail", { json: shape });
        expect(direct.error).toBeDefined();
        expect(meshed.error).toEqual(direct.error);
      },
    );

    test.each(operationFailures)(
      "an inline answer to a durable start: %s",
      async (_case, shape) => {
        const header = support;
        const answer = await call(handlerOf(), "fail", { json: shape, header, callback: true });
        expect(answer.error).toEqual(shape);
      },
    );

    test.each(handlerFailures.filter(([, { retryable }]) => retryable === false))(
      "an inline answer to a durable start: %s",
      async (_case, shape) => {
        const header = support;
        const answer = await call(handlerOf(), "fail", { json: shape, header, callback: true });
        expect(answer.error).toEqual(shape);
      },
    );

    test("asynchronous: the start's links, and the result by callback", async () => {
      const handler = handlerOf();
      const { own, token, answered, completion } = await startLater(handler, { links });
      expect(token).toMatch(uuid);
      expect(answered.links).toEqual(links);
      await handler.complete(own, { json: { rows: 3 } });
      const seen = await completion();
      expect(seen).toMatchObject({
        state: "succeeded",
        token,
        result: { header: { type: "application/json" }, data: base64({ rows: 3 }) },
        header: { token: `token of ${own}`, "x-case": own },
      });
      expect(seen.header["authorization"]).toBeUndefined();
      const [started, closed] = [Date.parse(seen.startTime), Date.parse(seen.closeTime)];
      expect(started).toBeGreaterThan(Date.now() - 60_000);
      expect(closed).toBeGreaterThanOrEqual(started);
    });

    test("a pass-through start answers with the handler's links", async () => {
      const own = `run/${randomUUID()}`;
      const answer = await call(handlerOf(), "later", { json: { token: own, links } });
      expect(answer).toMatchObject({ token: expect.stringMatching(uuid) as unknown, links });
    });

    test.each(operationFailures)("asynchronous: %s, by callback", async (_case, shape) => {
      const handler = handlerOf();
      const { own, token, completion } = await startLater(handler);
      await handler.complete(own, { error: shape });
      const { state, token: completed, error } = await completion();
      expect([state, completed]).toEqual([shape.state, token]);
      expect(error).toEqual(completedWith(shape));
    });

    test("a cancel reaches the handler with its own token", async () => {
      const handler = handlerOf();
      const { own, token, completion } = await startLater(handler);
      expect((await call(handler, "later", { token })).error).toBeUndefined();
      await handler.canceled(own);
      await handler.complete(own, {
        error: { kind: "operation", state: "canceled", message: "as you wish" },
      });
      expect(await completion()).toMatchObject({
        state: "canceled",
        error: { kind: "operation", state: "canceled", message: "as you wish" },
      });
    });

    test("the same request id attaches to the first execution", async () => {
      const own = `run/${randomUUID()}`;
      const start = { json: { token: own }, requestId: own };
      const first = await call(handlerOf(), "later", start);
      const second = await call(handlerOf(), "later", start);
      expect(second.token).toBe(first.token);
      const other = await call(handlerOf(), "later", { json: { token: "other" }, requestId: own });
      expect(other.error).toMatchObject({ kind: "handler", type: "CONFLICT" });
    });
  });

  describe("its client and its handler can't tell that the gateway is between them", () => {
    test("a bare failure, of neither Nexus type", async () => {
      const json: ErrorShape = {
        kind: "failure",
        failure: { message: "bare", metadata: { a: "b" }, details: [1], cause: { message: "c" } },
      };
      const direct = await call(goHandler.go.url, "fail", { json, header: support });
      const meshed = await call(goHandler, "fail", { json, header: support });
      expect(direct.error).toMatchObject({ kind: "handler", type: "INTERNAL", cause: json });
      expect(meshed.error).toEqual(direct.error);
    });

    test.each([
      [
        "of a foreign type",
        {
          header: { type: "text/plain; charset=latin1" },
          data: Buffer.from([228]).toString("base64"),
        },
      ],
      [
        "with more content headers",
        {
          header: { type: "application/x-own", language: "de", encoding: "own", custom: "1, 2" },
          data: base64("x"),
        },
      ],
    ])("a payload %s", async (_case, input) => {
      const answer = await call(goHandler, "echo", { input, header: { "x-case": _case } });
      expect(answer.sync).toEqual(input);
      const seen = await goHandler.go.seen("start", "the start", ({ header }) => {
        return header["x-case"] === _case;
      });
      expect(seen.input).toEqual(input);
    });

    test.each(["Ser/vic e", "ä/b %?#&+", "a.b-c_d~!$'()*,;=:@", "%2F", "🚀"])(
      "the name %j",
      async (name) => {
        const answer = await call(goHandler, name, { service: name, json: 1 });
        expect(answer.sync?.data).toBe(base64(1));
        await goHandler.go.seen("start", "the start", ({ service, operation }) => {
          return service === name && operation === name;
        });
      },
    );

    test("a completion: its content headers, its repeat, and one that comes too late", async () => {
      const { own, completion } = await startLater(goHandler);
      const result = {
        header: { type: "application/x-own", custom: "1" },
        data: Buffer.from([0, 228]).toString("base64"),
      };
      // What else the reference can say of an operation's life is understood.
      const facts = {
        links,
        startTime: "2026-01-01T00:00:00Z",
        closeTime: "2026-01-01T00:00:01.5Z",
      };
      const completed = await goHandler.go.ask({ token: own, result, ...facts });
      expect(completed.error).toBeUndefined();
      const received = await completion();
      expect(received.result).toEqual(result);
      expect(received.links).toEqual(links);
      // A repeat is welcome, another outcome too late.
      const again = await goHandler.go.ask({ token: own, result, ...facts });
      expect(again.error).toBeUndefined();
      const other = await goHandler.go.ask({ token: own, result: { header: {}, data: "" } });
      expect(other.error).toMatchObject({ kind: "handler", type: "NOT_FOUND" });
    });

    test("the gateway's own refusals are handler errors to it", async () => {
      const json = 1;
      const stranger = await call(goHandler, "echo", { json, bearer: mesh.token("stranger") });
      expect(stranger.error).toMatchObject({ kind: "handler", type: "UNAUTHORIZED" });
      const nobody = await call(goHandler, "echo", { json, bearer: "nope" });
      expect(nobody.error).toMatchObject({ kind: "handler", type: "UNAUTHENTICATED" });
      const nowhere = await call(servicesOf("nowhere"), "echo", { json });
      expect(nowhere.error).toMatchObject({ kind: "handler", type: "NOT_FOUND" });
      const nothing = await call(goHandler, "later", { token: randomUUID() });
      expect(nothing.error).toMatchObject({ kind: "handler", type: "NOT_FOUND" });
    });
  });

  describe("its handler, through the gateway, and the SDK's client and callback receiver", () => {
    let client: ServiceClient<(typeof reference)["operations"]>;
    let callbackUrl: string;
    const completions: ReceivedCompletion[] = [];
    beforeAll(async () => {
      const { keys, registry } = mesh.context;
      const namespace = registry.snapshot().namespaces.get("caller")?.id ?? 0;
      const receiver = createCallbackReceiver({
        secrets: await keys.callbackSecrets(namespace),
        onCompletion: (completion) => {
          completions.push(completion);
        },
      });
      const served = await serve(receiver.listener);
      mesh.track(served);
      callbackUrl = `${served.url}/callback`;
      client = createNexusClient({
        url: mesh.url,
        token: mesh.token("caller"),
        retry: { attempts: 1 },
      }).service({ endpoint: goHandler.endpoint, service: reference });
    });

    const completionOf = (operationId: string): Promise<ReceivedCompletion> =>
      waitFor(`the completion of ${operationId}`, () =>
        completions.find((completion) => completion.operationId === operationId),
      );
    const failureOf = (promise: Promise<unknown>): Promise<ErrorShape> =>
      promise.then(() => ({ kind: "unexpected", message: "a result" }), shapeOf);

    test.each([[{ a: [1, "ä", null] }], [null], ["text"], [new Uint8Array([0, 255])], [undefined]])(
      "execute: %j comes back",
      async (input) => {
        const output = await client.execute("echo", input);
        expect(output instanceof Uint8Array ? new Uint8Array(output) : output).toEqual(input);
      },
    );

    test.each([...handlerFailures, ...operationFailures])(
      "execute rejects with %s",
      async (_case, shape) => {
        expect(await failureOf(client.execute("fail", shape))).toEqual(shape);
      },
    );

    test("start, result and callback agree", async () => {
      const token = `run/${randomUUID()}`;
      const handle = await client.start(
        "later",
        { token },
        { callbackUrl, callbackHeaders: { "X-Own": token }, headers: { "x-case": token }, links },
      );
      expect((await goHandler.start(token)).links).toEqual(links);
      await goHandler.complete(token, { json: { rows: [1] } });
      expect(await handle.result()).toEqual({ rows: [1] });
      const completion = await completionOf(handle.operationId);
      expect(completion.headers["x-own"]).toBe(token);
      expect(completion.state === "succeeded" && completion.result()).toEqual({ rows: [1] });
    });

    test.each(operationFailures)("start that ends %s", async (_case, shape) => {
      const token = `run/${randomUUID()}`;
      const handle = await client.start(
        "later",
        { token },
        { callbackUrl, headers: { "x-case": token } },
      );
      await goHandler.start(token);
      await goHandler.complete(token, { error: shape });
      const completion = await completionOf(handle.operationId);
      expect(completion.state).toBe(shape.state);
      const received = completion.state === "succeeded" ? undefined : shapeOf(completion.error);
      const { cause } = completedWith(shape);
      expect(received?.cause).toEqual(cause);
      const result = await failureOf(handle.result());
      expect(result.cause ?? result).toEqual(shape.cause ?? shape);
    });

    test("a cancel reaches the handler", async () => {
      const token = `run/${randomUUID()}`;
      const handle = await client.start("later", { token }, { headers: { "x-case": token } });
      await goHandler.start(token);
      await handle.cancel();
      await goHandler.canceled(token);
      await goHandler.complete(token, {
        error: { kind: "operation", state: "canceled", message: "as you wish" },
      });
      expect(await failureOf(handle.result())).toEqual({
        kind: "operation",
        state: "canceled",
        message: "as you wish",
      });
    });
  });
});
