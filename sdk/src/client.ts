import { randomUUID } from "node:crypto";
import {
  HandlerError,
  OperationError,
  type OperationInput,
  type OperationKey,
  type OperationMap,
  type OperationOutput,
  type ServiceDefinition,
} from "nexus-rpc";
import type { Dispatcher } from "undici";
import { ConnectionFailed, httpExchange, type HttpReply } from "./http-exchange.ts";
import { contentHeaders, deserialize, serialize } from "./protocol/content.ts";
import { formatDuration } from "./protocol/duration.ts";
import { decodeErrorResponse } from "./protocol/failure-response.ts";
import { failureToError, parseFailure } from "./protocol/failure.ts";
import { headerNames } from "./protocol/headers.ts";
import { formatLink } from "./protocol/links.ts";
import { cancelPath, encodeSegment, startPath } from "./protocol/path.ts";
import { decodeStartResponse } from "./protocol/start-response.ts";
import { withRetries, type RetryOptions } from "./retry.ts";

export interface NexusClientOptions {
  /** The gateway's public URL. */
  readonly url: string;
  /** A mesh token, or a function that gives the current one. */
  readonly token: string | (() => string | Promise<string>);
  /** For a token that acts for several namespaces: the one that calls. */
  readonly namespace?: string;
  /** Of requests that may be repeated: 503, 429, 520, refused and reset connections. */
  readonly retry?: RetryOptions;
  /** One HTTP request, in ms. Default 30,000. */
  readonly requestTimeoutMs?: number;
  readonly dispatcher?: Dispatcher;
}

export interface StartOptions {
  /** Deduplicates: the same id with the same input attaches to the first execution. Default: a random UUID. */
  readonly requestId?: string;
  /** The whole operation, in ms. Default: the endpoint's, 24 h unless set. */
  readonly scheduleToCloseMs?: number;
  /** Until the handler has started it, in ms. */
  readonly scheduleToStartMs?: number;
  /** From the handler's start on, in ms. */
  readonly startToCloseMs?: number;
  /** Where the completion is delivered, signed; see `callback-receiver`. */
  readonly callbackUrl?: string;
  /** Sent back with the completion. */
  readonly callbackHeaders?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly links?: readonly { readonly url: string | URL; readonly type: string }[];
  /** Ends the requests of this call, not the operation. */
  readonly signal?: AbortSignal;
}

export interface ResultOptions {
  /** How long to wait, in ms. Default: for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The wait ended before the operation did. */
export class StillRunning extends Error {
  override readonly name = "StillRunning";
  readonly operationId: string;

