import { SignJWT, generateKeyPair } from "jose";
import type { Role } from "@nexus-mesh/registry/registry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authenticate, type Authenticate } from "../../gateway/src/identity/authenticate.ts";
import { createCallerIdentity } from "../../gateway/src/identity/caller-identity.ts";
import { generateMasterKey } from "../../gateway/src/identity/master-key.ts";
import { issueToken } from "../../gateway/src/identity/mesh-token.ts";
import type { GatewayContext } from "../../gateway/src/gateway-context.ts";
import { defaultGatewayOptions } from "../../gateway/src/options.ts";
import { createDatabase, type TestDatabase } from "../harness/postgres.ts";
import { waitFor } from "../harness/wait-for.ts";
import { actor, openIdentity, publicUrl, type OpenIdentity } from "./open-identity.ts";

const masterKeys = [generateMasterKey()];
let database: TestDatabase;
let a: OpenIdentity;
let b: OpenIdentity;
/** Async, so that a refusal is a rejection whether the token was cached or not. */
type Identify = (...args: Parameters<Authenticate>) => Promise<Awaited<ReturnType<Authenticate>>>;
let identify: Identify;
let identifyAtB: Identify;

beforeAll(async () => {
  database = await createDatabase();
  a = await openIdentity(database, masterKeys);
  b = await openIdentity(database, masterKeys);
  const atA = authenticate(contextOf(a));
  identify = async (headers) => atA(headers);
  const atB = authenticate(contextOf(b));
  identifyAtB = async (headers) => atB(headers);
  await a.registry.putNamespace("storefront", "", "any", actor);
  await a.registry.putNamespace("insights", "", "any", actor);
  await b.registry.refresh();
});
afterAll(async () => {
  await a.close();
  await b.close();
  await database.drop();
});

