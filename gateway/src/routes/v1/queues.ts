import { randomBytes } from "node:crypto";
import { encodeTaskBatch } from "@nexus-mesh/sdk/protocol/task-batch";
import type { Namespace, Queue } from "@nexus-mesh/registry/registry";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { QueueState } from "../../operations/queue-engine.ts";
import { closedSignal } from "../closed-signal.ts";
import { sendPayload } from "../payload.ts";
import type { Route, Schema } from "../route.ts";
import { actorOf, assertActsFor, callerOf } from "./caller.ts";
import { readDuration, writeDuration } from "./duration-field.ts";
import { findNamespace } from "./lookup.ts";
import { pageOfAll, pages, timeOrder } from "./page.ts";
import * as schemas from "./schemas/queues.ts";
import { iso } from "./visible-operation.ts";

const wait = { minMs: 0, maxMs: 60_000 };
const lease = { minMs: 1_000, maxMs: 3_600_000 };
const defaultLeaseMs = 30_000;

export function registerQueues(
  app: FastifyInstance,
  context: GatewayContext,
  engine: Engine,
): void {
  const { keys, registry } = context;

  app.route<Route<"listQueues">>({
    ...schemas.listQueues,
    handler: async (request) => {
      const caller = callerOf(request);
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(caller, namespace);
      const own = [...registry.snapshot().queuesById.values()].filter(
        ({ namespaceId }) => namespaceId === namespace.id,
      );
      const paging = pages(keys, caller, "queues", namespace.name);
      const page = await pageOfAll(own, order, request.query, paging);
      const states = await engine.queues.states(page.items.map(({ id }) => id));
      return {
        ...page,
        items: page.items.map((queue) => queueJson(namespace, queue, states.get(queue.id))),
      };
    },
  });

  app.route<Route<"getQueue">>({
    ...schemas.getQueue,
    handler: async (request) => {
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(callerOf(request), namespace);
      const queue = findQueue(namespace, request.params.queue);
      const states = await engine.queues.states([queue.id]);
      return queueJson(namespace, queue, states.get(queue.id));
    },
  });

  app.route<Route<"deleteQueue">>({
    ...schemas.deleteQueue,
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(caller, namespace);
      const name = request.params.queue;
      if (!(await registry.deleteQueue(namespace.id, name, actorOf(caller))))
        throw unknownQueue(namespace, name);
      return reply.code(204).send();
    },
  });

  app.route<Route<"pollQueue">>({
    ...schemas.pollQueue,
    handler: async (request, reply) => {
      const namespace = findNamespace(context, request.params.namespace);
      assertActsFor(callerOf(request), namespace);
      const { worker, limit = 1, lease: leaseText } = request.body;
      const { wait: waitText } = request.query;
      const { tasks, undelivered } = await engine.queues.poll({
        queueId: findQueue(namespace, request.params.queue).id,
        worker,
        limit,
        leaseMs:
          leaseText === undefined ? defaultLeaseMs : readDuration("/lease", leaseText, lease),
        waitMs: waitText === undefined ? 0 : readDuration("query:wait", waitText, wait),
        signal: closedSignal(request, reply),
      });
      if (tasks.length === 0) return reply.code(204).send();
      onceUnsent(request, reply, undelivered);
      const batch = encodeTaskBatch(tasks, randomBytes(16).toString("hex"));
      reply.header("content-type", batch.contentType);
      return sendPayload(reply.code(200), batch.body);
    },
  });

  function findQueue(namespace: Namespace, name: string): Queue {
    for (const queue of registry.snapshot().queuesById.values())
      if (queue.namespaceId === namespace.id && queue.name === name) return queue;
    throw unknownQueue(namespace, name);
  }

  function queueJson(
    namespace: Namespace,
    queue: Queue,
    state: QueueState | undefined,
  ): Schema<"Queue"> {
    const { namespacesById } = registry.snapshot();
    const oldest = state?.oldestAgeMs ?? null;
    return {
      name: queue.name,
      namespace: namespace.name,
      depth: state?.depth ?? 0,
      countedAll: state?.countedAll ?? true,
      oldestAge: oldest === null ? null : writeDuration(oldest),
      callers: (state?.callers ?? []).map(({ callerNs, depth, countedAll, oldestAgeMs }) => ({
        namespace: namespacesById.get(callerNs)?.name ?? null,
        depth,
        countedAll,
        oldestAge: writeDuration(oldestAgeMs),
      })),
      workers: (state?.workers ?? []).map(({ worker, seenAt }) => ({
        worker,
        seenAt: iso(seenAt),
      })),
      createdAt: queue.createdAt.toISOString(),
    };
  }
}

function unknownQueue(namespace: Namespace, name: string): ApiError {
  return new ApiError(
    "QUEUE_NOT_FOUND",
    `namespace ${namespace.name} has no queue ${JSON.stringify(name)}`,
  );
}

/** Node says "finish" also of a response whose socket is gone; and it closes the socket of a finished one by itself. */
function onceUnsent(request: FastifyRequest, reply: FastifyReply, listener: () => void): void {
  const { socket } = request.raw;
  let sent = false;
  reply.raw.prependOnceListener("finish", () => {
    sent = !socket.destroyed;
  });
  reply.raw.once("close", () => {
    if (!sent) listener();
  });
}

function order(queue: Queue): string {
  return timeOrder(queue.createdAt, queue.id);
}
