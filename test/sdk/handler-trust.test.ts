import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { exportJWK, SignJWT } from "jose";
import { operation, service, serviceHandler } from "nexus-rpc";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callerOf, createHandlerServer, type CallerTrust } from "../../sdk/src/handler.ts";
import { callerIdentityType } from "../../sdk/src/protocol/caller-identity.ts";
import { serve } from "../harness/handler-server.ts";

type Served = Awaited<ReturnType<typeof serve>>;
const keys = generateKeyPairSync("ed25519");
const foreign = generateKeyPairSync("ed25519");
const audience = "http://handler.test/nexus";
const handler = serviceHandler(service("s", { whoami: operation<undefined, unknown>() }), {
  whoami: (ctx) => Promise.resolve(callerOf(ctx) ?? null),
});

let gateway: Served;
let keySetStatus = 200;
let keySetReads = 0;
const open: Served[] = [];

beforeAll(async () => {
  const jwk = { ...(await exportJWK(keys.publicKey)), alg: "EdDSA", kid: "k1" };
  gateway = await serve((incoming, response) => {
    if (incoming.url === "/.well-known/jwks.json") keySetReads += 1;
    response.writeHead(keySetStatus, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  open.push(gateway);
});
afterAll(() => Promise.all(open.map((served) => served.close())));

async function handlerTrusting(trust: CallerTrust): Promise<Served> {
  const { listener } = createHandlerServer({
    services: [handler],
    trust,
    onError: () => undefined,
  });
  const served = await serve(listener);
  open.push(served);
  return served;
}

async function whoami(served: Served, identity?: string) {
  const reply = await request(`${served.url}/s/whoami`, {
    method: "POST",
    headers: identity === undefined ? {} : { "nexus-mesh-caller-identity": identity },
  });
  return { status: reply.statusCode, text: await reply.body.text() };
}

interface Forgery {
  readonly key?: KeyObject;
  readonly typ?: string;
  readonly iss?: string;
  readonly aud?: string;
  readonly exp?: number;
  readonly claims?: Record<string, unknown>;
}

function identity(forged: Forgery = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT(forged.claims ?? { principal: "alice", endpoint: "analytics" })
    .setProtectedHeader({ alg: "EdDSA", kid: "k1", typ: forged.typ ?? callerIdentityType })
    .setIssuer(forged.iss ?? gateway.url)
    .setAudience(forged.aud ?? audience)
    .setSubject("storefront")
    .setIssuedAt(now)
    .setExpirationTime(forged.exp ?? now + 60)
    .sign(forged.key ?? keys.privateKey);
}

const caller = { namespace: "storefront", principal: "alice", endpoint: "analytics" };

test("a verified caller is named to the handler; keys are read once", async () => {
  const served = await handlerTrusting({
    gateway: `${gateway.url}/`,
    audience,
    endpoints: ["analytics"],
  });
  const token = await identity();
  const readsBefore = keySetReads;
  for (const given of [token, token, await identity()]) {
    const reply = await whoami(served, given);
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toEqual(caller);
  }
  expect(keySetReads - readsBefore).toBe(1);
});

test.each<[string, Forgery]>([
  ["a foreign key", { key: foreign.privateKey }],
  ["expired", { exp: Math.floor(Date.now() / 1_000) - 60 }],
  ["a foreign audience", { aud: "http://handler.test/other" }],
  [
    "another team's endpoint that points here",
    { claims: { principal: "alice", endpoint: "copycat" } },
  ],
  ["a foreign gateway", { iss: "http://gateway.test" }],
  ["another kind of token", { typ: "JWT" }],
  ["no principal", { claims: { endpoint: "analytics" } }],
])("refused: %s", async (_name, forgery) => {
  const served = await handlerTrusting({
    gateway: gateway.url,
    audience,
    endpoints: ["analytics"],
  });
  const reply = await whoami(served, await identity(forgery));
  expect(reply.status).toBe(401);
  expect(reply.text).toContain("UNAUTHENTICATED");
});

test("refused: nothing, nonsense, and a signature by no algorithm", async () => {
  const served = await handlerTrusting({
    gateway: gateway.url,
    audience,
    endpoints: ["analytics"],
  });
  const [, claims = ""] = (await identity()).split(".");
  const header = Buffer.from('{"alg":"none","typ":"nexus-mesh-caller+jwt"}').toString("base64url");
  for (const given of [undefined, "nonsense", `${header}.${claims}.`])
    expect(await whoami(served, given)).toMatchObject({ status: 401 });
});

test("keys that can't be read are the gateway's trouble: the call may be repeated", async () => {
  const served = await handlerTrusting({
    gateway: gateway.url,
    audience,
    endpoints: ["analytics"],
  });
  keySetStatus = 503;
  expect(await whoami(served, await identity())).toMatchObject({ status: 503 });
  keySetStatus = 200;
  expect(await whoami(served, await identity())).toMatchObject({ status: 200 });
});

test("a given key needs no gateway to be reached", async () => {
  const gone = "http://127.0.0.1:1";
  const served = await handlerTrusting({
    gateway: gone,
    audience,
    endpoints: ["analytics"],
    publicKey: keys.publicKey,
  });
  expect(await whoami(served, await identity({ iss: gone }))).toMatchObject({ status: 200 });
  const forged = await identity({ iss: gone, key: foreign.privateKey });
  expect(await whoami(served, forged)).toMatchObject({ status: 401 });
});

test("a handler without trust settings does not start", () => {
  const missing = undefined as unknown as CallerTrust;
  expect(() => createHandlerServer({ services: [handler], trust: missing })).toThrow(TypeError);
});

test("one that accepts anyone says so and names no caller", async () => {
  const served = await handlerTrusting("dangerously-accept-anyone");
  expect(await whoami(served, await identity())).toEqual({ status: 200, text: "null" });
});