describe("a mesh token", () => {
  it("is known on every gateway, as Bearer and as the password of Basic", async () => {
    const { token, record } = await issue("storefront", "caller");
    const expected = {
      principal: { subject: "someone", tokenId: record.id, role: "caller" },
      namespace: { name: "storefront" },
    };
    expect(await identify(bearer(token))).toMatchObject(expected);
    expect(await identifyAtB(bearer(token))).toMatchObject(expected);
    const basic = Buffer.from(`mesh:${token}`).toString("base64");
    expect(await identify({ authorization: `Basic ${basic}` })).toMatchObject(expected);
    expect(await identify({ authorization: `basic ${basic}` })).toMatchObject(expected);
  });

  it("lives 90 days unless told otherwise", async () => {
    const { record } = await issue("storefront", "caller");
    const days = ((record.expiresAt?.getTime() ?? 0) - record.createdAt.getTime()) / 86_400_000;
    expect(Math.round(days)).toBe(90);
  });

  it("that has expired is TOKEN_EXPIRED, also when it was cached before", async () => {
    const { token } = await issue("storefront", "caller", 60_000);
    await identify(bearer(token));
    a.clock.setOffset(61_000);
    try {
      await expect(identify(bearer(token))).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
    } finally {
      a.clock.setOffset(0);
    }
  });

  it("that was revoked is TOKEN_REVOKED at once here and soon elsewhere, cached or not", async () => {
    const { token, record } = await issue("storefront", "caller");
    await identify(bearer(token));
    await identifyAtB(bearer(token));
    expect(await a.registry.revokeToken(record.namespaceId, record.id, actor)).toBe(true);
    await expect(identify(bearer(token))).rejects.toMatchObject({ code: "TOKEN_REVOKED" });
    await waitFor("the other gateway to refuse it", () =>
      identifyAtB(bearer(token)).then(
        () => false,
        (error: unknown) =>
          error instanceof Error && "code" in error && error.code === "TOKEN_REVOKED",
      ),
    );
  });

  it("of a namespace that was deleted is UNAUTHENTICATED", async () => {
    await a.registry.putNamespace("gone", "", "any", actor);
    const { token } = await issue("gone", "owner");
    await a.registry.deleteNamespace("gone", actor);
    await expect(identify(bearer(token))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("of role admin is mesh-wide, and no other is", async () => {
    await expect(issue("storefront", "admin")).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    await expect(issue(null, "owner")).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });
});

describe("a credential that is refused", () => {
  it.each([
    ["nothing", {}],
    ["an empty Bearer", { authorization: "Bearer " }],
    ["another scheme", { authorization: "Digest abc" }],
    ["Basic without a password", { authorization: `Basic ${btoa("mesh")}` }],
    ["no JWT", bearer("abc.def")],
  ])("%s", async (_name, headers) => {
    await expect(identify(headers)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("is one signed by somebody else under a key id of ours", async () => {
    const { privateKey } = await generateKeyPair("EdDSA");
    const { kid } = a.keys.signing();
    await expect(identify(bearer(await forged(privateKey, { kid })))).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
  });

  it("would be accepted if it were only made as ours are", async () => {
    const { kid, privateKey } = a.keys.signing();
    await expect(identify(bearer(await forged(privateKey, { kid })))).resolves.toBeDefined();
  });

  it.each([
    ["another mesh", { issuer: "https://other.example" }],
    ["another audience", { audience: "https://other.example" }],
    ["another type", { typ: "JWT" }],
    ["a role that does not exist", { role: "root" }],
    ["a namespace's token that says admin", { ns: 1, role: "admin" }],
    ["a mesh-wide token that says owner", { ns: null, role: "owner" }],
  ])("is one for %s, though signed by us", async (_name, changed) => {
    const { kid, privateKey } = a.keys.signing();
    const token = await forged(privateKey, { kid, ...changed });
    await expect(identify(bearer(token))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("is a changed payload, and the message does not repeat it", async () => {
    const { token } = await issue("storefront", "viewer");
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const raised = Buffer.from(JSON.stringify({ ...claims, ns: null, role: "admin" }));
    const changed = `${header}.${raised.toString("base64url")}.${signature}`;
    const refusal = await identify(bearer(changed)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "UNAUTHENTICATED" });
    expect(String(refusal)).not.toContain(signature);
  });

  it("is the identity that the gateway sends to handlers", async () => {
    const identity = createCallerIdentity(a);
    const token = await identity.token({
      callerNamespace: "storefront",
      principal: "someone",
      endpoint: "e",
      audience: publicUrl,
    });
    await expect(identify(bearer(token))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("Nexus-Mesh-Namespace", () => {
  it("names the namespace a mesh-wide admin acts for", async () => {
    const { token } = await issue(null, "admin");
    expect((await identify(bearer(token))).namespace).toBeUndefined();
    const acting = await identify({ ...bearer(token), "nexus-mesh-namespace": "insights" });
    expect(acting.namespace?.name).toBe("insights");
    await expect(
      identify({ ...bearer(token), "nexus-mesh-namespace": "nowhere" }),
    ).rejects.toMatchObject({ code: "NAMESPACE_NOT_FOUND" });
  });

  it("can't widen a namespace's token", async () => {
    const { token } = await issue("storefront", "owner");
    const own = await identify({ ...bearer(token), "nexus-mesh-namespace": "storefront" });
    expect(own.namespace?.name).toBe("storefront");
    await expect(
      identify({ ...bearer(token), "nexus-mesh-namespace": "insights" }),
    ).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });
});

describe("caller identity", () => {
  const request = {
    callerNamespace: "storefront",
    principal: "someone",
    endpoint: "analytics",
    audience: "https://handler.example/nexus",
  };

  it("is reused for half of its life, per caller, principal, endpoint and target", async () => {
    const identity = createCallerIdentity(a);
    const first = await identity.token(request);
    expect(await identity.token(request)).toBe(first);
    for (const other of [
      { callerNamespace: "x" },
      { principal: "x" },
      { endpoint: "x" },
      { audience: "https://x.example" },
    ])
      expect(await identity.token({ ...request, ...other })).not.toBe(first);
    a.clock.setOffset(31_000);
    try {
      expect(await identity.token(request)).not.toBe(first);
    } finally {
      a.clock.setOffset(0);
    }
  });
});

function contextOf(identity: OpenIdentity): Parameters<typeof authenticate>[0] {
  const options: GatewayContext["options"] = {
    ...defaultGatewayOptions,
    databaseUrl: database.url,
    publicUrl,
    masterKeys,
  };
  return { ...identity, options };
}

async function issue(namespaceName: string | null, role: Role, lifetimeMs?: number) {
  const snapshot = a.registry.snapshot();
  return issueToken(a, {
    namespace: namespaceName === null ? null : (snapshot.namespaces.get(namespaceName) ?? null),
    role,
    subject: "someone",
    actor,
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
  });
}

function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** Valid in everything but what is changed. */
async function forged(
  key: Parameters<SignJWT["sign"]>[0],
  changed: {
    kid: string;
    typ?: string;
    issuer?: string;
    audience?: string;
    ns?: number | null;
    role?: string;
  },
): Promise<string> {
  const ns = a.registry.snapshot().namespaces.get("storefront")?.id ?? 0;
  return new SignJWT({
    ns: changed.ns === undefined ? ns : changed.ns,
    role: changed.role ?? "caller",
  })
    .setProtectedHeader({
      alg: "EdDSA",
      kid: changed.kid,
      typ: changed.typ ?? "nexus-mesh-token+jwt",
    })
    .setIssuer(changed.issuer ?? publicUrl)
    .setAudience(changed.audience ?? publicUrl)
    .setSubject("someone")
    .setJti("d1d8a8c2-7a44-4d5b-9b5c-0a4a5ad0ff10")
    .setExpirationTime("1h")
    .sign(key);
}
