import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { ApiError } from "../api-error.ts";
import { createSendCallback } from "../callbacks/send-callback.ts";
import { createSendCancel } from "../dispatch/cancel-attempt.ts";
import { headersFromBytes } from "../dispatch/forwarded-headers.ts";
import { createSendStart } from "../dispatch/start-attempt.ts";
import type { Engine } from "../engine.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { createCallerIdentity } from "../identity/caller-identity.ts";
import type { Head, NewOperation, OperationRow } from "../store/store.ts";
import { createAnswerTasks } from "./answer-tasks.ts";
import { createAttemptStart } from "./attempt-start.ts";
import { createCompleteOperation, type CompleteOperation } from "./complete-operation.ts";
import { createDeliverOwed } from "./deliver-owed.ts";
import { executionKey } from "./execution-key.ts";
import { createHandOut } from "./hand-out.ts";
import { dropTask } from "./held-operation.ts";
import { createInFlight } from "./in-flight.ts";
import type { InlineWait } from "./inline-wait.ts";
import { isTerminal } from "./lifecycle.ts";
import { failedOutcome, meshFailure } from "./outcome.ts";
import { createProgressReports } from "./progress-reports.ts";
import { createPutDownTasks } from "./put-down.ts";
import { createQueueEngine } from "./queue-engine.ts";
import { createQueuePolls, type QueuePolls } from "./queue-polls.ts";
import { createSettleOperation, outcomeRow } from "./settle-operation.ts";
import { createStartDurable } from "./start-durable.ts";
import { createStartPassThrough, type StartPassThrough } from "./start-pass-through.ts";
import { createSweep } from "./sweep.ts";
import { createWatches } from "./watches.ts";

/** What the Nexus routes use besides the {@link Engine} that `/v1` sees. */
export interface NexusEngine extends Engine {
  startPassThrough: StartPassThrough;
  completeOperation: CompleteOperation;
}

/** Rows whose completion will probably come here: their callback is then sent without reading them again. */
const remembered = 10_000;

