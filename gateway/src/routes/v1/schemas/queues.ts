import {
  actingNamespace,
  duration,
  json,
  listQuery,
  namespaceName,
  noContent,
  pageOf,
  pathOf,
  queueName,
  time,
} from "./parameters.ts";
import { problems } from "./problem.ts";
import { ProgressInput } from "./progress.ts";

const tags = ["queues"];
const worker = {
  type: "string",
  pattern: "^[\\x20-\\x7e]{1,200}$",
  description:
    "Names the worker's process, for people: 1 to 200 printable ASCII characters. The 1,000 seen last are remembered.",
  examples: ["reports-7f9c/4711"],
} as const;
const age = {
  type: ["string", "null"],
  description: "Since the oldest operation that waits was started; null: nothing waits.",
  examples: ["12s"],
} as const;
const depth = {
  type: "integer",
  description:
    "Tasks that wait for a worker, counted up to 100,000 for each caller; more than 10,000 are counted every 5 s.",
} as const;
const countedAll = { type: "boolean", description: "false: there are more than `depth`." } as const;
const example = {
  name: "reports",
  namespace: "insights",
  depth: 3,
  countedAll: true,
  oldestAge: "12s",
  callers: [{ namespace: "storefront", depth: 3, countedAll: true, oldestAge: "12s" }],
  workers: [{ worker: "reports-7f9c/4711", seenAt: "2026-08-14T09:30:00.000Z" }],
  createdAt: "2026-08-14T09:30:00.000Z",
};

const Queue = {
  $id: "Queue",
  type: "object",
  required: Object.keys(example),
  properties: {
    name: queueName,
    namespace: namespaceName,
    depth,
    countedAll,
    oldestAge: age,
    callers: {
      type: "array",
      description: "Of whom something waits, the most first.",
      items: {
        type: "object",
        required: ["namespace", "depth", "countedAll", "oldestAge"],
        properties: {
          namespace: { type: ["string", "null"], description: "null: deleted." },
          depth,
          countedAll,
          oldestAge: { ...age, type: "string" },
        },
      },
    },
    workers: {
      type: "array",
      description: "Seen within the last 30 s, on any gateway.",
      items: {
        type: "object",
        required: ["worker", "seenAt"],
        properties: { worker, seenAt: time },
      },
    },
    createdAt: time,
  },
  examples: [example],
} as const;

const PollInput = {
  $id: "PollInput",
  type: "object",
  required: ["worker"],
  additionalProperties: false,
  properties: {
    worker,
    limit: {
      type: "integer",
      minimum: 1,
      maximum: 100,
      description: "Tasks at most: the worker's free slots. 1 unless set.",
    },
    lease: {
      ...duration,
      description:
        "How long a task is the worker's without a heartbeat: 30 s unless set, 1 s to 1 h.",
    },
  },
  examples: [{ worker: "reports-7f9c/4711", limit: 5, lease: "30s" }],
} as const;

const token = {
  type: "string",
  minLength: 1,
  maxLength: 500,
  description: "The task's `Nexus-Mesh-Task-Token`.",
  examples: ["q2mGr0…"],
} as const;

const HeartbeatInput = {
  $id: "HeartbeatInput",
  type: "object",
  required: ["worker", "tasks"],
  additionalProperties: false,
  properties: {
    worker,
    tasks: {
      type: "array",
      maxItems: 200,
      items: {
        type: "object",
        required: ["token"],
        additionalProperties: false,
        properties: { token, progress: { $ref: "ProgressInput#" } },
      },
    },
  },
  examples: [
    {
      worker: "reports-7f9c/4711",
      tasks: [{ token: "q2mGr0…", progress: { step: 2, of: 5, message: "reading" } }],
    },
  ],
} as const;

const Heartbeats = {
  $id: "Heartbeats",
  type: "object",
  required: ["tasks"],
  properties: {
    tasks: {
      type: "array",
      description: "In the order of the request.",
      items: {
        type: "object",
        required: ["state", "cancelRequested"],
        properties: {
          state: {
            type: "string",
            enum: ["held", "lost"],
            description: "lost: it has ended, or another worker has it.",
          },
          cancelRequested: { type: "boolean" },
        },
      },
    },
  },
  examples: [{ tasks: [{ state: "held", cancelRequested: false }] }],
} as const;

const StartTaskInput = {
  $id: "StartTaskInput",
  type: "object",
  required: ["operationToken"],
  additionalProperties: false,
  properties: {
    operationToken: {
      type: "string",
      pattern: "^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$",
      maxLength: 4000,
      description: "The worker's own name for it; a cancel brings it back.",
    },
  },
  examples: [{ operationToken: "run-4711" }],
} as const;

const ReleaseInput = {
  $id: "ReleaseInput",
  type: "object",
  required: ["tokens"],
  additionalProperties: false,
  properties: { tokens: { type: "array", maxItems: 200, items: token } },
  examples: [{ tokens: ["q2mGr0…"] }],
} as const;

const Released = {
  $id: "Released",
  type: "object",
  required: ["tasks"],
  properties: {
    tasks: {
      type: "array",
      description: "In the order of the request.",
      items: {
        type: "object",
        required: ["state"],
        properties: { state: { type: "string", enum: ["released", "lost"] } },
      },
    },
  },
  examples: [{ tasks: [{ state: "released" }] }],
} as const;

