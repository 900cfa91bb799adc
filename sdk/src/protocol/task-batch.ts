/** One task as it travels to a worker: the headers and body of the Nexus request that it stands for. */
export interface TaskMessage {
  /** Lower-case names, single values. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Not what a gateway writes. */
export class MalformedTaskBatch extends Error {
  override readonly name = "MalformedTaskBatch";
}

const mediaType = "multipart/mixed";

/**
 * Several tasks in one answer, their bytes as they are: `multipart/mixed` (RFC 2046), a part for each task. Every part has
 * a `Content-Length`, so that nobody has to search for the boundary, which is random.
 */
export function encodeTaskBatch(
  tasks: readonly TaskMessage[],
  boundary: string,
): { contentType: string; body: Buffer } {
  const pieces: Uint8Array[] = [];
  for (const { headers, body } of tasks) {
    let head = `--${boundary}\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    head += `content-length: ${body.length}\r\n\r\n`;
    pieces.push(Buffer.from(head, "latin1"), body, Buffer.from("\r\n"));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    contentType: `${mediaType}; boundary=${boundary}`,
    body: Buffer.concat(pieces),
  };
}

/** @throws MalformedTaskBatch */
export function decodeTaskBatch(contentType: string, bytes: Uint8Array): TaskMessage[] {
  const boundary = /^multipart\/mixed; boundary=([\w-]+)$/.exec(contentType)?.[1];
  if (boundary === undefined)
    throw new MalformedTaskBatch(`no task batch has the type ${JSON.stringify(contentType)}`);
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tasks: TaskMessage[] = [];
  let at = 0;
  const expect = (text: string): boolean => {
    if (body.toString("latin1", at, at + text.length) !== text) return false;
    at += text.length;
    return true;
  };
  while (!expect(`--${boundary}--`)) {
    if (!expect(`--${boundary}\r\n`)) throw new MalformedTaskBatch("a part has no boundary");
    const headEnd = body.indexOf("\r\n\r\n", at);
    if (headEnd < 0) throw new MalformedTaskBatch("a part has no end of its headers");
    const headers: Record<string, string> = {};
    for (const line of body.toString("latin1", at, headEnd).split("\r\n")) {
      const colon = line.indexOf(": ");
      if (colon <= 0) throw new MalformedTaskBatch("a part has a malformed header");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2);
    }
    const length = Number(headers["content-length"]);
    at = headEnd + 4 + length;
    if (!Number.isSafeInteger(length) || length < 0 || at > body.length)
      throw new MalformedTaskBatch("a part has no length, or less than it says");
    tasks.push({ headers, body: body.subarray(headEnd + 4, at) });
    if (!expect("\r\n")) throw new MalformedTaskBatch("a part goes on behind its length");
  }
  return tasks;
}