export function createEngine(context: GatewayContext): NexusEngine {
  const { clock, log, registry, store } = context;
  const working = new Set<Promise<void>>();
  /** Pass-through calls: a drain lets them end too. */
  const passing = createInFlight();
  const recent = new Map<string, OperationRow>();
  let draining = false;

  const background = (work: Promise<void>): void => {
    const done = work
      .catch((error: unknown) => {
        // Its lease ends, and the sweep of some gateway goes on with the row.
        log.error(
          { err: error },
          "work on an operation failed; it is taken up again when its lease ends",
        );
      })
      .finally(() => working.delete(done));
    working.add(done);
  };
  const remember = (operation: NewOperation): void => {
    const { headers, contentHeaders, callbackHeaders } = operation;
    recent.set(operation.id, {
      ...operation,
      headers: unpooled(headers),
      contentHeaders: unpooled(contentHeaders),
      callbackHeaders: callbackHeaders === null ? null : unpooled(callbackHeaders),
      input: Buffer.alloc(0),
    });
    if (recent.size > remembered) {
      const [oldest] = recent.keys();
      if (oldest !== undefined) recent.delete(oldest);
    }
  };

  const identity = createCallerIdentity(context);
  const watches = createWatches(context);
  const inlineWaits = new Map<string, InlineWait>();
  const polls: QueuePolls = createQueuePolls(context, (tasks, queueId) =>
    putDown.giveBack(tasks, queueId),
  );
  const putDown = createPutDownTasks(context, polls);
  const progress = createProgressReports(context);
  const settle = createSettleOperation(context, watches);
  const sendStart = createSendStart(context, identity);
  const sendCancel = createSendCancel(context, identity);
  const sendCallback = createSendCallback(context);
  const deliverOwed = createDeliverOwed(context, sendCallback, sendCancel, putDown);
  const attemptStart = createAttemptStart(context, { sendStart, settle, deliverOwed, putDown });
  const startDurable = createStartDurable(context, {
    attemptStart,
    polls,
    putDown,
    inlineWaits,
    watches,
    background,
    remember,
  });
  const sweep = createSweep(context, {
    attemptStart,
    deliverOwed,
    putDown,
    settle,
    sendCallback,
    background,
  });
  const recall = (id: string): OperationRow | undefined => recent.get(id);
  const queues = createQueueEngine(context, {
    polls,
    handOut: createHandOut(context, identity),
    putDown,
    background,
    progress,
    answers: createAnswerTasks(context, {
      settle,
      deliverOwed,
      putDown,
      progress,
      background,
      recall,
      inlineWaits,
    }),
  });

  return {
    async startDurable(request) {
      assertRunning();
      return startDurable(request);
    },
    startPassThrough: createStartPassThrough(context, { sendStart, passing }),
    completeOperation: createCompleteOperation(context, {
      settle,
      deliverOwed,
      background,
      recall,
    }),
    queues,

    async cancel({ key, id }) {
      const asked = await store.askCancel(key, id);
      if (asked.kind === "unknown") throw notFound(id);
      const { lease, head } = asked;
      if (lease === null || head === null) return;
      const operation = recent.get(id) ?? (await store.operation(id));
      if (operation === undefined) throw new Error(`operation ${id} has a head and no row`);
      background(deliverOwed({ lease, operation, head }));
    },

    async terminate(id, reason) {
      const operation = await store.operation(id);
      if (operation === undefined) throw notFound(id);
      const head = await headOf(operation);
      if (head === undefined || isTerminal(head.state)) throw closed(id, head);
      const failure = meshFailure("failed", "Terminated", "operation was terminated", { reason });
      const outcome = failedOutcome("terminated", failure, head.handlerToken);
      const settled = await settle({
        key: operation.key,
        id,
        holder: null,
        outcome,
        takenInline: false,
        owesCancel: true,
        endpointId: operation.endpointId,
      });
      if (settled.kind === "already") throw closed(id, settled.head);
      if (settled.kind !== "settled") throw notFound(id);
      await dropTask(context, operation, head.targetId);
      if (settled.lease !== null) {
        const row = outcomeRow(operation.key, id, outcome, settled.head.closedAt ?? clock.now());
        background(deliverOwed({ lease: settled.lease, operation, head: settled.head }, row));
      }
    },

    async redrive(id, actor) {
      assertRunning();
      const operation = await store.operation(id);
      if (operation === undefined) throw notFound(id);
      const head = await headOf(operation);
      if (head !== undefined && !isTerminal(head.state)) {
        const lease = await store.redrive(operation.key, id);
        if (lease === null) {
          throw new ApiError(
            "OPERATION_OPEN",
            `operation ${id} is ${head.state}: it goes on by itself`,
            { hint: "Only parked, backing-off or ended operations can be redriven" },
          );
        }
        background(attemptStart({ lease, operation, head }, null));
        return { id, created: false };
      }
      return redriveAnew(operation, actor);
    },

    async redeliverCallback(callbackId) {
      if (!(await store.redeliver(callbackId))) {
        throw new ApiError(
          "CALLBACK_NOT_FOUND",
          `callback ${JSON.stringify(callbackId)} is not known or waits for its operation's end`,
        );
      }
    },

    waitForEnd(ref, ms, signal) {
      // "Not yet" at once, to a client that asks again at once, would go round and round until this gateway is gone.
      assertRunning();
      return watches.wait(ref, ms, signal);
    },

    watch(ref, follower) {
      assertRunning();
      return watches.follow(ref, follower);
    },

    run() {
      sweep.run();
    },

    async drain(ms) {
      draining = true;
      sweep.stop();
      watches.close();
      polls.close();
      const end = clock.monotonic() + ms;
      while (working.size + passing.count > 0 && clock.monotonic() < end) {
        const rest = new Promise<void>((resolve) => {
          setTimeout(resolve, end - clock.monotonic()).unref();
        });
        await Promise.race([Promise.all([...working, passing.none()]), rest]);
      }
      if (working.size > 0)
        log.warn(
          { operations: working.size },
          "drained with work unfinished: another gateway takes it up when its lease ends",
        );
      await polls.stop();
      await progress.flush();
      await store.flush();
    },
  };

  /** A terminal operation is never reopened: a new one, linked to it, with a request id of its own. */
  async function redriveAnew(
    old: OperationRow,
    actor: Parameters<Engine["redrive"]>[1],
  ): Promise<{ id: string; created: boolean }> {
    if (old.contentHeaders.length === 0) {
      throw new ApiError(
        "INVALID_REQUEST",
        `the input of operation ${old.id} never came here: its completion did, before its start's reply`,
        { hint: "Start the operation again with its input" },
      );
    }
    const snapshot = registry.snapshot();
    const endpoint = snapshot.endpointsById.get(old.endpointId);
    const namespace = snapshot.namespacesById.get(old.callerNs);
    if (endpoint === undefined || endpoint.closing)
      throw new ApiError("ENDPOINT_NOT_FOUND", `the endpoint of operation ${old.id} is gone`);
    if (namespace === undefined)
      throw new ApiError(
        "NAMESPACE_NOT_FOUND",
        `the caller namespace of operation ${old.id} is gone`,
      );
    for (let n = 1; ; n += 1) {
      const requestId = `redrive.${old.id}.${n}`;
      const key = executionKey({
        callerNs: old.callerNs,
        endpointId: old.endpointId,
        service: old.service,
        operation: old.operation,
        requestId,
      });
      const earlier = await store.head(key);
      if (earlier !== undefined && isTerminal(earlier.state)) continue;
      if (earlier !== undefined) return { id: earlier.id, created: false };
      const reply = await startDurable({
        caller: { principal: actor.principal, namespace },
        endpoint,
        service: old.service,
        operation: old.operation,
        requestId,
        headers: {
          ...headersFromBytes(old.headers),
          ...headersFromBytes(old.contentHeaders),
          ...(old.priority === null ? {} : { [headerNames.priority]: String(old.priority) }),
        },
        body: old.input,
        callbackUrl: old.callbackUrl,
        callbackHeaders: old.callbackHeaders === null ? {} : await openHeaders(old.callbackHeaders),
        respondAsync: true,
        redriveOf: old.id,
      });
      return { id: reply.id, created: reply.created };
    }
  }

  async function openHeaders(sealed: Buffer): Promise<Record<string, string>> {
    return JSON.parse(Buffer.from(await context.keys.open(sealed.toString())).toString()) as Record<
      string,
      string
    >;
  }

  async function headOf(operation: OperationRow): Promise<Head | undefined> {
    const head = await store.head(operation.key);
    return head?.id === operation.id ? head : undefined;
  }

  function assertRunning(): void {
    if (draining)
      throw new ApiError(
        "DRAINING",
        "this gateway is shutting down; another one answers the same request",
        { headers: { "retry-after": "1" } },
      );
  }
}

function notFound(id: string): ApiError {
  return new ApiError("OPERATION_NOT_FOUND", `operation ${JSON.stringify(id)} is not known`);
}

function closed(id: string, head: Head | undefined): ApiError {
  return new ApiError(
    "OPERATION_CLOSED",
    `operation ${id} has ended${head === undefined ? "" : ` as ${head.state}`}`,
    { members: { operationId: id } },
  );
}

/** As a slice of Node's pool a few bytes would keep 8 KiB: 80 MiB for all that is remembered. */
function unpooled(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
