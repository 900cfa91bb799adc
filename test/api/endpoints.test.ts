import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { seedAdminToken, seedNamespace, seedToken } from "../harness/seed.ts";
import { callApi, type ApiCall } from "./call-api.ts";

let gateway: TestGateway;
let admin: string;
let owner: string;
let other: string;
const call = (given: ApiCall) => callApi(gateway.url, given);
const target = { kind: "http", url: "http://127.0.0.1:9/nexus" };
const put = (name: string, more: Partial<ApiCall> = {}) =>
  call({
    method: "PUT",
    path: `/v1/endpoints/${name}`,
    token: owner,
    json: { target },
    ...more,
  });

beforeAll(async () => {
  gateway = await startGateway();
  await seedNamespace(gateway, "insights");
  await seedNamespace(gateway, "others");
  admin = await seedAdminToken(gateway);
  owner = await seedToken(gateway, "insights", "owner");
  other = await seedToken(gateway, "others", "owner");
});
afterAll(() => gateway.close());

describe("putting an endpoint", () => {
  test("creates it for the caller's namespace with the default policy", async () => {
    const reply = await put("created");
    expect(reply.status).toBe(201);
    expect(reply.headers["etag"]).toBe('"1"');
    expect(reply.body).toMatchObject({
      name: "created",
      owner: "insights",
      description: "",
      target,
      policy: {
        scheduleToClose: "86400s",
        inlineWait: "1s",
        maxAttempts: null,
        dedupeWindow: "86400s",
        durable: false,
      },
      version: 1,
    });
    expect((await call({ path: "/v1/endpoints/created", token: other })).body).toEqual(reply.body);
  });

  test("replaces it whole, and counts the version", async () => {
    const policy = { scheduleToClose: "none", inlineWait: "0s", maxAttempts: 3, durable: true };
    await put("replaced", { json: { target, description: "first", policy } });
    const reply = await put("replaced", { json: { target, policy: { maxAttempts: 5 } } });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      description: "",
      policy: { scheduleToClose: "86400s", maxAttempts: 5, durable: false },
      version: 2,
    });
  });

  test("holds to the version that was read", async () => {
    await put("versioned");
    const match = { "if-match": '"1"' };
    expect((await put("versioned", { headers: match })).status).toBe(200);
    const late = await put("versioned", { headers: match });
    expect(late.status).toBe(412);
    expect(late.body).toMatchObject({ code: "VERSION_CONFLICT", currentVersion: 2 });
    const absent = await put("versioned", { headers: { "if-none-match": "*" } });
    expect(absent.body).toMatchObject({ code: "ALREADY_EXISTS" });
    const torn = await put("versioned", { headers: { "if-match": "2" } });
    expect(torn.body).toMatchObject({
      code: "INVALID_REQUEST",
      errors: [{ pointer: "header:If-Match" }],
    });
  });

  test("is the owner's: neither taken over nor given away", async () => {
    await put("mine");
    const taken = await put("mine", { token: other });
    expect(taken.body).toMatchObject({ code: "PERMISSION_DENIED" });
    const given = await put("mine", { json: { target, owner: "others" } });
    expect(given.body).toMatchObject({ code: "PERMISSION_DENIED" });
    const moved = await put("mine", { token: admin, json: { target, owner: "others" } });
    expect(moved.body).toMatchObject({ owner: "others" });
    const kept = await put("mine", { token: admin });
    expect(kept.body).toMatchObject({ owner: "others" });
  });

  test.each([
    ["policy.inlineWait", { inlineWait: "1h" }, "INVALID_TIMEOUT", "/policy/inlineWait"],
    ["policy.dedupeWindow", { dedupeWindow: "59m" }, "INVALID_TIMEOUT", "/policy/dedupeWindow"],
    ["policy.maxAttempts", { maxAttempts: 0 }, "INVALID_REQUEST", "/policy/maxAttempts"],
    ["policy.unknown", { retries: 3 }, "INVALID_REQUEST", "/policy/retries"],
  ])("refuses a bad %s", async (_what, policy, code, pointer) => {
    const reply = await put("refused", { json: { target, policy } });
    expect(reply.body).toMatchObject({ code, errors: [{ pointer }] });
    expect((await call({ path: "/v1/endpoints/refused", token: owner })).status).toBe(404);
  });

  test("points at a queue of its owner, or at a URL, and at one of them only", async () => {
    const queue = { kind: "queue", queue: "reports.v1" };
    const made = await put("queued", { json: { target: queue } });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ target: queue });
    const back = await put("queued", { json: { target } });
    expect(back.body).toMatchObject({ target, version: 2 });
    const both = await put("queued", { json: { target: { ...target, queue: "reports" } } });
    expect(both.body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ rule: "kind" }] });
    const none = await put("queued", { json: { target: { kind: "queue" } } });
    expect(none.body).toMatchObject({ errors: [{ pointer: "/target/queue", rule: "kind" }] });
    const bad = await put("queued", { json: { target: { kind: "queue", queue: "a b" } } });
    expect(bad.body).toMatchObject({
      code: "INVALID_NAME",
      errors: [{ pointer: "/target/queue" }],
    });
  });

  test("counts the description in bytes", async () => {
    const description = "ä".repeat(10_001);
    const reply = await put("described", { json: { target, description } });
    expect(reply.body).toMatchObject({
      code: "INVALID_REQUEST",
      errors: [{ pointer: "/description", rule: "max-bytes" }],
    });
  });

  test("asks the owner's egress policy", async () => {
    const url = "http://10.1.2.3/nexus";
    const reply = await put("inside", { json: { target: { kind: "http", url } } });
    expect(reply.body).toMatchObject({
      code: "EGRESS_DENIED",
      errors: [{ pointer: "/target/url", rule: "egress" }],
    });
  });
});

