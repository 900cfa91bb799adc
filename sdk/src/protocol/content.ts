/** Bytes with the `Content-*` headers that say what they are (protocol.md 1.9). */
export interface Content {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export class IncompatibleContent extends Error {
  override readonly name = "IncompatibleContent";
}

/** The content headers of a message, names as on the wire in lower case, `content-length` apart. */
export function contentHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const content: Record<string, string> = {};
  for (const name in headers) {
    if (isContentHeader(name)) content[name] = headers[name] ?? "";
  }
  return content;
}

export function isContentHeader(name: string): boolean {
  return name.startsWith("content-") && name !== "content-length";
}

/**
 * The default chain, in writing order: `undefined` → no content, `Uint8Array` → octet-stream, all else → JSON.
 * @throws IncompatibleContent for what JSON can't hold (functions, BigInt, cycles).
 */
export function serialize(value: unknown): Content {
  if (value === undefined) return { headers: {}, body: new Uint8Array() };
  if (value instanceof Uint8Array)
    return { headers: { "content-type": "application/octet-stream" }, body: value };
  return { headers: { "content-type": "application/json" }, body: Buffer.from(toJson(value)) };
}

function toJson(value: unknown): string {
  try {
    // Its type does not say so, but of a function or a symbol it makes undefined.
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch (error) {
    throw new IncompatibleContent("the value can't be written as JSON", { cause: error });
  }
  throw new IncompatibleContent("the value can't be written as JSON");
}

/**
 * The reverse chain: JSON by media type (parameters allowed), octet-stream, nothing at all.
 * @throws IncompatibleContent for any other type, and for a body without one.
 */
export function deserialize(headers: Readonly<Record<string, string>>, body: Uint8Array): unknown {
  const type = mediaType(headers["content-type"]);
  if (type === "application/json") {
    try {
      return JSON.parse(Buffer.from(body).toString()) as unknown;
    } catch (error) {
      throw new IncompatibleContent("the content is not the JSON that its type says", {
        cause: error,
      });
    }
  }
  if (type === "application/octet-stream") return new Uint8Array(body);
  if (type === undefined && body.length === 0) return undefined;
  throw new IncompatibleContent(
    type === undefined
      ? "the content has no type"
      : `no serializer for content type ${JSON.stringify(type)}`,
  );
}

export function isJson(contentType: string | undefined): boolean {
  return mediaType(contentType) === "application/json";
}

function mediaType(value: string | undefined): string | undefined {
  const type = value?.split(";")[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}
