import { createServer } from "node:http";
import { once } from "node:events";
import { createAdminClient } from "@nexus-mesh/sdk/admin";
import { createNexusClient } from "@nexus-mesh/sdk/client";
import { createHandlerServer } from "@nexus-mesh/sdk/handler";
import {
  progressTargetOf,
  ProgressRefused,
  reportProgress,
  type ProgressTarget,
} from "@nexus-mesh/sdk/report-progress";
import { HandlerStartOperationResult, operation, service, serviceHandler } from "nexus-rpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startMesh, type Mesh } from "../engine/mesh.ts";
import { portOf } from "../harness/port-of.ts";
import { startTcpProxy } from "../harness/proxy.ts";
import { waitFor } from "../harness/wait-for.ts";

const reports = service("reports", { build: operation<undefined, undefined>() });
let mesh: Mesh;
let url: string;
const targets: (ProgressTarget | undefined)[] = [];

beforeAll(async () => {
  mesh = await startMesh();
  const { listener } = createHandlerServer({
    services: [
      serviceHandler(reports, {
        build: {
          start: (ctx) => {
            targets.push(progressTargetOf(ctx));
            return Promise.resolve(HandlerStartOperationResult.async("t"));
          },
          cancel: () => Promise.resolve(),
        },
      }),
    ],
    trust: "dangerously-accept-anyone",
  });
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${portOf(server.address())}`;
  mesh.track({
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
});
afterAll(() => mesh.close());

async function started(): Promise<ProgressTarget> {
  const before = targets.length;
  const { operationId } = await createNexusClient({ url: mesh.url, token: mesh.token("caller") })
    .service({ endpoint: await mesh.endpoint(url), service: reports })
    .start("build", undefined);
  const target = await waitFor("the start", () => targets[before]);
  expect(target.operationId).toBe(operationId);
  return target;
}

const seen = async ({ operationId }: ProgressTarget) =>
  (
    await createAdminClient({ url: mesh.url, token: mesh.token("caller") }).call("getOperation", {
      path: { operationId },
    })
  ).progress;

test("a handler behind a URL tells how far it is, from what its start brought, until the operation has ended", async () => {
  const target = await started();
  await reportProgress(target, { step: 1, of: 2, message: "reading", detail: { rows: 3 } });
  expect(await seen(target)).toMatchObject({ step: 1, of: 2, message: "reading" });
  await mesh.engine.terminate(target.operationId, "enough");
  // What comes within the second of the first report is taken unseen.
  const refused = await waitFor("a late report to be refused", () =>
    reportProgress(target, { step: 2 }).catch((error: unknown) => error),
  );
  expect(refused).toBeInstanceOf(ProgressRefused);
  expect(refused).toMatchObject({ status: 409, code: "OPERATION_CLOSED" });
});

test("another operation's token is refused", async () => {
  const [one, other] = [await started(), await started()];
  const foreign = { ...one, callbackHeaders: other.callbackHeaders };
  await expect(reportProgress(foreign, { step: 1 })).rejects.toMatchObject({
    code: "INVALID_CALLBACK_TOKEN",
  });
  expect(await seen(one)).toBeNull();
});

test("a report that met no gateway is sent again", async () => {
  const target = await started();
  const proxy = await startTcpProxy([]);
  try {
    const through = target.callbackUrl.replace(/^http:\/\/[^/]+/, proxy.url);
    const reported = reportProgress({ ...target, callbackUrl: through }, { step: 7 });
    await waitFor("a first try", () => proxy.accepted() > 0);
    proxy.setUpstreams([{ host: "127.0.0.1", port: Number(new URL(mesh.url).port) }]);
    await reported;
    expect(await seen(target)).toMatchObject({ step: 7 });
  } finally {
    await proxy.close();
  }
});

test("neither a report over its limits nor one to somewhere else is sent", async () => {
  const target = { operationId: "x", callbackUrl: "http://a/nexus/callback", callbackHeaders: {} };
  await expect(reportProgress(target, { step: -1 })).rejects.toThrow(/step is -1/);
  const elsewhere = { ...target, callbackUrl: "http://a/done" };
  await expect(reportProgress(elsewhere, {})).rejects.toThrow(/not a mesh's callback URL/);
});
