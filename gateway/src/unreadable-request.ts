import { maxHeaderSize, STATUS_CODES, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { ApiError, type Violation } from "./api-error.ts";
import { unroutedError } from "./routes/unrouted-error.ts";

/** What `clientError` comes with: the parser's codes are HPE_…, the socket's own are those of the system. */
interface ClientError extends Error {
  readonly code?: string;
  /** The parser's own words, none of the client's. */
  readonly reason?: string;
}

/**
 * A socket that is closed while bytes are still coming in is reset, and the reset may overtake the answer: what the
 * client goes on to send is read for this long, and dropped.
 */
const lingerMs = 1_000;

/** The answer to the latest request of each connection. Node knows it too, under a name that is not public. */
const latest = new WeakMap<Socket, ServerResponse>();
const refused = new WeakSet<Socket>();

export function rememberResponse(response: ServerResponse): void {
  latest.set(response.req.socket, response);
}

/** The listener of `clientError`: answers what Node's parser refuses, and ends the connection. */
export function refuseUnreadable(error: ClientError, socket: Socket, log: Logger): void {
  const refusal = refusalOf(error);
  if (refusal === undefined) {
    // A reset, a broken pipe: nobody listens any more.
    socket.destroy();
    return;
  }
  // The parser refuses every further packet anew.
  if (refused.has(socket)) return;
  refused.add(socket);
  // Not the error itself: it carries the bytes, and these their credentials.
  log.debug({ code: error.code, reason: error.reason, answer: refusal.code }, "unreadable request");
  inTurn(socket, () => {
    const { status, headers, body } = unroutedError(refusal);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\ndate: ${new Date().toUTCString()}\r\n${lines.join("")}\r\n`;
    socket.end(Buffer.concat([Buffer.from(head), body]));
    // Of a request that is merely late the rest could still be read and served.
    if (refusal.code === "REQUEST_TIMEOUT") socket.destroySoon();
    const late = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => {
      clearTimeout(late);
    });
  });
}

/** Answers come in the order of requests, and each request has one: writes after those that are owed, or never. */
function inTurn(socket: Socket, write: () => void): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const response = latest.get(socket);
  if (response === undefined) {
    write();
  } else if (response.req.complete) {
    // The fault is in a request after this one.
    if (response.writableFinished) write();
    else
      response.once("close", () => {
        inTurn(socket, write);
      });
  } else if (!response.headersSent && response.socket === socket) {
    // It is in this one's body, and nothing stands before its answer.
    write();
  } else {
    socket.destroy();
  }
}

function refusalOf({ code = "", reason }: ClientError): ApiError | undefined {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new ApiError("REQUEST_TIMEOUT", "the request did not arrive as a whole in time");
    case "HPE_HEADER_OVERFLOW":
      return new ApiError(
        "HEADERS_TOO_LARGE",
        `the request line and the headers, or the trailers, are larger than ${maxHeaderSize} bytes`,
      );
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new ApiError("PAYLOAD_TOO_LARGE", "the chunk extensions are too large", {
        violations: [{ pointer: "", rule: "max-bytes", detail: "the extensions are too large" }],
        hint: "Send chunks without extensions",
      });
    default:
      return code.startsWith("HPE_") ? unreadable(code, reason) : undefined;
  }
}

function unreadable(code: string, reason = "the bytes are no request"): ApiError {
  const pointer = blamed[code];
  const violations: Violation[] =
    pointer === undefined ? [] : [{ pointer, rule: "http", detail: reason }];
  return new ApiError("INVALID_REQUEST", `the request is not HTTP/1.1: ${reason}`, {
    violations,
    hint: "The connection is closed, as nobody can tell where the next request begins; most often a length is wrong, or a character in a header",
  });
}

const blamed: Readonly<Record<string, string>> = {
  HPE_INVALID_CONTENT_LENGTH: "header:Content-Length",
  HPE_UNEXPECTED_CONTENT_LENGTH: "header:Content-Length",
  HPE_INVALID_TRANSFER_ENCODING: "header:Transfer-Encoding",
  HPE_INVALID_CHUNK_SIZE: "",
};