describe("deleting an endpoint", () => {
  test("is the owner's too, and final", async () => {
    await put("deleted");
    const path = "/v1/endpoints/deleted";
    const foreign = await call({ method: "DELETE", path, token: other });
    expect(foreign.body).toMatchObject({ code: "PERMISSION_DENIED" });
    expect((await call({ method: "DELETE", path, token: owner })).status).toBe(204);
    expect((await call({ path, token: owner })).status).toBe(404);
  });
});

describe("a list", () => {
  test("is walked newest first, each item once", async () => {
    const names = ["walk-a", "walk-b", "walk-c", "walk-d", "walk-e"];
    for (const name of names) await put(name, { token: other });
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const at = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const { body } = await call({
        path: `/v1/endpoints?owner=others&limit=2${at}`,
        token: owner,
      });
      const items = body["items"] as { name: string }[];
      expect(items.length).toBeLessThanOrEqual(2);
      seen.push(...items.map(({ name }) => name));
      cursor = body["nextCursor"] as string | null;
    } while (cursor !== null);
    expect(seen.filter((name) => names.includes(String(name)))).toEqual(names.reverse());
  });

  test("gives cursors to one caller, list and filter only", async () => {
    await put("cursor-a");
    await put("cursor-b");
    const first = await call({ path: "/v1/endpoints?limit=1", token: owner });
    const cursor = encodeURIComponent(String(first.body["nextCursor"]));
    const use = (path: string, token: string) => call({ path: `${path}cursor=${cursor}`, token });
    expect((await use("/v1/endpoints?limit=5&", owner)).status).toBe(200);
    for (const reply of [
      await use("/v1/endpoints?", other),
      await use("/v1/endpoints?owner=insights&", owner),
      await use("/v1/namespaces?", owner),
    ]) {
      expect(reply.body).toMatchObject({ code: "INVALID_CURSOR" });
    }
  });

  test.each(["limit=0", "limit=201", "limit=x", "limit=1&limit=2", "colour=blue"])(
    "refuses ?%s",
    async (query) => {
      const reply = await call({ path: `/v1/endpoints?${query}`, token: owner });
      expect(reply.body).toMatchObject({ code: "INVALID_REQUEST" });
    },
  );
});

describe("grants", () => {
  test("are the endpoint owner's, and decide the access check", async () => {
    await put("granted");
    const path = "/v1/endpoints/granted/grants/others-read";
    const json = { caller: "oth*", service: "profiles" };
    const check = () =>
      call({
        method: "POST",
        path: "/v1/access-checks",
        token: other,
        json: { caller: "others", endpoint: "granted", service: "profiles", operation: "read" },
      });
    const denied = await check();
    expect(denied.body).toMatchObject({ allowed: false, rule: null });
    expect(denied.body["hint"]).toContain("nexus-mesh grant put granted --caller others");
    const foreign = await call({ method: "PUT", path, token: other, json });
    expect(foreign.body).toMatchObject({ code: "PERMISSION_DENIED" });
    const made = await call({ method: "PUT", path, token: owner, json });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...json, id: "others-read", operation: "*" });
    expect((await call({ method: "PUT", path, token: owner, json })).status).toBe(200);
    expect((await check()).body).toEqual({ allowed: true, rule: "others-read", hint: null });
    const listed = await call({ path: "/v1/endpoints/granted/grants", token: other });
    expect(listed.body["items"]).toHaveLength(1);
    expect((await call({ method: "DELETE", path, token: owner })).status).toBe(204);
    expect((await check()).body).toMatchObject({ allowed: false });
  });
});
