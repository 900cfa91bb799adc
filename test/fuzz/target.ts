import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { completionTokenHeader } from "@nexus-mesh/gateway/callbacks/completion-token";
import { issueToken } from "@nexus-mesh/gateway/identity/mesh-token";
import { defaultGatewayOptions, type GatewayOptions } from "@nexus-mesh/gateway/options";
import { createGateway } from "@nexus-mesh/gateway/server";
import { portOf } from "../harness/port-of.ts";
import { seedMesh } from "../harness/seed-mesh.ts";
import { startFuzzedGateway, type FuzzedGateway } from "./fuzzed-gateway.ts";
import type { Known } from "./well-formed.ts";

export interface Target {
  readonly gateway: FuzzedGateway;
  readonly known: Known;
  /** Those that were started, the last few: `known` names them. */
  readonly operations: string[];
  close(): Promise<void>;
}

const remembered = 100;

/** A gateway with an endpoint to call, a handler behind it, and tokens of a caller and an admin. */
export async function startTarget(databaseUrl: string): Promise<Target> {
  const operations: string[] = [];
  const completionTokens: string[] = [];
  const handler = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => response.destroy());
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const token = request.headers[`nexus-callback-${completionTokenHeader}`];
      if (typeof token === "string") remember(completionTokens, token);
      const type = { "content-type": "application/json" };
      if (request.url?.includes("/later") !== true)
        response.writeHead(200, type).end(Buffer.concat(chunks));
      else if (request.url.includes("/cancel")) response.writeHead(202).end();
      else response.writeHead(201, type).end('{"token":"h-1","state":"running"}');
    });
  });
  handler.listen(0, "127.0.0.1");
  await once(handler, "listening");
  const handlerUrl = `http://127.0.0.1:${portOf(handler.address())}`;

  const options: GatewayOptions = {
    ...defaultGatewayOptions,
    databaseUrl,
    publicUrl: "http://gateway.test",
    port: 0,
    opsPort: 0,
    masterKeys: [randomBytes(32).toString("base64url")],
    poolSize: 4,
    allowUnsafeDatabase: true,
  };
  const { token: callerToken } = await seedMesh(options, "fuzzed", `${handlerUrl}/nexus`);
  const adminToken = await issueAdminToken(options);
  const gateway = await startFuzzedGateway(options);
  return {
    gateway,
    operations,
    known: {
      ...{ endpoint: "fuzzed", namespace: "team", callerToken, adminToken },
      ...{ callbackUrl: `${handlerUrl}/callback`, operations, completionTokens },
    },
    async close() {
      await gateway.stop();
      handler.close();
      handler.closeAllConnections();
    },
  };
}

/** The last few. */
export function remember(list: string[], value: string): void {
  list.push(value);
  if (list.length > remembered) list.shift();
}

async function issueAdminToken(options: GatewayOptions): Promise<string> {
  const gateway = await createGateway(options);
  try {
    const { token } = await issueToken(gateway.context, {
      namespace: null,
      role: "admin",
      subject: "fuzz",
      actor: { subject: "fuzz", namespace: null },
    });
    return token;
  } finally {
    await gateway.close();
  }
}
