import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { EgressRule, Snapshot } from "@nexus-mesh/registry/registry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEgress } from "../../gateway/src/identity/create-egress.ts";
import { EgressRefused } from "../../gateway/src/identity/egress.ts";
import { addressAllowed, admit } from "../../gateway/src/identity/egress-rules.ts";
import { withEgress } from "./snapshots.ts";

const loopback: EgressRule = {
  host: "*",
  ports: [0],
  cidrs: ["127.0.0.0/8", "::1/128"],
  plainHttp: true,
};

describe("addresses", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "not an address",
  ])("%s is refused", (address) => {
    expect(addressAllowed(address, [])).toBe(false);
  });

  it.each(["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])("%s is public", (address) => {
    expect(addressAllowed(address, [])).toBe(true);
  });

  it("in a listed range are allowed, their IPv4-mapped form too, and their neighbours are not", () => {
    expect(addressAllowed("10.1.2.3", ["10.1.0.0/16"])).toBe(true);
    expect(addressAllowed("::ffff:10.1.2.3", ["10.1.0.0/16"])).toBe(true);
    expect(addressAllowed("10.2.0.1", ["10.1.0.0/16"])).toBe(false);
    expect(addressAllowed("10.1.2.3", ["nonsense", "fd00::/8"])).toBe(false);
  });
});

describe("rules", () => {
  const policy = (...rules: EgressRule[]) => ({ version: 1, rules });
  const rule = (given: Partial<EgressRule>): EgressRule => ({
    host: "*",
    ports: [],
    cidrs: [],
    plainHttp: false,
    ...given,
  });
  it.each([
    ["https://example.com/x", policy(), true],
    ["http://example.com/x", policy(), false],
    ["https://example.com:8443/x", policy(), false],
    ["https://10.0.0.1/x", policy(), false],
    ["https://[::1]/x", policy(), false],
    ["https://localhost/x", policy(), false],
    ["https://2130706433/x", policy(), false],
    ["https://a.example.com/x", policy(rule({ host: "*.example.com" })), true],
    ["https://example.com./x", policy(rule({ host: "example.com" })), true],
    ["https://example.com/x", policy(rule({ host: "*.example.com" })), false],
    ["https://evilexample.com/x", policy(rule({ host: "*.example.com" })), false],
    ["https://other.com/x", policy(rule({ host: "example.com" })), false],
    ["https://example.com:8443/x", policy(rule({ ports: [8443] })), true],
    ["https://example.com/x", policy(rule({ ports: [8443] })), false],
    ["http://example.com/x", policy(rule({ plainHttp: true })), true],
    ["http://127.0.0.1:9/x", policy(loopback), true],
    ["http://localhost:9/x", policy(loopback), true],
    ["http://10.0.0.1:9/x", policy(loopback), false],
    // Host, port and range must come from one rule.
    [
      "https://10.0.0.1:8443/x",
      policy(rule({ host: "10.0.0.1", cidrs: ["10.0.0.0/8"] }), rule({ ports: [8443] })),
      false,
    ],
  ])("%s under %j is %s", (url, given, allowed) => {
    expect(admit(given, new URL(url)).allowed).toBe(allowed);
  });
});

describe("connections", () => {
  let server: Server;
  let port: number;
  let connections = 0;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === "/redirect") response.writeHead(302, { location: "/" }).end();
      else response.end("hello");
    });
    server.on("connection", () => {
      connections += 1;
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  it("reach a server that the policy allows", async () => {
    expect(await call(withEgress([loopback]), `http://127.0.0.1:${port}/`)).toBe("200 hello");
  });

  it("are refused when the name resolves to an address that is not allowed, before connecting", async () => {
    const before = connections;
    const open = { ...loopback, cidrs: [] };
    await expect(
      call(withEgress([open]), `http://innocent.example:${port}/`, ["127.0.0.1"]),
    ).rejects.toThrow(EgressRefused);
    expect(connections).toBe(before);
  });

  it("are refused when one of several addresses is not allowed", async () => {
    const rule = { ...loopback, cidrs: ["127.0.0.1/32"] };
    await expect(
      call(withEgress([rule]), `http://mixed.example:${port}/`, ["127.0.0.1", "127.0.0.2"]),
    ).rejects.toThrow(EgressRefused);
  });

  it("go to the address that was checked", async () => {
    expect(
      await call(withEgress([loopback]), `http://pinned.example:${port}/`, ["127.0.0.1"]),
    ).toBe("200 hello");
  });

  it("don't follow redirects", async () => {
    expect(await call(withEgress([loopback]), `http://127.0.0.1:${port}/redirect`)).toBe("302 ");
  });

  it("opened under an earlier policy are not used again", async () => {
    let snapshot = withEgress([loopback], 1);
    const egress = createEgress({ registry: { snapshot: () => snapshot } });
    const url = `http://127.0.0.1:${port}/`;
    expect(await get(egress.dispatcher(1), url)).toBe("200 hello");
    snapshot = withEgress([], 2);
    await expect(get(egress.dispatcher(1), url)).rejects.toThrow(EgressRefused);
    await egress.close();
  });

  it("of a namespace that is gone are refused", async () => {
    const snapshot = withEgress([loopback]);
    const egress = createEgress({ registry: { snapshot: () => snapshot } });
    await expect(get(egress.dispatcher(2), `http://127.0.0.1:${port}/`)).rejects.toThrow(
      EgressRefused,
    );
    await egress.close();
  });
});

describe("check", () => {
  const egress = createEgress({ registry: { snapshot: () => withEgress([]) } });
  it.each([
    ["ftp://example.com", "INVALID_CALLBACK_URL"],
    ["https://user:secret@example.com", "INVALID_CALLBACK_URL"],
    ["http://example.com", "EGRESS_DENIED"],
    ["https://169.254.169.254/latest", "EGRESS_DENIED"],
  ])("%s is %s", (url, code) => {
    expect(() => {
      egress.check(1, new URL(url), "INVALID_CALLBACK_URL");
    }).toThrow(expect.objectContaining({ code }));
  });
  it("lets public https pass", () => {
    expect(() => {
      egress.check(1, new URL("https://example.com/cb"), "INVALID_CALLBACK_URL");
    }).not.toThrow();
  });
});

async function call(snapshot: Snapshot, url: string, addresses?: string[]): Promise<string> {
  const egress = createEgress({
    registry: { snapshot: () => snapshot },
    ...(addresses === undefined
      ? {}
      : {
          resolve: (_host, _options, done) => {
            done(
              null,
              addresses.map((address) => ({ address, family: 4 })),
            );
          },
        }),
  });
  try {
    return await get(egress.dispatcher(1), url);
  } finally {
    await egress.close();
  }
}

async function get(
  dispatcher: ReturnType<ReturnType<typeof createEgress>["dispatcher"]>,
  url: string,
): Promise<string> {
  const { origin, pathname } = new URL(url);
  const { statusCode, body } = await dispatcher.request({ origin, path: pathname, method: "GET" });
  return `${statusCode} ${await body.text()}`;
}
