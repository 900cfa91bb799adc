import type { StartOperationContext } from "nexus-rpc";
import type { Dispatcher } from "undici";
import { AdminError } from "./admin/admin-error.ts";
import { ConnectionFailed, httpExchange } from "./http-exchange.ts";
import { headerNames } from "./protocol/headers.ts";
import { encodeSegment } from "./protocol/path.ts";
import { checkedProgress, type Progress } from "./progress.ts";
import { askedDelay, withRetries, type RetryOptions } from "./retry.ts";

export type { Progress };

/** Of whose progress, and where it is told: what a start brought along. Plain JSON, to be kept with the work. */
export interface ProgressTarget {
  /** `Nexus-Mesh-Operation-Id` of the start. */
  readonly operationId: string;
  /** `ctx.callbackUrl`. */
  readonly callbackUrl: string;
  /** `ctx.callbackHeaders`; they carry the credential. */
  readonly callbackHeaders: Readonly<Record<string, string>>;
}

export interface ReportOptions extends RetryOptions {
  /** One try, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly dispatcher?: Dispatcher;
}

/** The mesh takes no report of this operation: it has ended (`OPERATION_CLOSED`), or the token is not one of it. */
export class ProgressRefused extends Error {
  override readonly name = "ProgressRefused";
  readonly status: number;
  /** Of the README's table of error codes. */
  readonly code: string;

  constructor({ status, code, message }: AdminError) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Undefined for a call that the mesh does not record before it is answered (pass-through), or that came without a mesh. */
export function progressTargetOf(ctx: StartOperationContext): ProgressTarget | undefined {
  const operationId = ctx.headers[headerNames.operationId];
  const { callbackUrl, callbackHeaders } = ctx;
  if (operationId === undefined || callbackUrl === undefined || callbackHeaders === undefined)
    return undefined;
  return { operationId, callbackUrl, callbackHeaders };
}

/**
 * Tells the caller how far an operation is, from any process, until it has ended (`POST
 * /v1/operations/{operationId}/progress`). The mesh writes the newest report of each second, so there is no need to hold
 * any back; wait for one before the next, for whichever arrives last is the newest. In a worker use `ctx.heartbeat`.
 *
 * @throws TypeError for a report over a limit of {@link Progress}, or a callback URL that is not a mesh's; ProgressRefused
 * when none will be taken; ConnectionFailed when no try got an answer (5 tries unless set otherwise).
 * @example
 * const target = progressTargetOf(ctx);
 * if (target !== undefined) await reportProgress(target, { step: 2, of: 5, message: "reading" });
 */
export async function reportProgress(
  target: ProgressTarget,
  progress: Progress,
  options: ReportOptions = {},
): Promise<void> {
  const url = progressUrl(target);
  const body = Buffer.from(JSON.stringify(checkedProgress(progress)));
  const headers = {
    ...Object.fromEntries(
      Object.entries(target.callbackHeaders).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    "content-type": "application/json",
  };
  const reply = await withRetries(
    () =>
      httpExchange({
        ...{ method: "POST", url, headers, body },
        timeoutMs: options.timeoutMs ?? 10_000,
        signal: options.signal,
        dispatcher: options.dispatcher,
      }),
    (tried) => {
      if ("error" in tried) return tried.error instanceof ConnectionFailed && 0;
      return isPassing(tried.result.status) && askedDelay(tried.result);
    },
    options,
    { signal: options.signal },
  );
  if (reply.status >= 200 && reply.status < 300) return;
  if (isPassing(reply.status))
    throw new ConnectionFailed(`the mesh answered ${reply.status} at every try`);
  throw new ProgressRefused(new AdminError(reply));
}

/** A gateway's callback URL is its public URL and a path of its own. */
function progressUrl({ callbackUrl, operationId }: ProgressTarget): string {
  const match = /^(https?:\/\/.+)\/nexus\/callback$/.exec(callbackUrl);
  if (match?.[1] === undefined)
    throw new TypeError(`${JSON.stringify(callbackUrl)} is not a mesh's callback URL`);
  return `${match[1]}/v1/operations/${encodeSegment(operationId)}/progress`;
}

function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
