import { randomUUID } from "node:crypto";
import type { WorkflowHandle } from "@temporalio/client";
import { waitFor } from "../../harness/wait-for.ts";
import type { TemporalTeam } from "./temporal-team.ts";
import type { call, Call, Seen } from "./workflows.ts";

/** A running workflow `call`. */
export interface WorkflowCall {
  readonly workflowId: string;
  result(): Promise<Seen>;
  /** The workflow knows that its operation has started. */
  started(): Promise<void>;
  /** Cancels the operation from inside the workflow. */
  cancelOperation(): Promise<void>;
  /** What the operation came to, of a workflow that stays open; undefined: nothing yet. */
  peek(): Promise<Seen | undefined>;
  seen(): Promise<Seen>;
  /** Lets a workflow end that stays open. */
  leave(): Promise<void>;
  events(): Promise<NexusEvent[]>;
}

/** An event of the workflow's history that is about its operation: `Started`, `CancelRequested`, … */
export interface NexusEvent {
  readonly kind: string;
  readonly links: readonly string[];
}

export async function startCall(
  team: TemporalTeam,
  given: Call,
  workflowId: string = randomUUID(),
): Promise<WorkflowCall> {
  const handle = await team.client.workflow.start<typeof call>("call", {
    taskQueue: team.taskQueue,
    workflowId,
    args: [given],
  });
  const patiently = { ms: 30_000, every: 100 };
  const peek = (): Promise<Seen | undefined> => handle.query<Seen | undefined>("seen");
  return {
    workflowId,
    result: () => handle.result(),
    async started() {
      await waitFor(
        "the workflow to see its operation started",
        () => handle.query("started"),
        patiently,
      );
    },
    cancelOperation: () => handle.signal("cancelOperation"),
    peek,
    seen: () => waitFor("the workflow to see an outcome", peek, patiently),
    leave: () => handle.signal("leave"),
    events: () => nexusEvents(handle),
  };
}

async function nexusEvents(handle: WorkflowHandle): Promise<NexusEvent[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const kind = Object.keys(event)
      .map((field) => /^nexusOperation(\w+)EventAttributes$/.exec(field)?.[1])
      .find((found) => found !== undefined);
    if (kind === undefined) return [];
    return [
      {
        kind,
        links: (event.links ?? []).map(({ workflowEvent }) =>
          [workflowEvent?.namespace, workflowEvent?.workflowId, workflowEvent?.runId].join("/"),
        ),
      },
    ];
  });
}
