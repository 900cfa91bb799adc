import {
  HandlerError,
  type CancelOperationContext,
  type Link,
  type OperationContext,
  type OperationHandler,
  type StartOperationContext,
} from "nexus-rpc";
import type { Caller } from "./caller-trust.ts";
import type { ServicesByName } from "./handler.ts";
import { contentHeaders, deserialize, IncompatibleContent, serialize } from "./protocol/content.ts";
import { parseDuration } from "./protocol/duration.ts";
import type { EncodedResponse } from "./protocol/failure-response.ts";
import { headerNames } from "./protocol/headers.ts";
import { formatLink, MalformedLink, parseLinks } from "./protocol/links.ts";
import { encodeAsyncStart } from "./protocol/start-response.ts";

export interface HandlerRequest {
  readonly service: string;
  readonly operation: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly caller: Caller | undefined;
  readonly signal: AbortSignal;
  /** Further members of a start's context: what a worker adds. */
  readonly extras?: object;
}

const callers = new WeakMap<OperationContext, Caller>();

/** Who called, as verified from the gateway's signature; `undefined` where the handler accepts anyone. */
export function callerOf(ctx: OperationContext): Caller | undefined {
  return callers.get(ctx);
}

export function createHandleStart(
  services: ServicesByName,
): (request: HandlerRequest) => Promise<EncodedResponse> {
  return async (request) => {
    const inboundLinks = readLinks(request.headers[headerNames.link]);
    const common = commonContext(
      request,
      (name) =>
        !name.startsWith(headerNames.contentPrefix) && !name.startsWith(headerNames.callbackPrefix),
    );
    const handler = findOperation(services, request);
    const callbackUrl = request.query["callback"];
    const outboundLinks: Link[] = [];
    const ctx: StartOperationContext = {
      ...common,
      requestId: request.headers[headerNames.requestId] ?? "",
      inboundLinks,
      outboundLinks,
      ...(callbackUrl === undefined || callbackUrl === ""
        ? {}
        : { callbackUrl, callbackHeaders: callbackHeaders(request.headers) }),
      ...(request.extras === undefined ? {} : { ...request.extras, caller: request.caller }),
    };
    if (request.caller !== undefined) callers.set(ctx, request.caller);
    const result = await handler.start(ctx, readInput(handler, request));
    const links = outboundLinks.map(formatLink).join(", ");
    const linkHeader: Record<string, string> = links === "" ? {} : { [headerNames.link]: links };
    // Two copies of nexus-rpc in one tree make `instanceof` fail here; the flag does not (pitfall 26).
    if (result.isAsync) {
      const encoded = encodeAsyncStart(result.token);
      return { ...encoded, headers: { ...encoded.headers, ...linkHeader } };
    }
    const output = handler.outputType?.transferTypeConverter;
    const content = serialize(
      output === undefined ? result.value : output.toTransferType(result.value),
    );
    return {
      status: 200,
      headers: { ...content.headers, ...linkHeader },
      body: Buffer.from(content.body),
    };
  };
}

export function createHandleCancel(
  services: ServicesByName,
): (request: HandlerRequest, pathToken: string | undefined) => Promise<EncodedResponse> {
  return async (request, pathToken) => {
    const token =
      request.headers[headerNames.operationToken] ?? pathToken ?? request.query["token"];
    if (token === undefined || token === "")
      throw new HandlerError("BAD_REQUEST", "missing operation token");
    const handler = findOperation(services, request);
    const ctx: CancelOperationContext = commonContext(
      request,
      (name) => name !== headerNames.operationToken,
    );
    if (request.caller !== undefined) callers.set(ctx, request.caller);
    await handler.cancel(ctx, token);
    return { status: 202, headers: {}, body: Buffer.alloc(0) };
  };
}

type AnyOperationHandler = OperationHandler<unknown, unknown> & {
  inputType?: { transferTypeConverter?: { fromTransferType(value: unknown): unknown } };
  outputType?: { transferTypeConverter?: { toTransferType(value: unknown): unknown } };
};

function findOperation(
  services: ServicesByName,
  { service, operation }: HandlerRequest,
): AnyOperationHandler {
  const found = services.get(service);
  if (found === undefined)
    throw new HandlerError("NOT_FOUND", `service ${JSON.stringify(service)} not found`);
  const known = Object.values(found.definition.operations).some(
    (definition) => definition.name === operation,
  );
  if (!known)
    throw new HandlerError("NOT_FOUND", `operation ${JSON.stringify(operation)} not found`);
  return found.getOperationHandler(operation) as AnyOperationHandler;
}

/** Undecodable input must not be retried: INTERNAL would be, for ever (pitfall 12). */
function readInput(handler: AnyOperationHandler, request: HandlerRequest): unknown {
  try {
    const value = deserialize(contentHeaders(request.headers), request.body);
    const converter = handler.inputType?.transferTypeConverter;
    return converter === undefined ? value : converter.fromTransferType(value);
  } catch (error) {
    if (error instanceof IncompatibleContent || handler.inputType !== undefined) {
      throw new HandlerError("BAD_REQUEST", "invalid input", { cause: error });
    }
    throw error;
  }
}

function commonContext(
  request: HandlerRequest,
  visible: (name: string) => boolean,
): OperationContext {
  const text = request.headers[headerNames.requestTimeout];
  const timeout = text === undefined || text === "" ? 0 : parseDuration(text);
  if (timeout === undefined)
    throw new HandlerError("BAD_REQUEST", "invalid request timeout header");
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => visible(name)),
  );
  const common = { service: request.service, operation: request.operation, headers };
  // `0s` means no deadline; a timer can't hold more than 2^31 - 1 ms and would fire at once (pitfall 15).
  if (timeout === 0 || timeout > 2 ** 31 - 1) return { ...common, abortSignal: request.signal };
  return {
    ...common,
    abortSignal: AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]),
    requestDeadline: new Date(Date.now() + timeout),
  };
}

function callbackHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { callbackPrefix } = headerNames;
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(callbackPrefix))
      .map(([name, value]) => [name.slice(callbackPrefix.length), value]),
  );
}

function readLinks(value: string | undefined): Link[] {
  if (value === undefined) return [];
  try {
    return parseLinks([value]).map(({ url, type }) => ({ url: new URL(url), type }));
  } catch (error) {
    if (error instanceof MalformedLink)
      throw new HandlerError("BAD_REQUEST", 'invalid "nexus-link" header', { cause: error });
    throw error;
  }
}
