import type { IncomingMessage, ServerResponse } from "node:http";
import { HandlerError, OperationError, type ServiceHandler } from "nexus-rpc";
import { createVerifyCaller, type Caller, type CallerTrust } from "./caller-trust.ts";
import { collectBody } from "./collect-body.ts";
import { createHandleCancel, createHandleStart, type HandlerRequest } from "./handle-operation.ts";
import {
  encodeHandlerError,
  encodeInternalError,
  encodeOperationError,
  type EncodedResponse,
} from "./protocol/failure-response.ts";
import { firstValues, headerNames } from "./protocol/headers.ts";
import { MalformedPath, parseQuery, splitNexusPath } from "./protocol/path.ts";

export { callerOf } from "./handle-operation.ts";
export type { Caller, CallerTrust };

export interface HandlerServerOptions {
  /** Built with `serviceHandler` of `nexus-rpc`; handlers written for Temporal run here unchanged if they use only `ctx` and `input`. */
  // The operations of one service are no business of the other's.
  readonly services: readonly AnyServiceHandler[];
  /** Required: whose calls are served. */
  readonly trust: CallerTrust;
  /** Path behind which the operations lie, as in the endpoint's target URL. Default: none. */
  readonly basePath?: string;
  /** Largest request body in bytes. Default 2 MiB, the gateway's own limit. */
  readonly maxBytes?: number;
  /** Errors whose text does not leave the process: log them here. Default: `console.error`. */
  readonly onError?: (error: unknown) => void;
}

/** `ServiceHandler<Ops>` is not assignable to `ServiceHandler` (nexus-rpc 0.0.3), so what is used of it is named here. */
export type AnyServiceHandler = Pick<ServiceHandler, "definition"> & {
  getOperationHandler(name: never): unknown;
};

export interface HandlerServer {
  /** For `http.createServer`, Express, or any other framework that hands out Node's own request and response. */
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** The same with a body that the framework has read already. */
  readonly handle: (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ) => Promise<void>;
}

/**
 * Serves Nexus operations over HTTP (Nexus SPEC; protocol.md 1.4). Start and cancel are routed by service and operation;
 * `HandlerError` and `OperationError` go out as they are, of any other error only "internal server error".
 *
 * @throws TypeError without trust settings, for two services of one name, or for a name that no URL can carry.
 * @example
 * const { listener } = createHandlerServer({ services: [greeting], trust: { gateway, audience, endpoints: ["hello"] } });
 * createServer(listener).listen(7410);
 */
export function createHandlerServer(options: HandlerServerOptions): HandlerServer {
  // JavaScript callers have no compiler to tell them.
  if ((options.trust as unknown) === undefined) {
    throw new TypeError(
      'trust is missing: give {gateway, audience, endpoints}, or "dangerously-accept-anyone" where nobody else can call',
    );
  }
  const verifyCaller = createVerifyCaller(options.trust);
  const maxBytes = options.maxBytes ?? 2 * 1024 * 1024;
  const basePath = (options.basePath ?? "").replace(/\/+$/, "");
  const onError =
    options.onError ??
    ((error: unknown) =>
      process.stderr.write(
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      ));
  const services = servicesByName(options.services);
  const start = createHandleStart(services);
  const cancel = createHandleCancel(services);

  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): Promise<void> {
    const headers = firstValues(request.rawHeaders);
    const failureSupport = headers[headerNames.failureSupport] === "true";
    // Ends with the request: the caller hung up, or its time is over. Not a cancel of the operation (pitfall 18).
    const ended = new AbortController();
    response.once("close", () => {
      ended.abort(new Error("the request has ended"));
    });
    let encoded: EncodedResponse;
    try {
      if (request.method !== "POST") {
        throw new HandlerError(
          "BAD_REQUEST",
          `invalid request method: expected POST, got ${JSON.stringify(request.method ?? "")}`,
        );
      }
      const { route, query } = readUrl(request.url ?? "/");
      const caller = await verifyCaller(headers[headerNames.callerIdentity]);
      const given: HandlerRequest = {
        ...route,
        headers,
        query,
        body,
        caller,
        signal: ended.signal,
      };
      encoded = route.kind === "start" ? await start(given) : await cancel(given, route.token);
    } catch (error) {
      encoded = encodeError(error, failureSupport);
    }
    if (response.destroyed) return;
    response
      .writeHead(encoded.status, { ...encoded.headers, "content-length": encoded.body.length })
      .end(encoded.body);
  }

  function readUrl(url: string) {
    const [path = "", ...query] = url.split("?");
    if (basePath !== "" && !path.startsWith(`${basePath}/`))
      throw new HandlerError("NOT_FOUND", "not found");
    try {
      const route = splitNexusPath(path.slice(basePath.length));
      if (route === undefined) throw new HandlerError("NOT_FOUND", "not found");
      return { route, query: parseQuery(query.join("?")) };
    } catch (error) {
      if (error instanceof MalformedPath)
        throw new HandlerError("BAD_REQUEST", error.message, { cause: error });
      throw error;
    }
  }

  function encodeError(error: unknown, failureSupport: boolean): EncodedResponse {
    // `nexus-rpc` does not validate the state, and the wire knows no third one.
    if (error instanceof OperationError && ["failed", "canceled"].includes(error.state))
      return encodeOperationError(error, { failureSupport });
    if (error instanceof HandlerError) return encodeHandlerError(error, { failureSupport });
    onError(error);
    return encodeInternalError();
  }

  return {
    handle,
    listener(request, response) {
      collectBody(request, maxBytes)
        .then(
          (body) => handle(request, response, body),
          (error: unknown) => {
            const encoded = encodeError(error, false);
            response
              .writeHead(encoded.status, { ...encoded.headers, connection: "close" })
              .end(encoded.body);
          },
        )
        .catch(onError);
    },
  };
}

export type ServicesByName = ReadonlyMap<string, ServiceHandler>;

export function servicesByName(handlers: readonly AnyServiceHandler[]): ServicesByName {
  const services = new Map<string, ServiceHandler>();
  for (const handler of handlers) {
    const { name } = handler.definition;
    if (services.has(name)) throw new TypeError(`two services are named ${JSON.stringify(name)}`);
    for (const text of [
      name,
      ...Object.values(handler.definition.operations).map((operation) => operation.name),
    ]) {
      if (text === "." || text === "..")
        throw new TypeError(`${JSON.stringify(text)} can't be a name: URLs resolve it away`);
    }
    services.set(name, handler as ServiceHandler);
  }
  return services;
}
