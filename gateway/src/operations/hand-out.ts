import { formatDuration } from "@nexus-mesh/sdk/protocol/duration";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { cancelPath, startPath } from "@nexus-mesh/sdk/protocol/path";
import type { TaskMessage } from "@nexus-mesh/sdk/protocol/task-batch";
import { completionTokenHeader, createCompletionTokens } from "../callbacks/completion-token.ts";
import { headersFromBytes } from "../dispatch/forwarded-headers.ts";
import type { GatewayContext } from "../gateway-context.ts";
import type { CallerIdentity } from "../identity/caller-identity.ts";
import type { OperationRow } from "../store/store.ts";
import { whereabouts } from "./held-operation.ts";
import type { PolledTask } from "./queue-polls.ts";
import { createTaskTokens } from "./task-token.ts";

/**
 * Makes of claimed tasks what a worker gets: the request that a handler behind an URL would have got, and a token. `left`
 * are those that would have made the answer too large.
 */
export type HandOut = (
  tasks: readonly PolledTask[],
  queue: { readonly id: number; readonly leaseMs: number },
) => Promise<{ readonly tasks: TaskMessage[]; readonly left: readonly PolledTask[] }>;

/** Inputs are read so many at a time, and no more of them once an answer is as large as this. */
const readAtOnce = 8;
const answerBytes = 8 * 1024 * 1024;

export function createHandOut(context: GatewayContext, identity: CallerIdentity): HandOut {
  const { clock, keys, log, options, store } = context;
  const taskTokens = createTaskTokens(keys.callbackHmac);
  const completionTokens = createCompletionTokens(keys.callbackHmac);

  return async (tasks, queue) => {
    const messages: TaskMessage[] = [];
    let bytes = 0;
    let at = 0;
    while (at < tasks.length && bytes < answerBytes) {
      const some = tasks.slice(at, at + readAtOnce);
      at += some.length;
      for (const made of await messagesOf(some, queue)) {
        bytes += made.body.length;
        messages.push(made);
      }
    }
    return { tasks: messages, left: tasks.slice(at) };
  };

  async function messagesOf(
    tasks: readonly PolledTask[],
    queue: { readonly id: number; readonly leaseMs: number },
  ): Promise<TaskMessage[]> {
    const missing = tasks.filter(({ operation }) => operation === undefined);
    const read = await store.operations(missing.map(({ lease }) => lease.id));
    const rows = new Map(read.map((row) => [row.id, row]));
    const made = tasks.map(async (task) => {
      const operation = task.operation ?? rows.get(task.lease.id);
      if (operation !== undefined) return message(task, operation, queue);
      log.error({ operationId: task.lease.id }, "a task has no operation row");
      return undefined;
    });
    return (await Promise.all(made)).filter((message) => message !== undefined);
  }

  async function message(
    task: PolledTask,
    operation: OperationRow,
    queue: { readonly id: number; readonly leaseMs: number },
  ): Promise<TaskMessage> {
    const { kind, lease, head } = task;
    const { endpoint, callerNamespace } = whereabouts(context, operation, head.targetId);
    const { service, operation: name } = operation;
    const common = {
      [headerNames.taskToken]: taskTokens.mint({
        kind,
        key: lease.key,
        id: lease.id,
        fence: lease.fence,
        queueId: queue.id,
        endpointId: operation.endpointId,
        ownerNs: operation.ownerNs,
        leaseMs: queue.leaseMs,
      }),
      [headerNames.taskLease]: formatDuration(queue.leaseMs),
      [headerNames.operationId]: operation.id,
      [headerNames.failureSupport]: "true",
      [headerNames.callerIdentity]: await identity.token({
        callerNamespace,
        principal: operation.principal,
        endpoint: endpoint?.name ?? "",
        audience: `queue:${queue.id}`,
      }),
    };
    if (kind === "cancel") {
      return {
        headers: {
          ...common,
          [headerNames.taskPath]: cancelPath(service, name),
          [headerNames.operationToken]: head.handlerToken ?? "",
        },
        body: Buffer.alloc(0),
      };
    }
    const headers: Record<string, string> = {
      ...headersFromBytes(operation.headers),
      ...headersFromBytes(operation.contentHeaders),
      ...common,
      [headerNames.taskPath]: startPath(service, name),
      [headerNames.taskAttempt]: String(head.attempt),
      [headerNames.requestId]: operation.key,
      [headerNames.callbackUrl]: `${options.publicUrl}/nexus/callback`,
      [`${headerNames.callbackPrefix}${completionTokenHeader}`]: completionTokens.mint({
        kind: "durable",
        key: operation.key,
        id: operation.id,
      }),
    };
    const { requestId } = operation;
    if (requestId !== null && /^[\x20-\x7e]+$/.test(requestId))
      headers[headerNames.callerRequestId] = requestId;
    const now = clock.now();
    const left = Math.min(
      operation.closeBy === null ? Infinity : operation.closeBy - now,
      operation.startToCloseMs ?? Infinity,
    );
    if (left < Infinity) headers[headerNames.operationTimeout] = formatDuration(Math.max(1, left));
    // A task in hand was leased with its deadline already.
    if (operation.startToCloseMs !== null && task.operation === undefined)
      await store.shortenDeadline(lease, now + operation.startToCloseMs);
    return { headers, body: operation.input };
  }
}