  constructor(operationId: string) {
    super(`operation ${operationId} is still running`);
    this.operationId = operationId;
  }
}

export interface OperationHandle<Output> {
  /** Names the operation: to the API, the CLI and `client.handle`. */
  readonly operationId: string;
  /**
   * Waits for the end by long polls.
   * @throws OperationError failed or canceled; HandlerError when the handler refused it; StillRunning after `timeoutMs`.
   */
  result(options?: ResultOptions): Promise<Output>;
  /** Asks the handler to cancel; resolves when the mesh has recorded it. The operation may still succeed. */
  cancel(options?: { readonly signal?: AbortSignal }): Promise<void>;
}

export interface ServiceClient<Ops extends OperationMap> {
  /** Starts and waits for the result; a handler that answers at once costs one request. Errors: as `start` and `result`. */
  execute<K extends OperationKey<Ops>>(
    operation: K,
    input: OperationInput<Ops[K]>,
    options?: StartOptions & { readonly timeoutMs?: number },
  ): Promise<OperationOutput<Ops[K]>>;
  /**
   * Returns when the mesh has committed the start: it will be dispatched, whatever dies next.
   * @throws HandlerError with the mesh's or the handler's type; ConnectionFailed when the gateway can't be reached.
   */
  start<K extends OperationKey<Ops>>(
    operation: K,
    input: OperationInput<Ops[K]>,
    options?: StartOptions,
  ): Promise<OperationHandle<OperationOutput<Ops[K]>>>;
  /** A handle on an operation that was started earlier, perhaps by another process. */
  handle<K extends OperationKey<Ops>>(
    operation: K,
    operationId: string,
  ): OperationHandle<OperationOutput<Ops[K]>>;
}

export interface NexusClient {
  service<Ops extends OperationMap>(target: {
    readonly endpoint: string;
    readonly service: ServiceDefinition<Ops>;
  }): ServiceClient<Ops>;
}

/**
 * Calls operations through a Nexus Mesh gateway. Contracts are those of `nexus-rpc`: inputs and outputs are inferred.
 *
 * @example
 * const client = createNexusClient({ url: "https://mesh.example.com", token });
 * const greeting = await client.service({ endpoint: "hello", service: greetingService }).execute("hello", { name: "World" });
 */
export function createNexusClient(options: NexusClientOptions): NexusClient {
  const base = options.url.replace(/\/+$/, "");
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000;

  async function authorized(): Promise<Record<string, string>> {
    const token = typeof options.token === "string" ? options.token : await options.token();
    return {
      authorization: `Bearer ${token}`,
      [headerNames.failureSupport]: "true",
      ...(options.namespace === undefined ? {} : { [headerNames.namespace]: options.namespace }),
    };
  }

  /** A start is safe to repeat: the same request id attaches. */
  function send(
    request: {
      method: "GET" | "POST";
      url: string;
      headers: Readonly<Record<string, string>>;
      body?: Uint8Array;
      timeoutMs?: number;
    },
    signal: AbortSignal | undefined,
  ): Promise<HttpReply> {
    return withRetries(
      async () =>
        httpExchange({
          ...request,
          headers: { ...request.headers, ...(await authorized()) },
          timeoutMs: request.timeoutMs ?? requestTimeoutMs,
          signal,
          dispatcher: options.dispatcher,
        }),
      (tried) =>
        "error" in tried
          ? tried.error instanceof ConnectionFailed
          : [429, 502, 503, 504, 520].includes(tried.result.status) && retryable(tried.result),
      options.retry,
      signal,
    );
  }

  return {
    service<Ops extends OperationMap>({
      endpoint,
      service,
    }: {
      readonly endpoint: string;
      readonly service: ServiceDefinition<Ops>;
    }): ServiceClient<Ops> {
      const servicePath = `${base}/nexus/endpoints/${encodeSegment(endpoint)}/services`;

      async function begin(
        key: string,
        input: unknown,
        start: StartOptions,
        respondAsync: boolean,
      ) {
        const definition = definitionOf(service, key);
        const converter = definition.inputType?.transferTypeConverter;
        const content = serialize(
          converter === undefined ? input : converter.toTransferType(input),
        );
        const callback =
          start.callbackUrl === undefined
            ? ""
            : `?callback=${encodeURIComponent(start.callbackUrl)}`;
        const reply = await send(
          {
            method: "POST",
            url: `${servicePath}${startPath(service.name, definition.name)}${callback}`,
            headers: {
              // A handler may take as long as this client waits, less the way back.
              [headerNames.requestTimeout]: formatDuration(Math.max(1, requestTimeoutMs - 1_000)),
              ...startHeaders(start),
              ...content.headers,
              ...(respondAsync ? { prefer: "respond-async" } : {}),
            },
            body: content.body,
          },
          start.signal,
        );
        const decoded = decodeStartResponse(reply);
        switch (decoded.kind) {
          case "sync":
            return {
              kind: "sync",
              value: outputOf(key, reply),
              // The gateway names the operation that has ended already; a bare handler would not.
              token: reply.headers[headerNames.operationToken] ?? "",
            } as const;
          case "async":
            return { kind: "async", token: decoded.token } as const;
          case "operation-error":
          case "handler-error":
            throw decoded.error;
          case "unexpected":
            throw new HandlerError(
              "UPSTREAM_TIMEOUT",
              `${base} answered ${decoded.status}, which no Nexus gateway does`,
            );
        }
      }

      function outputOf(key: string, reply: HttpReply): unknown {
        const value = deserialize(contentHeaders(reply.headers), reply.body);
        const converter = definitionOf(service, key).outputType?.transferTypeConverter;
        return converter === undefined ? value : converter.fromTransferType(value);
      }

      function handle(key: string, operationId: string): OperationHandle<never> {
        return {
          operationId,
          result: (wanted) => result(key, operationId, wanted) as Promise<never>,
          async cancel({ signal } = {}) {
            const url = `${servicePath}${cancelPath(service.name, definitionOf(service, key).name)}`;
            const reply = await send(
              { method: "POST", url, headers: { [headerNames.operationToken]: operationId } },
              signal,
            );
            if (reply.status !== 202) throw errorOf(reply);
          },
        };
      }

      async function result(
        key: string,
        operationId: string,
        { timeoutMs = Infinity, signal }: ResultOptions = {},
      ): Promise<unknown> {
        const end = performance.now() + timeoutMs;
        for (;;) {
          const left = Math.max(0, end - performance.now());
          const waitMs = Math.min(left, 30_000);
          const url = `${base}/v1/operations/${operationId}/result?wait=${formatDuration(waitMs)}`;
          const reply = await send(
            { method: "GET", url, headers: {}, timeoutMs: waitMs + requestTimeoutMs },
            signal,
          );
          if (reply.status === 200) return outputOf(key, reply);
          if (reply.status !== 202) throw errorOf(reply);
          if (end - performance.now() <= 0) throw new StillRunning(operationId);
        }
      }

      return {
        async execute(key, input, start = {}) {
          const { timeoutMs, ...rest } = start;
          const begun = await begin(key, input, rest, false);
          if (begun.kind === "sync") return begun.value as never;
          return result(key, begun.token, {
            ...(timeoutMs === undefined ? {} : { timeoutMs }),
            ...(rest.signal === undefined ? {} : { signal: rest.signal }),
          }) as Promise<never>;
        },
        async start(key, input, start = {}) {
          const begun = await begin(key, input, start, true);
          if (begun.kind === "async") return handle(key, begun.token);
          // The request id was used before and its operation has ended: the outcome is here already.
          const { token, value } = begun;
          return { ...handle(key, token), result: () => Promise.resolve(value as never) };
        },
        handle,
      };
    },
  };
}

function definitionOf(service: ServiceDefinition, key: string) {
  const definition = service.operations[key];
  if (definition === undefined)
    throw new TypeError(
      `service ${JSON.stringify(service.name)} has no operation ${JSON.stringify(key)}`,
    );
  return definition;
}

function startHeaders(start: StartOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(start.headers ?? {}))
    headers[name.toLowerCase()] = value;
  headers[headerNames.requestId] = start.requestId ?? randomUUID();
  const durations = [
    [headerNames.operationTimeout, start.scheduleToCloseMs],
    [headerNames.scheduleToStart, start.scheduleToStartMs],
    [headerNames.startToClose, start.startToCloseMs],
  ] as const;
  for (const [name, ms] of durations) if (ms !== undefined) headers[name] = formatDuration(ms);
  for (const [name, value] of Object.entries(start.callbackHeaders ?? {}))
    headers[`${headerNames.callbackPrefix}${name.toLowerCase()}`] = value;
  if (start.links !== undefined && start.links.length > 0)
    headers[headerNames.link] = start.links.map(formatLink).join(", ");
  return headers;
}

function retryable(reply: HttpReply): boolean {
  const decoded = decodeErrorResponse(reply);
  return decoded.kind !== "operation-error" && decoded.retryable;
}

/** Nexus paths answer with a Failure, `/v1` with a problem document; both name the same code. */
function errorOf(reply: HttpReply): Error {
  const type = reply.headers["content-type"] ?? "";
  if (type.startsWith("application/problem+json")) {
    const problem = JSON.parse(reply.body.toString()) as { title?: string; detail?: string };
    const decoded = decodeErrorResponse({
      status: reply.status,
      headers: {},
      body: Buffer.alloc(0),
    });
    const message = problem.detail ?? problem.title ?? "";
    return new HandlerError(
      decoded.kind === "handler-error" ? decoded.error.type : "INTERNAL",
      message,
    );
  }
  if (reply.status === 424) {
    const failure = parseFailure(reply.body);
    const error = failure === undefined ? undefined : failureToError(failure);
    if (error instanceof OperationError || error instanceof HandlerError) return error;
  }
  const decoded = decodeErrorResponse(reply);
  return decoded.kind === "unexpected"
    ? new HandlerError("INTERNAL", `the gateway answered ${reply.status}`)
    : decoded.error;
}
