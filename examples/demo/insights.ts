import { createServer } from "node:http";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { completeOperation } from "@nexus-mesh/sdk/complete-operation";
import { createHandlerServer } from "@nexus-mesh/sdk/handler";
import { HandlerStartOperationResult, OperationError, serviceHandler } from "nexus-rpc";
import { analytics, type Profile } from "./contract.ts";
import { columnNames, readRows, registerProfileWorkflow } from "./profile-dataset.ts";
import { setting } from "./setting.ts";

/**
 * The data team's process. Two workflows per operation: the inner one works and may be canceled, the outer one waits for
 * it and reports. A canceled DBOS workflow can run no further step, so it could not report its own end.
 */
interface Callback {
  readonly url: string;
  readonly headers: Record<string, string>;
}

const port = Number(setting("PORT"));
const profileDataset = registerProfileWorkflow(setting("SIDE_EFFECTS"));

const reportOutcome = DBOS.registerWorkflow(
  async (callback: Callback): Promise<void> => {
    const token = DBOS.workflowID ?? "";
    const work = DBOS.retrieveWorkflow<Profile>(workOf(token));
    const startTime = new Date(await DBOS.now());
    let outcome: { result: Profile } | { state: "failed" | "canceled"; message: string };
    try {
      outcome = { result: await work.getResult() };
    } catch (error) {
      // The error's class differs by the way it came; the status does not.
      const status = await work.getStatus();
      outcome = {
        state: status?.status === "CANCELLED" ? "canceled" : "failed",
        message: error instanceof Error ? error.message : String(error),
      };
    }
    await DBOS.runStep(
      () =>
        completeOperation(
          {
            callbackUrl: callback.url,
            callbackHeaders: callback.headers,
            operationToken: token,
            startTime,
          },
          "result" in outcome
            ? outcome
            : { error: new OperationError(outcome.state, outcome.message) },
        ),
      {
        name: "complete",
        retriesAllowed: true,
        maxAttempts: 100,
        intervalSeconds: 1,
        backoffRate: 1.2,
      },
    );
  },
  { name: "reportOutcome", maxRecoveryAttempts: 100 },
);

const analyticsHandler = serviceHandler(analytics, {
  columns: async (_ctx, { dataset }) => columnNames(await readRows(dataset)),
  profile: {
    start: async (ctx, input) => {
      // The mesh's key is the workflow's id: a repeated dispatch attaches to the workflow that runs.
      const token = ctx.requestId;
      const order = ctx.headers["nexus-mesh-caller-request-id"] ?? token;
      await DBOS.startWorkflow(profileDataset, { workflowID: workOf(token) })(input, order);
      await DBOS.startWorkflow(reportOutcome, { workflowID: token })({
        url: ctx.callbackUrl ?? "",
        headers: ctx.callbackHeaders ?? {},
      });
      return HandlerStartOperationResult.async(token);
    },
    cancel: async (_ctx, token) => {
      await DBOS.cancelWorkflow(workOf(token));
    },
  },
});

// Started first and reported second: the reporter would look for work that does not exist yet.
function workOf(token: string): string {
  return `${token}/work`;
}

DBOS.setConfig({
  name: "insights",
  systemDatabaseUrl: setting("DATABASE_URL"),
  // Recovery takes what the same executor left behind in the same version of the code.
  executorID: "insights-1",
  applicationVersion: "demo",
  logLevel: "error",
});
await DBOS.launch();

const { listener } = createHandlerServer({
  services: [analyticsHandler],
  basePath: "/nexus",
  trust: { gateway: setting("MESH_URL"), audience: setting("TARGET"), endpoints: ["analytics"] },
});
const server = createServer(listener);
server.listen(port, "127.0.0.1", () => {
  console.log("ready");
});
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  void DBOS.shutdown().then(() => process.exit(0));
});
