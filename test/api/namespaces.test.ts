import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../harness/gateway.ts";
import { seedAdminToken, seedNamespace, seedToken } from "../harness/seed.ts";
import { callApi, type ApiCall } from "./call-api.ts";

let gateway: TestGateway;
let admin: string;
let owner: string;
let viewer: string;
const call = (given: ApiCall) => callApi(gateway.url, given);

beforeAll(async () => {
  gateway = await startGateway();
  await seedNamespace(gateway, "storefront");
  admin = await seedAdminToken(gateway);
  owner = await seedToken(gateway, "storefront", "owner");
  viewer = await seedToken(gateway, "storefront", "viewer");
});
afterAll(() => gateway.close());

test("the version and the principal are told", async () => {
  const version = await call({ path: "/v1/version", token: viewer });
  expect(version.body).toMatchObject({ name: "nexus-mesh", publicUrl: gateway.url });
  const own = await call({ path: "/v1/whoami", token: viewer });
  expect(own.body).toMatchObject({ role: "viewer", namespace: "storefront", meshWide: false });
  const wide = await call({ path: "/v1/whoami", token: admin });
  expect(wide.body).toMatchObject({ role: "admin", namespace: null, meshWide: true });
  const headers = { "nexus-mesh-namespace": "storefront" };
  const acting = await call({ path: "/v1/whoami", token: admin, headers });
  expect(acting.body).toMatchObject({ namespace: "storefront", meshWide: true });
});

test("a namespace is made, replaced, listed and deleted by an admin", async () => {
  const path = "/v1/namespaces/new-team";
  const json = { description: "a team" };
  expect((await call({ method: "PUT", path, token: owner, json })).body).toMatchObject({
    code: "PERMISSION_DENIED",
  });
  const made = await call({ method: "PUT", path, token: admin, json });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ name: "new-team", description: "a team" });
  expect((await call({ method: "PUT", path, token: admin, json: {} })).status).toBe(200);
  const versioned = { "if-match": '"1"' };
  expect(
    (await call({ method: "PUT", path, token: admin, json, headers: versioned })).body,
  ).toMatchObject({ code: "INVALID_REQUEST", errors: [{ pointer: "header:If-Match" }] });
  const listed = await call({ path: "/v1/namespaces", token: viewer });
  expect(listed.body["items"]).toMatchObject([{ name: "new-team" }, { name: "storefront" }]);
  expect((await call({ method: "DELETE", path, token: admin })).status).toBe(204);
  expect((await call({ path, token: admin })).body).toMatchObject({ code: "NAMESPACE_NOT_FOUND" });
});

test("a body keeps its types, while numbers in a query are read as numbers", async () => {
  const put = (path: string, json: object) => call({ method: "PUT", path, token: admin, json });
  const numbers: [string, object, string][] = [
    ["/v1/namespaces/storefront", { description: 7 }, "/description"],
    ["/v1/namespaces/storefront/egress", { rules: [{ host: 7 }] }, "/rules/0/host"],
    ["/v1/namespaces/storefront/egress", { rules: { host: "a.example" } }, "/rules"],
  ];
  for (const [path, json, pointer] of numbers) {
    expect((await put(path, json)).body).toMatchObject({
      code: "INVALID_REQUEST",
      errors: [{ pointer, rule: "type" }],
    });
  }
  expect((await call({ path: "/v1/namespaces?limit=1", token: viewer })).status).toBe(200);
  expect((await call({ path: "/v1/namespaces?limit=x", token: viewer })).status).toBe(400);
});

test("a token is issued once, listed without itself, and dead once revoked", async () => {
  const path = "/v1/namespaces/storefront/tokens";
  const issued = await call({
    method: "POST",
    path,
    token: owner,
    json: { role: "caller", subject: "ci", expiresIn: "60s" },
  });
  expect(issued.status).toBe(201);
  expect(issued.headers["cache-control"]).toBe("no-store");
  const { token, id, createdAt, expiresAt } = issued.body as Record<string, string>;
  expect(issued.body).toMatchObject({ role: "caller", subject: "ci", namespace: "storefront" });
  const lifetime = Date.parse(expiresAt ?? "") - Date.parse(createdAt ?? "");
  expect(Math.abs(lifetime - 60_000)).toBeLessThanOrEqual(5_000);
  expect((await call({ path: "/v1/whoami", token })).body).toMatchObject({ subject: "ci" });
  const listed = await call({ path, token: owner });
  expect(listed.text).not.toContain(token);
  expect(listed.body["items"]).toEqual(expect.arrayContaining([expect.objectContaining({ id })]));
  const revoked = await call({ method: "DELETE", path: `${path}/${id}`, token: owner });
  expect(revoked.status).toBe(204);
  expect((await call({ path: "/v1/whoami", token })).body).toMatchObject({ code: "TOKEN_REVOKED" });
});

