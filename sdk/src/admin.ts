import type { operations } from "@nexus-mesh/openapi/types";
import type { Dispatcher } from "undici";
import { AdminError } from "./admin/admin-error.ts";
import { adminRoutes, type AdminOperationId } from "./admin/routes.ts";
import type { GatewayAccess } from "./gateway-access.ts";
import { httpExchange, type HttpReply } from "./http-exchange.ts";
import { headerNames } from "./protocol/headers.ts";
import { encodeSegment } from "./protocol/path.ts";
import { awaitResult } from "./watch/await-result.ts";
import {
  watchOperation,
  type OperationEvents,
  type WatchOptions,
} from "./watch/watch-operation.ts";

export { AdminError } from "./admin/admin-error.ts";
export { ConnectionFailed, InvalidRequest } from "./http-exchange.ts";
export type {
  AttemptEvent,
  BlockedEvent,
  OperationEvent,
  OutcomeEvent,
  ProgressEvent,
  StateEvent,
} from "./watch/operation-event.ts";
export type { OperationEvents, WatchOptions } from "./watch/watch-operation.ts";
export type { AdminOperationId } from "./admin/routes.ts";

type Of<T, K extends string> = K extends keyof T ? T[K] : undefined;
type Parameters<Id extends AdminOperationId> = operations[Id]["parameters"];
type JsonOf<T> = T extends { content: { "application/json": infer J } } ? J : never;
type Success = 200 | 201 | 202 | 204;
type Replies<Id extends AdminOperationId> = operations[Id]["responses"];

type Part<Name extends string, T> = [NonNullable<T>] extends [never]
  ? unknown
  : undefined extends T
    ? { readonly [N in Name]?: NonNullable<T> }
    : { readonly [N in Name]: T };

/** What a call sends besides its operation: path, query, headers and body as the API document has them. */
export type AdminRequest<Id extends AdminOperationId> = Part<"path", Of<Parameters<Id>, "path">> &
  Part<"query", Of<Parameters<Id>, "query">> &
  Part<"headers", Of<Parameters<Id>, "header">> &
  Part<"body", JsonOf<Of<operations[Id], "requestBody">>> & {
    readonly signal?: AbortSignal;
    /** In ms; default 90,000, which is longer than the longest `wait`. */
    readonly timeoutMs?: number;
  };

/** The JSON of a successful reply; `undefined` where the API answers without a body. */
export type AdminReply<Id extends AdminOperationId> = {
  [S in keyof Replies<Id> & Success]: [JsonOf<Replies<Id>[S]>] extends [never]
    ? undefined
    : JsonOf<Replies<Id>[S]>;
}[keyof Replies<Id> & Success];

export interface AdminClientOptions {
  /** The gateway's public URL. */
  readonly url: string;
  readonly token: string;
  /** For a token that acts for several namespaces. */
  readonly namespace?: string | undefined;
  readonly dispatcher?: Dispatcher;
}

export interface AdminClient {
  /**
   * Calls one operation of the `/v1` API by its operationId; request and reply are typed from the OpenAPI document.
   * @throws AdminError when the API refuses; ConnectionFailed when it can't be reached.
   * @example
   * const { items } = await admin.call("listEndpoints", { query: { limit: 50 } });
   */
  call<Id extends AdminOperationId>(
    operationId: Id,
    request: AdminRequest<Id>,
  ): Promise<AdminReply<Id>>;
  /** The same with the reply as it came (status, headers, bytes), and a raw body: starts and results. Refusals throw too. */
  callRaw(operationId: AdminOperationId, request: RawRequest): Promise<HttpReply>;
  /**
   * The events of one operation until its outcome, across reconnects: what `handle.watch()` of the client is for callers.
   * @throws AdminError for an answer that is final; the signal's reason.
   */
  watchOperation(operationId: string, options?: WatchOptions): OperationEvents;
  /**
   * Waits for the end of one operation, across reconnects, and returns its result as it came: 200, 424 for a failure, or
   * 202 when it goes on after `timeoutMs`.
   * @throws AdminError for an answer that is final; what the last try met when the time ends without an answer.
   */
  awaitResult(
    operationId: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<HttpReply>;
}

export interface RawRequest {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** For what admins and owners do: namespaces, tokens, endpoints, grants, and the operations of a namespace. */
export function createAdminClient(options: AdminClientOptions): AdminClient {
  const base = options.url.replace(/\/+$/, "");

  function credentials(): Record<string, string> {
    return {
      authorization: `Bearer ${options.token}`,
      ...(options.namespace === undefined ? {} : { [headerNames.namespace]: options.namespace }),
    };
  }

  const access: GatewayAccess = {
    base,
    headers: credentials,
    retry: undefined,
    requestTimeoutMs: 30_000,
    dispatcher: options.dispatcher,
    refusal: (reply) => new AdminError(reply),
  };

  async function callRaw(operationId: AdminOperationId, request: RawRequest): Promise<HttpReply> {
    const [method, template] = adminRoutes[operationId];
    const path = template.replace(/\{(\w+)\}/g, (_whole, name: string) => {
      const value = request.path?.[name];
      if (value === undefined)
        throw new TypeError(`${operationId} needs the path parameter ${name}`);
      return encodeSegment(value);
    });
    const headers = credentials();
    for (const [name, value] of Object.entries(request.headers ?? {}))
      if (value !== undefined) headers[name] = value;
    const reply = await httpExchange({
      method,
      url: base + path + queryOf(request.query ?? {}),
      headers,
      body: request.body,
      timeoutMs: request.timeoutMs ?? 90_000,
      signal: request.signal,
      dispatcher: options.dispatcher,
    });
    // 424 is an operation's failure, not the API's.
    if (reply.status >= 400 && reply.status !== 424) throw new AdminError(reply);
    return reply;
  }

  return {
    callRaw,
    watchOperation: (operationId, watch) => watchOperation(access, operationId, watch),
    async awaitResult(operationId, wait) {
      const reply = await awaitResult(access, operationId, wait);
      if (![200, 202, 424].includes(reply.status)) throw new AdminError(reply);
      return reply;
    },
    async call<Id extends AdminOperationId>(
      operationId: Id,
      request: AdminRequest<Id>,
    ): Promise<AdminReply<Id>> {
      const { body, headers, ...rest } = request as RawRequest & { readonly body?: unknown };
      const reply = await callRaw(operationId, {
        ...rest,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
      });
      // The one place where JSON of the API enters; its shape is the document's, which the gateway's routes are checked against.
      return (
        reply.body.length === 0 ? undefined : JSON.parse(reply.body.toString())
      ) as AdminReply<Id>;
    },
  };
}

function queryOf(
  query: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (typeof value === "object") for (const one of value) parameters.append(name, one);
    else parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}
