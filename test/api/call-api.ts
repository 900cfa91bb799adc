import { request } from "undici";

export interface ApiCall {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** A control-plane document, or else the bytes of `raw`. */
  readonly json?: unknown;
  readonly raw?: string | Buffer;
}

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Empty unless the text is a JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** One request as it stands, so that it can be wrong in every way. */
export async function callApi(url: string, call: ApiCall): Promise<ApiReply> {
  const { method = "GET", path, token, headers = {}, json, raw } = call;
  const reply = await request(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: json === undefined ? (raw ?? null) : JSON.stringify(json),
  });
  return apiReply(reply.statusCode, reply.headers, await reply.body.text());
}

export function apiReply(status: number, headers: ApiReply["headers"], text: string): ApiReply {
  return { status, headers, text, body: objectOf(text) };
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    // Not every answer is JSON: the test looks at `text` then.
    return {};
  }
}
