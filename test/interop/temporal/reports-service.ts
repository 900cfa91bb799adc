import { startWorkflow, WorkflowRunOperationHandler } from "@temporalio/nexus";
import { HandlerError, OperationError, serviceHandler } from "nexus-rpc";
import { reports, type ReportInput } from "./contract.ts";
import type { report } from "./workflows.ts";

/** What a Temporal worker serves; nothing in it knows of the mesh. */
export function reportsService() {
  return serviceHandler(reports, {
    echo: async (_ctx, input) => input,
    refuse: async (_ctx, { how }) => {
      if (how === "BAD_REQUEST") throw new HandlerError("BAD_REQUEST", "bad rows");
      throw new OperationError(how, "no report");
    },
    build: new WorkflowRunOperationHandler<ReportInput, { rows: number }>((ctx, input) =>
      startWorkflow<typeof report>(ctx, "report", {
        args: [input],
        workflowId: input.workflowId ?? ctx.requestId,
        workflowIdConflictPolicy: "USE_EXISTING",
      }),
    ),
  });
}
