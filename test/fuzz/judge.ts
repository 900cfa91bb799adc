import type { RawReply } from "../harness/raw-replies.ts";

/** Refusals that are right without a typed body, each with its reason. Everything else from 400 up has one. */
const withoutBody: readonly { why: string; is: (reply: RawReply) => boolean }[] = [
  {
    why: "the reply to a HEAD says how long its body would be, and has none",
    is: ({ headers, body }) => body.length === 0 && Number(headers["content-length"] ?? "0") > 0,
  },
];

interface ErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly metadata?: { readonly type?: unknown; readonly code?: unknown };
  readonly details?: { readonly type?: unknown; readonly state?: unknown };
}

/** What is wrong with a reply to whatever was sent; `undefined` when nothing is. */
export function wrongWith(reply: RawReply): string | undefined {
  const { status, body } = reply;
  if (status < 400 || !reply.complete || withoutBody.some(({ is }) => is(reply))) return undefined;
  if (body.length === 0) return `an empty ${status}`;
  const error = parse(body);
  if (error === undefined) return `a ${status} that is no JSON`;
  const code = typedBy(reply, error);
  if (code === undefined) return `an untyped ${status}`;
  // The gateway's own name for what it did not foresee.
  return code === "INTERNAL" ? `a ${status} of a fault inside` : undefined;
}

/** The code of a problem, the type of a handler's error, or the state of an operation that ended badly. */
function typedBy({ status, headers }: RawReply, error: ErrorBody): string | undefined {
  const type = headers["content-type"] ?? "";
  const { code, metadata, details } = error;
  if (type.startsWith("application/problem+json")) return text(code);
  if (!type.startsWith("application/json")) return undefined;
  switch (metadata?.type) {
    case "nexus.HandlerError":
      return text(details?.type) && text(metadata.code ?? details?.type);
    case "nexus.OperationError":
      return status === 424 ? text(details?.state) : undefined;
    default:
      // A failure with a cause is the cause alone to callers that did not ask for more.
      return status === 424 ? text(headers["nexus-operation-state"]) : undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function parse(body: Buffer): ErrorBody | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
