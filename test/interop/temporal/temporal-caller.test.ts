import { randomUUID } from "node:crypto";
import { callerOf } from "@nexus-mesh/sdk/handler";
import { HandlerError, OperationError } from "nexus-rpc";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startMesh, type Mesh } from "../../engine/mesh.ts";
import { temporalVersions } from "../install-temporal.ts";
import { later, now, startCaseHandler, type Behaviour, type CaseHandler } from "./case-handler.ts";
import { completionFailures, seenBy, startFailures, unsuccessful } from "./failure-cases.ts";
import { startTemporalTeam, type TemporalTeam } from "./temporal-team.ts";
import { startCall, type WorkflowCall } from "./workflow-call.ts";
import type { Call } from "./workflows.ts";

const temporal = inject("temporal");
const canceledFailure = { class: "CancelledFailure" };

describe.skipIf(temporal === null)("a Temporal workflow calls through the mesh", () => {
  let mesh: Mesh;
  let handler: CaseHandler;
  let meshEndpoint: string;
  beforeAll(async () => {
    mesh = await startMesh();
    handler = await startCaseHandler();
    // Long enough for the answer of a start to be told as that, on a loaded machine too.
    meshEndpoint = await mesh.endpoint(handler.url, { inlineWaitMs: 8_000 });
    await handler.serve(mesh.publicUrl, [meshEndpoint]);
    mesh.track(handler);
  });
  afterAll(() => mesh.close());

  describe.concurrent.each(temporalVersions)("server %s", (version) => {
    let team: TemporalTeam;
    let endpoint: string;
    beforeAll(async () => {
      team = await startTemporalTeam(version, "caller");
      endpoint = await endpointFor(mesh.token("caller"));
    });
    afterAll(() => team.close());

    /** An endpoint of the server whose URL carries the token, as `temporal operator nexus endpoint create` would make it. */
    function endpointFor(token: string): Promise<string> {
      const url = new URL(`${mesh.url}/nexus/endpoints/${meshEndpoint}/services`);
      url.username = "mesh";
      url.password = token;
      return team.externalEndpoint(url.href);
    }

    /** One case: a workflow that calls, and how the handler answers it. */
    async function start(
      behaviour: Behaviour,
      given: Partial<Call> = {},
    ): Promise<{ name: string; workflow: WorkflowCall }> {
      const name = randomUUID();
      handler.when(name, behaviour);
      const input = { case: name, text: "ä" };
      return { name, workflow: await startCall(team, { endpoint, input, ...given }, name) };
    }

    test("a value comes back at once", async () => {
      const { name, workflow } = await start(({ input }) => now({ said: input.text }));
      expect(await workflow.result()).toEqual({ value: { said: "ä" } });
      const { ctx } = await handler.start(name);
      expect(callerOf(ctx)?.namespace).toBe("caller");
      expect((await workflow.events()).map(({ kind }) => kind)).toEqual(["Scheduled", "Completed"]);
    });

    test("a completion brings the value later", async () => {
      const { name, workflow } = await start(later);
      await (await handler.start(name)).complete({ result: { rows: 3 } });
      expect(await workflow.result()).toEqual({ value: { rows: 3 } });
      expect((await workflow.events()).map(({ kind }) => kind)).toEqual([
        "Scheduled",
        "Started",
        "Completed",
      ]);
    });

    test("a completion may come before the start's reply", async () => {
      const { workflow } = await start(async (given) => {
        await given.complete({ result: "early" });
        return later(given);
      });
      expect(await workflow.result()).toEqual({ value: "early" });
    });

    test.each(startFailures)("$name, at the start", async ({ error, seen }) => {
      const { workflow } = await start(() => Promise.reject(error));
      expect(await workflow.result()).toEqual({ error: seenBy(version, seen) });
    });

    test.each(completionFailures)("$name, by a completion", async ({ error, seen }) => {
      const { name, workflow } = await start(later);
      await (await handler.start(name)).complete({ error });
      expect(await workflow.result()).toEqual({ error: seenBy(version, seen) });
    });

    test("a retryable error is the mesh's to retry", async () => {
      const { name, workflow } = await start(({ nth }) => {
        if (nth < 3) throw new HandlerError("UNAVAILABLE", "not yet");
        return now(nth);
      });
      expect(await workflow.result()).toEqual({ value: 3 });
      const [first, third] = [await handler.start(name), await handler.start(name, 3)];
      expect(third.ctx.requestId).toBe(first.ctx.requestId);
    });

    test("schedule-to-close ends what nobody answers, and the handler is canceled", async () => {
      const { name, workflow } = await start(later, { scheduleToCloseTimeout: "4s" });
      const { error } = (await workflow.result()) as { error: unknown };
      expect(error).toMatchObject(
        unsuccessful({
          class: "TimeoutFailure",
          message: "operation timed out",
          type: "SCHEDULE_TO_CLOSE",
        }),
      );
      await handler.canceled(name);
    });

    test("schedule-to-close ends what is retried in vain", async () => {
      const { workflow } = await start(
        () => Promise.reject(new HandlerError("UNAVAILABLE", "not today")),
        { scheduleToCloseTimeout: "4s" },
      );
      const { error } = (await workflow.result()) as { error: unknown };
      expect(error).toMatchObject({
        cause: { class: "TimeoutFailure", type: "SCHEDULE_TO_CLOSE" },
      });
    });

    const link = (workflowId: string) => ({
      url: new URL(
        `temporal:///namespaces/insights/workflows/${encodeURIComponent(workflowId)}/run/history?eventID=1&eventType=WorkflowExecutionStarted&referenceType=EventReference`,
      ),
      type: "temporal.api.common.v1.Link.WorkflowEvent",
    });

    test("links of an answer at once", async () => {
      const { workflow } = await start(({ ctx }) => {
        ctx.outboundLinks.push(link("report/ä"));
        return now(null);
      });
      await workflow.result();
      const [, completed] = await workflow.events();
      expect(completed).toEqual({ kind: "Completed", links: ["insights/report/ä/run"] });
    });

    test("links go both ways", async () => {
      const { name, workflow } = await start((given) => {
        given.ctx.outboundLinks.push(link("report/ä"));
        return later(given);
      });
      const { ctx, complete } = await handler.start(name);
      expect(ctx.inboundLinks.map(({ url }) => url.href)).toEqual([
        expect.stringContaining(`temporal:///namespaces/caller/workflows/${name}/`),
      ]);
      await complete({ result: null });
      await workflow.result();
      const started = (await workflow.events()).find(({ kind }) => kind === "Started");
      expect(started?.links).toEqual(["insights/report/ä/run"]);
    });

    describe("cancel from the workflow", () => {
      async function startAndCancel(cancellationType: NonNullable<Call["cancellationType"]>) {
        const started = await start(later, { cancellationType, stay: true });
        const running = await handler.start(started.name);
        await started.workflow.started();
        await started.workflow.cancelOperation();
        return { ...started, running };
      }
      async function kinds(workflow: WorkflowCall): Promise<string[]> {
        await workflow.leave();
        await workflow.result();
        return (await workflow.events()).map(({ kind }) => kind);
      }

      test("ABANDON: nobody is told", async () => {
        const { name, workflow, running } = await startAndCancel("ABANDON");
        expect(await workflow.seen()).toMatchObject({ error: { cause: canceledFailure } });
        expect(await kinds(workflow)).not.toContain("CancelRequested");
        expect(handler.cancels(name)).toBe(0);
        // Only now: a completion that meets the open workflow stops it (SDK 1.24: "cannot complete after being cancelled").
        await running.complete({ result: "nobody waits for it" });
      });

      test("TRY_CANCEL: the workflow goes on at once, the handler is told", async () => {
        const { name, workflow } = await startAndCancel("TRY_CANCEL");
        expect(await workflow.seen()).toMatchObject({ error: { cause: canceledFailure } });
        await handler.canceled(name);
        expect(await kinds(workflow)).toContain("CancelRequested");
      });

      test("WAIT_CANCELLATION_REQUESTED: the workflow goes on when it is delivered", async () => {
        const { name, workflow } = await startAndCancel("WAIT_CANCELLATION_REQUESTED");
        expect(await workflow.seen()).toMatchObject({ error: { cause: canceledFailure } });
        await handler.canceled(name);
        expect(await kinds(workflow)).toContain("CancelRequestCompleted");
      });

      test("WAIT_CANCELLATION_COMPLETED: the workflow waits for the end", async () => {
        const { name, workflow, running } = await startAndCancel("WAIT_CANCELLATION_COMPLETED");
        await handler.canceled(name);
        expect(await workflow.peek()).toBeUndefined();
        await running.complete({ error: new OperationError("canceled", "cleaned up") });
        expect(await workflow.seen()).toMatchObject({
          error: { cause: { ...canceledFailure, message: "cleaned up" } },
        });
        expect(await kinds(workflow)).toContain("Canceled");
      });

      test("a canceled operation may still succeed", async () => {
        const { name, workflow, running } = await startAndCancel("WAIT_CANCELLATION_COMPLETED");
        await handler.canceled(name);
        await running.complete({ result: "too late" });
        expect(await workflow.seen()).toEqual({ value: "too late" });
        await workflow.leave();
      });
    });

    test("CONFLICT is final, but not for 1.29.1, which does not know it", async () => {
      const { workflow } = await start(
        () => Promise.reject(new HandlerError("CONFLICT", "there is another")),
        { scheduleToCloseTimeout: "4s" },
      );
      expect(await workflow.result()).toMatchObject({
        error: {
          cause:
            version === "1.29.1"
              ? { class: "TimeoutFailure" }
              : {
                  class: "HandlerError",
                  type: "CONFLICT",
                  message: expect.stringContaining("there is another"),
                },
        },
      });
    });

    test.each([
      ["no grant", "stranger", "UNAUTHORIZED"],
      ["no token of this mesh", undefined, "UNAUTHENTICATED"],
    ])("%s: the workflow is told", async (_why, namespace, type) => {
      const to = await endpointFor(namespace === undefined ? "nonsense" : mesh.token(namespace));
      const { workflow } = await start(later, { endpoint: to });
      expect(await workflow.result()).toMatchObject({
        error: { cause: { class: "HandlerError", type, retryable: false } },
      });
    });
  });
});
