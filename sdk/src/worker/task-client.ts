import type { Dispatcher } from "undici";
import { createAdminClient, AdminError, ConnectionFailed, type AdminReply } from "../admin.ts";
import { formatDuration } from "../protocol/duration.ts";
import { headerNames } from "../protocol/headers.ts";
import { decodeTaskBatch, type TaskMessage } from "../protocol/task-batch.ts";
import type { Progress } from "../progress.ts";

export type TaskAnswer =
  | {
      readonly kind: "complete";
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
    }
  | { readonly kind: "fail"; readonly failure: Uint8Array }
  | {
      readonly kind: "start";
      readonly headers: Readonly<Record<string, string>>;
      readonly operationToken: string;
    };

export interface TaskClientOptions {
  readonly url: string;
  readonly token: string | (() => string | Promise<string>);
  readonly namespace: string;
  readonly queue: string;
  readonly worker: string;
  readonly leaseMs: number;
  readonly dispatcher?: Dispatcher | undefined;
}

/** The routes of workers; each call goes to whichever gateway answers at the URL. */
export interface TaskClient {
  poll(limit: number, waitMs: number, signal: AbortSignal): Promise<TaskMessage[]>;
  heartbeat(
    tasks: readonly { readonly token: string; readonly progress?: Progress }[],
  ): Promise<AdminReply<"heartbeatTasks">["tasks"]>;
  answer(token: string, answer: TaskAnswer): Promise<void>;
  release(tokens: readonly string[]): Promise<void>;
}

const requestTimeoutMs = 10_000;

export function createTaskClient(options: TaskClientOptions): TaskClient {
  const { namespace, queue, worker } = options;

  async function admin() {
    const token = typeof options.token === "string" ? options.token : await options.token();
    return createAdminClient({
      url: options.url,
      token,
      ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
    });
  }

  return {
    async poll(limit, waitMs, signal) {
      const reply = await (
        await admin()
      ).callRaw("pollQueue", {
        path: { namespace, queue },
        query: { wait: formatDuration(waitMs) },
        headers: { "content-type": "application/json" },
        body: Buffer.from(
          JSON.stringify({ worker, limit, lease: formatDuration(options.leaseMs) }),
        ),
        signal,
        timeoutMs: waitMs + requestTimeoutMs,
      });
      return reply.status === 204
        ? []
        : decodeTaskBatch(reply.headers["content-type"] ?? "", reply.body);
    },

    async heartbeat(tasks) {
      const reply = await (
        await admin()
      ).call("heartbeatTasks", {
        body: { worker, tasks: tasks.map((task) => ({ ...task })) },
        timeoutMs: requestTimeoutMs,
      });
      return reply.tasks;
    },

    async answer(token, answer) {
      const client = await admin();
      const task = { [headerNames.taskToken]: token };
      switch (answer.kind) {
        case "complete":
          await client.callRaw("completeTask", {
            headers: { ...answer.headers, ...task },
            body: answer.body,
            timeoutMs: requestTimeoutMs,
          });
          return;
        case "fail":
          await client.callRaw("failTask", {
            headers: { "content-type": "application/json", ...task },
            body: answer.failure,
            timeoutMs: requestTimeoutMs,
          });
          return;
        case "start":
          await client.call("startTask", {
            headers: { ...answer.headers, [headerNames.taskToken]: token },
            body: { operationToken: answer.operationToken },
            timeoutMs: requestTimeoutMs,
          });
      }
    },

    async release(tokens) {
      await (
        await admin()
      ).call("releaseTasks", { body: { tokens: [...tokens] }, timeoutMs: requestTimeoutMs });
    },
  };
}

/** Worth another try: nothing was said about the task. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionFailed) return true;
  // 408 and 429 of something in between have no problem document that says so.
  return error instanceof AdminError && (error.retryable || [401, 408, 429].includes(error.status));
}

/** What was sent would be refused each time; neither the lease nor the credential is at fault. */
export function isRefusal(error: unknown): error is AdminError {
  if (!(error instanceof AdminError) || isPassing(error)) return false;
  if (error.status < 400 || error.status >= 500 || error.status === 403) return false;
  return error.code !== "LEASE_LOST" && error.code !== "INVALID_TASK_TOKEN";
}
