import {
  json,
  listQuery,
  noContent,
  nullableTime,
  pageOf,
  pathOf,
  time,
  uuid,
} from "./parameters.ts";
import { problems } from "./problem.ts";

const tags = ["callbacks"];
const callbackId = {
  type: "string",
  minLength: 1,
  maxLength: 200,
  examples: ["01981f6e-7c1a-7e2b-8d3c-4e5f60718293.3b1f0c9d"],
} as const;
const params = pathOf({ callbackId });
const states = ["waiting", "due", "delivered", "parked"] as const;
const state = { type: "string", enum: states } as const;
const example = {
  id: "01981f6e-7c1a-7e2b-8d3c-4e5f60718293.3b1f0c9d",
  operationId: "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
  url: "https://storefront.example.com/callbacks",
  state: "due",
  attempts: 3,
  createdAt: "2026-08-14T09:30:00.000Z",
  nextAttemptAt: "2026-08-14T09:31:00.000Z",
  lastStatus: 503,
  lastError: "the receiver answered 503",
};

export const Callback = {
  $id: "Callback",
  type: "object",
  required: [
    "id",
    "operationId",
    "url",
    "state",
    "attempts",
    "createdAt",
    "nextAttemptAt",
    "lastStatus",
    "lastError",
  ],
  properties: {
    id: callbackId,
    operationId: uuid,
    url: { type: "string", description: "Without its query, which may hold a secret." },
    state: {
      ...state,
      description:
        "A parked one is kept for as long as its operation (30 days unless the mesh is set otherwise) and can be redelivered until then.",
    },
    attempts: { type: "integer" },
    createdAt: time,
    nextAttemptAt: nullableTime,
    lastStatus: { type: ["integer", "null"] },
    lastError: { type: ["string", "null"] },
  },
  examples: [example],
} as const;

export const callbackSchemas = [Callback, pageOf("CallbackList", "Callback", example)];

export const listCallbacks = {
  method: "GET",
  url: "/v1/callbacks",
  schema: {
    operationId: "listCallbacks",
    summary: "List callbacks that were not delivered at once",
    tags,
    querystring: listQuery({ state }),
    response: { 200: json("CallbackList", "Newest first."), ...problems("INVALID_CURSOR") },
  },
} as const;

export const getCallback = {
  method: "GET",
  url: "/v1/callbacks/:callbackId",
  schema: {
    operationId: "getCallback",
    summary: "One callback",
    tags,
    params,
    response: { 200: json("Callback", "The callback."), ...problems("CALLBACK_NOT_FOUND") },
  },
} as const;

export const redeliverCallback = {
  method: "POST",
  url: "/v1/callbacks/:callbackId/redeliver",
  schema: {
    operationId: "redeliverCallback",
    summary: "Deliver a callback again now",
    tags,
    params,
    response: { 202: noContent("It is due now."), ...problems("CALLBACK_NOT_FOUND") },
  },
} as const;