test("tokens are neither above nor outside the issuer", async () => {
  const path = "/v1/namespaces/storefront/tokens";
  const above = await call({ method: "POST", path, token: owner, json: { role: "admin" } });
  expect(above.body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ pointer: "/role" }] });
  const below = await call({ method: "POST", path, token: viewer, json: { role: "viewer" } });
  expect(below.body).toMatchObject({ code: "PERMISSION_DENIED" });
  await seedNamespace(gateway, "elsewhere");
  const foreign = "/v1/namespaces/elsewhere/tokens";
  for (const given of [
    { method: "POST", path: foreign, json: { role: "viewer" } },
    { path: foreign },
    { path: "/v1/namespaces/elsewhere/callback-secret" },
    { path: "/v1/namespaces/elsewhere/egress" },
  ] as const) {
    expect((await call({ ...given, token: owner })).body).toMatchObject({
      code: "PERMISSION_DENIED",
    });
  }
  const long = await call({
    method: "POST",
    path,
    token: owner,
    json: { role: "viewer", expiresIn: "forever" },
  });
  expect(long.body).toMatchObject({ code: "INVALID_TIMEOUT", errors: [{ pointer: "/expiresIn" }] });
});

test("the callback secret stays until it is rotated twice", async () => {
  const path = "/v1/namespaces/storefront/callback-secret";
  const secrets = async (given: ApiCall) =>
    (await call({ ...given, token: owner })).body["secrets"] as string[];
  const first = await secrets({ path });
  expect(first).toEqual([expect.stringMatching(/^whsec_[\w+/]{32,}=*$/)]);
  expect(await secrets({ path })).toEqual(first);
  const second = await secrets({ method: "POST", path: `${path}/rotate` });
  expect(second).toHaveLength(2);
  expect(second[1]).toBe(first[0]);
  const third = await secrets({ method: "POST", path: `${path}/rotate` });
  expect(third).toHaveLength(2);
  expect(third).not.toContain(first[0]);
  expect((await call({ path, token: viewer })).body).toMatchObject({ code: "PERMISSION_DENIED" });
});

test("an egress policy is the admin's, versioned, and its rules are checked", async () => {
  const path = "/v1/namespaces/storefront/egress";
  const before = await call({ path, token: viewer });
  const version = Number(before.body["version"]);
  expect(before.headers["etag"]).toBe(`"${version}"`);
  const json = { rules: [{ host: "API.example.com", ports: [8443] }] };
  expect((await call({ method: "PUT", path, token: owner, json })).body).toMatchObject({
    code: "PERMISSION_DENIED",
  });
  const headers = { "if-match": `"${version}"` };
  const changed = await call({ method: "PUT", path, token: admin, json, headers });
  expect(changed.body).toEqual({
    version: version + 1,
    rules: [{ host: "api.example.com", ports: [8443], cidrs: [], plainHttp: false }],
  });
  const late = await call({ method: "PUT", path, token: admin, json, headers });
  expect(late.body).toMatchObject({ code: "VERSION_CONFLICT", currentVersion: version + 1 });
  for (const [rule, pointer] of [
    [{ host: "https://x.example" }, "/rules/0/host"],
    [{ host: "a.example", cidrs: ["10.0.0.0/99"] }, "/rules/0/cidrs/0"],
    [{ host: "a.example", ports: [70_000] }, "/rules/0/ports/0"],
  ] as const) {
    const reply = await call({ method: "PUT", path, token: admin, json: { rules: [rule] } });
    expect(reply.body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ pointer }] });
  }
});

test("a body that is no JSON object is said to be so", async () => {
  const path = "/v1/namespaces/torn";
  const headers = { "content-type": "application/json" };
  const torn = await call({ method: "PUT", path, token: admin, headers, raw: '{"description":' });
  expect(torn.body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ rule: "json" }] });
  const poisoned = '{"__proto__": {"description": "x"}}';
  const proto = await call({ method: "PUT", path, token: admin, headers, raw: poisoned });
  expect(proto.body).toMatchObject({ code: "INVALID_REQUEST" });
  const typed = { "content-type": "text/plain" };
  const text = await call({ method: "PUT", path, token: admin, headers: typed, raw: "{}" });
  expect(text.body).toMatchObject({ code: "INVALID_REQUEST" });
  const large = { description: "x".repeat(300_000) };
  const big = await call({ method: "PUT", path, token: admin, json: large });
  expect(big.body).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
});

test("the API reference is served from here", async () => {
  const page = await call({ path: "/docs/" });
  expect(page.status).toBe(200);
  expect(page.text).not.toMatch(/(src|href)="https?:/);
  const document = await call({ path: "/docs/json" });
  expect(document.body).toMatchObject({ openapi: "3.1.0" });
});
