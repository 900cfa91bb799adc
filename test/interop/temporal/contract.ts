import { operation, service } from "nexus-rpc";

/** Served behind the mesh; the test says for each case how it answers. */
export interface CaseInput {
  readonly case: string;
  readonly text?: string;
}

export const cases = service("cases", {
  run: operation<CaseInput, unknown>(),
});

/** How the workflow behind `build` goes. */
export interface ReportInput {
  readonly then: "succeed" | "fail" | "wait";
  /** Default: the start's request id. */
  readonly workflowId?: string;
}

export interface RefuseInput {
  readonly how: "failed" | "canceled" | "BAD_REQUEST";
}

/** Served by a Temporal worker, `build` by a workflow. */
export const reports = service("reports", {
  echo: operation<unknown, unknown>(),
  refuse: operation<RefuseInput, null>(),
  build: operation<ReportInput, { rows: number }>(),
});
