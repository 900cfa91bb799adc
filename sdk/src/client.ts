import { randomUUID } from "node:crypto";
import {
  HandlerError,
  type OperationInput,
  type OperationKey,
  type OperationMap,
  type OperationOutput,
  type ServiceDefinition,
} from "nexus-rpc";
import type { Dispatcher } from "undici";
import { createOperationHandle, type OperationHandle } from "./client/operation-handle.ts";
import { refusal } from "./client/refusal.ts";
import { send } from "./client/send.ts";
import type { GatewayAccess } from "./gateway-access.ts";
import type { HttpReply } from "./http-exchange.ts";
import { contentHeaders, deserialize, serialize } from "./protocol/content.ts";
import { formatDuration } from "./protocol/duration.ts";
import { headerNames } from "./protocol/headers.ts";
import { formatLink } from "./protocol/links.ts";
import { cancelPath, encodeSegment, startPath } from "./protocol/path.ts";
import { decodeStartResponse } from "./protocol/start-response.ts";
import type { RetryOptions } from "./retry.ts";

export {
  StillRunning,
  type OperationHandle,
  type ResultOptions,
} from "./client/operation-handle.ts";
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

export interface NexusClientOptions {
  /** The gateway's public URL. */
  readonly url: string;
  /** A mesh token, or a function that gives the current one. */
  readonly token: string | (() => string | Promise<string>);
  /** For a token that acts for several namespaces: the one that calls. */
  readonly namespace?: string;
  /**
   * Of requests that may be repeated: 429, 502, 503, 504, 520, refused, reset and timed-out connections. Waits for a result
   * and watching go on by rules of their own, see `OperationHandle`. Between two tries lies what the answer's `Retry-After` asks for, if that is more than the usual delay. An answer that asks for more than
   * a minute, or for more than is left of the call's `timeoutMs`, is the last.
   */
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

export interface ExecuteOptions extends StartOptions {
  /** The whole call with its repeats, in ms; for the last answer at most 2,000 more. Default: for ever. The operation goes on; `scheduleToCloseMs` ends that. */
  readonly timeoutMs?: number;
}

export interface ServiceClient<Ops extends OperationMap> {
  /**
   * Starts and waits for the result; a handler that answers at once costs one request.
   *
   * A handler that answers at once is called **at least once**: when its answer is lost or late (520), the call is repeated
   * under the same request id, which it sees as the same `Nexus-Request-Id`. An operation that went on asynchronously is
   * attached to; what a synchronous handler did, it does again, unless it recognises the id. `retry: { attempts: 1 }` leaves
   * the repeating to you. What takes longer than `requestTimeoutMs` belongs in an asynchronous handler.
   *
   * @throws as `start` and `result`; ConnectionFailed or HandlerError, too, when `timeoutMs` ends before the start is answered.
   */
  execute<K extends OperationKey<Ops>>(
    operation: K,
    input: OperationInput<Ops[K]>,
    options?: ExecuteOptions,
  ): Promise<OperationOutput<Ops[K]>>;
  /**
   * Returns when the mesh has committed the start: it will be dispatched, whatever dies next.
   * @throws HandlerError with the mesh's or the handler's type; ConnectionFailed when the gateway can't be reached;
   * InvalidRequest for a header that HTTP can't carry.
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

  const access: GatewayAccess = {
    base,
    requestTimeoutMs,
    retry: options.retry,
    dispatcher: options.dispatcher,
    refusal,
    async headers() {
      const token = typeof options.token === "string" ? options.token : await options.token();
      return {
        authorization: `Bearer ${token}`,
        [headerNames.failureSupport]: "true",
        ...(options.namespace === undefined ? {} : { [headerNames.namespace]: options.namespace }),
      };
    },
  };

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
        { respondAsync, endsAt }: { respondAsync: boolean; endsAt: number },
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
        const url = `${servicePath}${startPath(service.name, definition.name)}${callback}`;
        // Made once: a repeat has the same request id.
        const headers = startHeaders(start);
        const reply = await send(
          access,
          () => {
            const timeoutMs = Math.floor(Math.min(requestTimeoutMs, endsAt - performance.now()));
            return {
              url,
              headers: {
                // A handler may take as long as this client waits, less the way back.
                [headerNames.requestTimeout]: formatDuration(
                  Math.max(1, timeoutMs / 2, timeoutMs - 1_000),
                ),
                ...headers,
                ...content.headers,
                ...(respondAsync ? { prefer: "respond-async" } : {}),
              },
              body: content.body,
              timeoutMs,
            };
          },
          { signal: start.signal, endsAt },
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
        const cancelUrl = () =>
          `${servicePath}${cancelPath(service.name, definitionOf(service, key).name)}`;
        const outputOfKey = (reply: HttpReply) => outputOf(key, reply);
        return createOperationHandle(access, operationId, {
          cancelUrl,
          outputOf: outputOfKey,
        }) as OperationHandle<never>;
      }

      return {
        async execute(key, input, start = {}) {
          const { timeoutMs = Infinity, ...rest } = start;
          const endsAt = performance.now() + timeoutMs;
          const begun = await begin(key, input, rest, { respondAsync: false, endsAt });
          if (begun.kind === "sync") return begun.value as never;
          return handle(key, begun.token).result({
            timeoutMs: endsAt - performance.now(),
            ...(rest.signal === undefined ? {} : { signal: rest.signal }),
          });
        },
        async start(key, input, start = {}) {
          const begun = await begin(key, input, start, { respondAsync: true, endsAt: Infinity });
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
