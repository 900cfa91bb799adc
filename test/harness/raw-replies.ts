/** One reply, as far as its bytes go. */
export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly complete: boolean;
}

/**
 * Reads the replies of one connection; `undefined` when the bytes are no HTTP. Whether a reply was to HEAD the bytes
 * don't tell: then the next status line stands where the body should.
 */
export function parseReplies(bytes: Buffer): RawReply[] | undefined {
  const replies: RawReply[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf("\r\n\r\n", at);
    const [first = "", ...lines] = bytes
      .subarray(at, end < 0 ? bytes.length : end)
      .toString("latin1")
      .split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1];
    // Cut off within the status line, by a reset.
    if (status === undefined)
      return end < 0 && "HTTP/1.1 ".startsWith(first.slice(0, 9)) ? replies : undefined;
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const rest = end < 0 ? bytes.subarray(bytes.length) : bytes.subarray(end + 4);
    const { body, taken, complete } = readBody(Number(status), headers, rest);
    at = bytes.length - rest.length + taken;
    if (status.startsWith("1")) continue;
    replies.push({ status: Number(status), headers, body, complete: end >= 0 && complete });
  }
  return replies;
}

function readBody(
  status: number,
  headers: Readonly<Record<string, string>>,
  rest: Buffer,
): { body: Buffer; taken: number; complete: boolean } {
  const none = { body: Buffer.alloc(0), taken: 0, complete: true };
  if (status < 200 || status === 204 || status === 304) return none;
  // A reply to HEAD says how long its body would be.
  if (rest.subarray(0, 9).toString("latin1") === "HTTP/1.1 ") return none;
  if (headers["transfer-encoding"] === "chunked") return readChunks(rest);
  const length = Number(headers["content-length"] ?? "0");
  const body = rest.subarray(0, length);
  return { body, taken: body.length, complete: body.length === length };
}

function readChunks(rest: Buffer): { body: Buffer; taken: number; complete: boolean } {
  const out: Buffer[] = [];
  for (let at = 0; ;) {
    const end = rest.indexOf("\r\n", at);
    const size = end < 0 ? NaN : Number.parseInt(rest.subarray(at, end).toString("latin1"), 16);
    const next = end + 2 + size + 2;
    if (Number.isNaN(size) || next > rest.length)
      return { body: Buffer.concat(out), taken: rest.length, complete: false };
    out.push(rest.subarray(end + 2, end + 2 + size));
    at = next;
    if (size === 0) return { body: Buffer.concat(out), taken: at, complete: true };
  }
}