export const queueSchemas = [
  Queue,
  pageOf("QueueList", "Queue", example),
  PollInput,
  ProgressInput,
  HeartbeatInput,
  Heartbeats,
  StartTaskInput,
  ReleaseInput,
  Released,
];

const params = pathOf({ namespace: namespaceName, queue: queueName });

export const listQueues = {
  method: "GET",
  url: "/v1/namespaces/:namespace/queues",
  schema: {
    operationId: "listQueues",
    summary: "List a namespace's queues",
    tags,
    params: pathOf({ namespace: namespaceName }),
    querystring: listQuery(),
    response: {
      200: json("QueueList", "Newest first."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "INVALID_CURSOR"),
    },
  },
} as const;

export const getQueue = {
  method: "GET",
  url: "/v1/namespaces/:namespace/queues/:queue",
  schema: {
    operationId: "getQueue",
    summary: "One queue: what waits, since when, of whom, and who works",
    tags,
    params,
    response: {
      200: json("Queue", "The queue."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "QUEUE_NOT_FOUND"),
    },
  },
} as const;

export const deleteQueue = {
  method: "DELETE",
  url: "/v1/namespaces/:namespace/queues/:queue",
  schema: {
    operationId: "deleteQueue",
    summary: "Delete a queue",
    description:
      "Refused while an endpoint points at it, tasks wait in it, or operations that came through it are open.",
    tags,
    params,
    response: {
      204: noContent("It is gone."),
      ...problems("INVALID_NAME", "NAMESPACE_NOT_FOUND", "QUEUE_NOT_FOUND", "IN_USE"),
    },
  },
} as const;

export const pollQueue = {
  method: "POST",
  url: "/v1/namespaces/:namespace/queues/:queue/poll",
  schema: {
    operationId: "pollQueue",
    summary: "Take tasks of a queue, or wait for them",
    description:
      "`multipart/mixed`, a part for each task, each with its `Content-Length`: the headers and the body of the Nexus request that it stands for (a start, or with a path that ends in `/cancel` a cancel), `Nexus-Mesh-Task-Path`, `-Lease` and `-Attempt`, and the `Nexus-Mesh-Task-Token` that its answer needs. A task is the worker's for its lease, which heartbeats renew.",
    tags,
    params,
    querystring: {
      type: "object",
      additionalProperties: false,
      properties: {
        wait: { ...duration, description: "How long to wait for the first task, at most `60s`." },
      },
    },
    body: { $ref: "PollInput#" },
    response: {
      200: {
        description: "Tasks, one at least.",
        content: { "multipart/mixed": { schema: { type: "string", format: "binary" } } },
      },
      204: { description: "Nothing came.", type: "null" },
      ...problems(
        "INVALID_NAME",
        "INVALID_TIMEOUT",
        "NAMESPACE_NOT_FOUND",
        "QUEUE_NOT_FOUND",
        "DRAINING",
        "PAYLOAD_TOO_LARGE",
      ),
    },
  },
} as const;

export const heartbeatTasks = {
  method: "POST",
  url: "/v1/tasks/heartbeat",
  schema: {
    operationId: "heartbeatTasks",
    summary: "Keep leases, report progress, hear of cancels",
    description:
      "To any gateway. Progress is written once a second at most, the newest of what came meanwhile.",
    tags,
    body: { $ref: "HeartbeatInput#" },
    response: {
      200: json("Heartbeats", "How it stands with each."),
      ...problems("INVALID_TASK_TOKEN", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

const tokenHeader = {
  type: "object",
  required: ["nexus-mesh-task-token"],
  properties: { "nexus-mesh-task-token": token, ...actingNamespace },
};
const answered = { description: "Taken, and committed.", type: "null" } as const;

export const completeTask = {
  method: "POST",
  url: "/v1/tasks/complete",
  schema: {
    operationId: "completeTask",
    summary: "Answer a task with its result",
    description:
      "The body is the result, any bytes with their `Content-*` headers; of a cancel it is empty.",
    tags,
    consumes: ["*/*"],
    headers: tokenHeader,
    response: {
      204: answered,
      ...problems("INVALID_TASK_TOKEN", "LEASE_LOST", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

export const failTask = {
  method: "POST",
  url: "/v1/tasks/fail",
  schema: {
    operationId: "failTask",
    summary: "Answer a task with a failure",
    description:
      "The body is a whole Nexus Failure: `nexus.OperationError` ends the operation, `nexus.HandlerError` too unless it is retryable.",
    tags,
    consumes: ["application/json"],
    headers: tokenHeader,
    response: {
      204: answered,
      ...problems("INVALID_TASK_TOKEN", "LEASE_LOST", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

export const startTask = {
  method: "POST",
  url: "/v1/tasks/start",
  schema: {
    operationId: "startTask",
    summary: "Answer a task: it goes on by itself",
    description:
      "The lease ends here. Its end is reported as a completion, with the callback headers that came with the task, from anywhere.",
    tags,
    headers: tokenHeader,
    body: { $ref: "StartTaskInput#" },
    response: {
      204: answered,
      ...problems("INVALID_TASK_TOKEN", "LEASE_LOST", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;

export const releaseTasks = {
  method: "POST",
  url: "/v1/tasks/release",
  schema: {
    operationId: "releaseTasks",
    summary: "Give tasks back unfinished",
    tags,
    body: { $ref: "ReleaseInput#" },
    response: {
      200: json("Released", "How it stands with each."),
      ...problems("INVALID_TASK_TOKEN", "PAYLOAD_TOO_LARGE"),
    },
  },
} as const;
