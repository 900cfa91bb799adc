import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startMesh, type Mesh } from "../../engine/mesh.ts";
import { temporalVersions } from "../install-temporal.ts";
import { unsuccessful } from "./failure-cases.ts";
import { reportsService } from "./reports-service.ts";
import { startTemporalTeam, type TemporalTeam } from "./temporal-team.ts";
import { startCall, type WorkflowCall } from "./workflow-call.ts";
import type { Call } from "./workflows.ts";

const temporal = inject("temporal");

describe.skipIf(temporal === null)("from a Temporal namespace to another, through the mesh", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    mesh = await startMesh();
  });
  afterAll(() => mesh.close());

  describe.concurrent.each(temporalVersions)("server %s", (version) => {
    let handlers: TemporalTeam;
    let callers: TemporalTeam;
    let endpoint: string;
    beforeAll(async () => {
      handlers = await startTemporalTeam(version, "handler", [reportsService()]);
      callers = await startTemporalTeam(version, "caller");
      const meshEndpoint = await mesh.endpoint(handlers.targetUrl);
      const url = new URL(`${mesh.url}/nexus/endpoints/${meshEndpoint}/services`);
      url.username = "mesh";
      url.password = mesh.token("caller");
      endpoint = await callers.externalEndpoint(url.href);
    });
    afterAll(async () => {
      await handlers.close();
      await callers.close();
    });

    type Sent = Call extends infer One ? (One extends Call ? Omit<One, "endpoint"> : never) : never;
    const start = (given: Sent): Promise<WorkflowCall> =>
      startCall(callers, { endpoint, ...given });

    test("a value comes back at once", async () => {
      const workflow = await start({ echo: { a: ["ä", 1.5, null] } });
      expect(await workflow.result()).toEqual({ value: { a: ["ä", 1.5, null] } });
    });

    test("a workflow's result comes back, and a link to it", async () => {
      const workflowId = randomUUID();
      const workflow = await start({ build: { then: "succeed", workflowId } });
      expect(await workflow.result()).toEqual({ value: { rows: 3 } });
      const events = await workflow.events();
      expect(events.map(({ kind }) => kind)).toEqual(["Scheduled", "Started", "Completed"]);
      const { runId } = await handlers.client.workflow.getHandle(workflowId).describe();
      expect(events[1]?.links).toEqual([`handler/${workflowId}/${runId}`]);
    });

    test("a failed workflow is the failure that it was: type, details, causes", async () => {
      const workflow = await start({ build: { then: "fail" } });
      expect(await workflow.result()).toEqual({
        error: unsuccessful({
          class: "ApplicationFailure",
          message: "no rows",
          type: "ReportFailed",
          details: [{ rows: 0, why: "ä" }],
          retryable: false,
          cause: {
            class: "ApplicationFailure",
            message: "disk is full",
            type: "DiskFull",
            details: [],
            retryable: true,
          },
        }),
      });
    });

    test.each([
      [
        "failed",
        {
          class: "ApplicationFailure",
          message: "no report",
          type: "OperationError",
          details: [],
          retryable: false,
        },
      ],
      ["canceled", { class: "CancelledFailure", message: "no report", details: [] }],
    ] as const)("%s at the start", async (how, cause) => {
      const workflow = await start({ refuse: { how } });
      expect(await workflow.result()).toEqual({ error: unsuccessful(cause) });
    });

    test("a handler error at the start", async () => {
      const workflow = await start({ refuse: { how: "BAD_REQUEST" } });
      expect(await workflow.result()).toMatchObject({
        error: {
          cause: {
            class: "HandlerError",
            type: "BAD_REQUEST",
            retryable: false,
            message: expect.stringContaining("bad rows") as unknown,
          },
        },
      });
    });

    test("a cancel goes through, and the canceled end comes back", async () => {
      const workflowId = randomUUID();
      const workflow = await start({ build: { then: "wait", workflowId } });
      await workflow.started();
      await workflow.cancelOperation();
      expect(await workflow.result()).toEqual({
        error: unsuccessful({
          class: "CancelledFailure",
          message: "operation canceled",
          details: [],
        }),
      });
      expect((await workflow.events()).map(({ kind }) => kind)).toEqual([
        "Scheduled",
        "Started",
        "CancelRequested",
        "CancelRequestCompleted",
        "Canceled",
      ]);
      const handle = handlers.client.workflow.getHandle(workflowId);
      expect((await handle.describe()).status.name).toBe("CANCELLED");
    });
  });
});
