import { contentHeaders } from "@nexus-mesh/sdk/protocol/content";
import {
  handlerErrorFailureType,
  operationErrorFailureType,
  parseFailure,
} from "@nexus-mesh/sdk/protocol/failure";
import { firstValues, headerNames } from "@nexus-mesh/sdk/protocol/headers";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError } from "../../api-error.ts";
import { readStartReply } from "../../dispatch/start-attempt.ts";
import type { Engine } from "../../engine.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { TaskFailure } from "../../operations/answer-tasks.ts";
import type { TaskClaims } from "../../operations/task-token.ts";
import { rawBody } from "../raw-body.ts";
import { assertLinks } from "../start-headers.ts";
import type { Route } from "../route.ts";
import { callerOf, isAdmin } from "./caller.ts";
import { progressBytes } from "./progress.ts";
import * as schemas from "./schemas/queues.ts";

const releasedAtOnce = 4;

/** What workers answer. The lease in the task's token decides; the credential only says whose workers may use it. */
export function registerTasks(app: FastifyInstance, context: GatewayContext, engine: Engine): void {
  app.route<Route<"heartbeatTasks">>({
    ...schemas.heartbeatTasks,
    handler: async (request) => {
      const { worker, tasks } = request.body;
      // All of it is checked before the first is begun.
      const beats = tasks.map(({ token, progress }, at) => ({
        task: verified(request, token, `/tasks/${at}/token`),
        progress:
          progress === undefined ? null : progressBytes(context, progress, `/tasks/${at}/progress`),
      }));
      for (const { task } of beats) engine.queues.seen(task.queueId, worker);
      return {
        tasks: await Promise.all(
          beats.map(({ task, progress }) => engine.queues.heartbeat(task, progress)),
        ),
      };
    },
  });

  app.route<Route<"startTask">>({
    ...schemas.startTask,
    handler: async (request, reply) => {
      const task = shown(request);
      await engine.queues.start(task, request.body.operationToken, linksOf(request));
      return reply.code(204).send();
    },
  });

  app.route<Route<"releaseTasks">>({
    ...schemas.releaseTasks,
    handler: async (request) => {
      const claims = request.body.tokens.map((token, at) =>
        verified(request, token, `/tokens/${at}`),
      );
      const states: ("released" | "lost")[] = [];
      // Each reads its operation: a few at a time leave connections to others.
      for (let at = 0; at < claims.length; at += releasedAtOnce) {
        const some = claims.slice(at, at + releasedAtOnce);
        states.push(...(await Promise.all(some.map((task) => engine.queues.release(task)))));
      }
      return { tasks: states.map((state) => ({ state })) };
    },
  });

  void app.register((raw, _options, done) => {
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser(
      "*",
      { parseAs: "buffer", bodyLimit: context.options.maxPayloadBytes },
      (_request, body, parsed) => {
        parsed(null, body);
      },
    );

    raw.route<Route<"completeTask">>({
      ...schemas.completeTask,
      handler: async (request, reply) => {
        const content = contentHeaders(firstValues(request.raw.rawHeaders));
        const task = shown(request);
        await engine.queues.complete(task, content, rawBody(request), linksOf(request));
        return reply.code(204).send();
      },
    });

    raw.route<Route<"failTask">>({
      ...schemas.failTask,
      handler: async (request, reply) => {
        const task = shown(request);
        await engine.queues.fail(task, readFailure(rawBody(request)));
        return reply.code(204).send();
      },
    });
    done();
  });

  function shown(request: FastifyRequest): TaskClaims {
    const text = firstValues(request.raw.rawHeaders)[headerNames.taskToken] ?? "";
    return verified(request, text, `header:${headerNames.taskToken}`);
  }

  function verified(request: FastifyRequest, token: string, pointer: string): TaskClaims {
    const caller = callerOf(request);
    const task = engine.queues.verify(token);
    // Another namespace's is none.
    if (task !== undefined && (isAdmin(caller) || caller.namespace?.id === task.ownerNs))
      return task;
    throw new ApiError("INVALID_TASK_TOKEN", "the task token is not one for this namespace", {
      hint: "Send the Nexus-Mesh-Task-Token that came with the task",
      violations: [{ pointer, rule: "signature", detail: "must be the token of a task" }],
    });
  }
}

function linksOf(request: FastifyRequest): string | undefined {
  const links = firstValues(request.raw.rawHeaders)[headerNames.link];
  assertLinks(links);
  return links;
}

function readFailure(body: Buffer): TaskFailure {
  const type = parseFailure(body)?.metadata?.["type"];
  if (type !== operationErrorFailureType && type !== handlerErrorFailureType) {
    const detail = `must be a Nexus Failure whose metadata.type is ${operationErrorFailureType} or ${handlerErrorFailureType}`;
    throw new ApiError("INVALID_REQUEST", `the body ${detail}`, {
      violations: [{ pointer: "", rule: "failure", detail }],
    });
  }
  const read = readStartReply({
    status: type === operationErrorFailureType ? 424 : 500,
    headers: { "content-type": "application/json" },
    body,
  });
  if (read.kind === "succeeded" || read.kind === "started")
    throw new Error("a failure was read as a success");
  return read;
}
