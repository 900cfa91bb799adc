import { randomUUID } from "node:crypto";
import { createCallbackReceiver, type ReceivedCompletion } from "@nexus-mesh/sdk/callback-receiver";
import { createNexusClient, type ServiceClient } from "@nexus-mesh/sdk/client";
import { FailureError } from "@nexus-mesh/sdk/protocol/failure";
import { WorkflowNotFoundError } from "@temporalio/client";
import { HandlerError, OperationError } from "nexus-rpc";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startMesh, type Mesh } from "../../engine/mesh.ts";
import { serve } from "../../harness/handler-server.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { temporalVersions } from "../install-temporal.ts";
import { reports } from "./contract.ts";
import { reportsService } from "./reports-service.ts";
import { startTemporalTeam, type TemporalTeam } from "./temporal-team.ts";

const temporal = inject("temporal");

describe.skipIf(temporal === null)("a Temporal worker serves behind the mesh", () => {
  let mesh: Mesh;
  let callbackUrl: string;
  const completions: ReceivedCompletion[] = [];
  beforeAll(async () => {
    mesh = await startMesh();
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
  });
  afterAll(() => mesh.close());

  const completionOf = (operationId: string): Promise<ReceivedCompletion> =>
    waitFor(
      `the completion of ${operationId}`,
      () => completions.find((completion) => completion.operationId === operationId),
      { ms: 20_000 },
    );

  describe.concurrent.each(temporalVersions)("server %s", (version) => {
    let team: TemporalTeam;
    let client: ServiceClient<(typeof reports)["operations"]>;
    beforeAll(async () => {
      team = await startTemporalTeam(version, "handler", [reportsService()]);
      const endpoint = await mesh.endpoint(team.targetUrl);
      client = createNexusClient({ url: mesh.url, token: mesh.token("caller") }).service({
        endpoint,
        service: reports,
      });
    });
    afterAll(() => team.close());

    const build = (workflowId: string) => team.client.workflow.getHandle(workflowId);
    const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        (value) => expect.fail(`resolved: ${JSON.stringify(value)}`),
        (error: unknown) => error,
      );

    test("a value comes back at once", async () => {
      expect(await client.execute("echo", { a: ["ä", 1.5, null] })).toEqual({
        a: ["ä", 1.5, null],
      });
    });

    test.each(["failed", "canceled"] as const)("%s at the start", async (how) => {
      const called = await errorOf(client.execute("refuse", { how }));
      const started = await client.start("refuse", { how });
      for (const error of [called, await errorOf(started.result())]) {
        expect(error).toBeInstanceOf(OperationError);
        expect(error).toMatchObject({ state: how, message: "no report" });
      }
    });

    test("a handler error at the start", async () => {
      const called = await errorOf(client.execute("refuse", { how: "BAD_REQUEST" }));
      const started = await client.start("refuse", { how: "BAD_REQUEST" });
      for (const error of [called, await errorOf(started.result())]) {
        expect(error).toBeInstanceOf(HandlerError);
        expect(error).toMatchObject({ type: "BAD_REQUEST", retryable: false, message: "bad rows" });
      }
    });

    test("a workflow's result comes by Temporal's callback, and goes on by the mesh's", async () => {
      const workflowId = randomUUID();
      const started = await client.start("build", { then: "wait", workflowId }, { callbackUrl });
      await running(workflowId);
      await build(workflowId).signal("goOn");
      expect(await started.result()).toEqual({ rows: 3 });
      const completion = await completionOf(started.operationId);
      expect(completion.state).toBe("succeeded");
      expect(completion.state === "succeeded" && completion.result()).toEqual({ rows: 3 });
    });

    test("a failed workflow: type, details and causes", async () => {
      const started = await client.start("build", { then: "fail" }, { callbackUrl });
      const completion = await completionOf(started.operationId);
      const completed = completion.state === "succeeded" ? undefined : completion.error;
      for (const error of [await errorOf(started.result()), completed]) {
        expect(error).toMatchObject({ state: "failed", message: "no rows" });
        const cause = error instanceof OperationError ? error.cause : undefined;
        const failure = cause instanceof FailureError ? cause.failure : undefined;
        expect(failure?.metadata?.["type"]).toBe("temporal.api.failure.v1.Failure");
        expect(failure?.details).toMatchObject({
          applicationFailureInfo: {
            type: "ReportFailed",
            nonRetryable: true,
            details: { payloads: [{ data: base64({ rows: 0, why: "ä" }) }] },
          },
          cause: { message: "disk is full", applicationFailureInfo: { type: "DiskFull" } },
        });
      }
    });

    test("a cancel reaches the workflow, and its end comes back", async () => {
      const workflowId = randomUUID();
      const started = await client.start("build", { then: "wait", workflowId }, { callbackUrl });
      await running(workflowId);
      await started.cancel();
      const error = await errorOf(started.result());
      expect(error).toBeInstanceOf(OperationError);
      expect(error).toMatchObject({ state: "canceled", message: "operation canceled" });
      expect((await build(workflowId).describe()).status.name).toBe("CANCELLED");
      expect((await completionOf(started.operationId)).state).toBe("canceled");
    });

    test("the same request id attaches to the operation", async () => {
      const requestId = randomUUID();
      const workflowId = randomUUID();
      const input = { then: "wait", workflowId } as const;
      const first = await client.start("build", input, { requestId });
      const run = await running(workflowId);
      const second = await client.start("build", input, { requestId });
      expect(second.operationId).toBe(first.operationId);
      await build(workflowId).signal("goOn");
      expect(await second.result()).toEqual({ rows: 3 });
      expect((await build(workflowId).describe()).runId).toBe(run);
    });

    test("two operations attach to one workflow, and both hear of its end", async () => {
      const workflowId = randomUUID();
      const input = { then: "wait", workflowId } as const;
      const first = await client.start("build", input);
      const run = await running(workflowId);
      const second = await client.start("build", input);
      expect(second.operationId).not.toBe(first.operationId);
      await attached(second.operationId);
      await build(workflowId).signal("goOn");
      expect(await Promise.all([first.result(), second.result()])).toEqual([
        { rows: 3 },
        { rows: 3 },
      ]);
      expect((await build(workflowId).describe()).runId).toBe(run);
    });

    /** The id of the workflow's run, once there is one. */
    function running(workflowId: string): Promise<string> {
      return waitFor(
        `the workflow ${workflowId}`,
        async () => {
          try {
            return (await build(workflowId).describe()).runId;
          } catch (error) {
            if (error instanceof WorkflowNotFoundError) return undefined;
            throw error;
          }
        },
        { ms: 20_000 },
      );
    }

    /** The operation's start was answered: the workflow owes it a callback. */
    async function attached(operationId: string): Promise<void> {
      await waitFor(
        `${operationId} to be started`,
        async () => (await mesh.head(operationId))?.state === "started",
        { ms: 20_000 },
      );
    }
  });
});

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}
