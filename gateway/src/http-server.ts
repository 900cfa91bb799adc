import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { ApiError } from "./api-error.ts";
import { unroutedError } from "./routes/unrouted-error.ts";
import { rememberResponse } from "./unreadable-request.ts";

/**
 * Node's server, without the answers that Node would give by itself and without a body: to a missing `Host` and to an
 * `Expect` other than 100-continue. `unreadable-request.ts` has those to what its parser refuses.
 */
export function createHttpServer(options: ServerOptions, listener: RequestListener): Server {
  const server = createServer({ ...options, requireHostHeader: false }, (request, response) => {
    rememberResponse(response);
    if (request.headers.host === undefined && request.httpVersion === "1.1")
      refuse(response, withoutHost());
    else listener(request, response);
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    rememberResponse(response);
    refuse(response, unmetExpectation(request.headers.expect ?? ""));
  });
  return server;
}

function refuse(response: ServerResponse, error: ApiError): void {
  const { status, headers, body } = unroutedError(error);
  response.writeHead(status, headers).end(body);
}

function withoutHost(): ApiError {
  const detail = "a request of HTTP/1.1 names its Host";
  return new ApiError("INVALID_REQUEST", detail, {
    violations: [{ pointer: "header:Host", rule: "required", detail }],
    hint: "Send the header Host",
  });
}

function unmetExpectation(expect: string): ApiError {
  const detail = `the expectation ${JSON.stringify(expect)} is not known`;
  return new ApiError("EXPECTATION_FAILED", detail, {
    violations: [{ pointer: "header:Expect", rule: "100-continue", detail }],
  });
}
