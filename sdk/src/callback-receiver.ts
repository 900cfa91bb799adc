import type { KeyObject } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { HandlerError, type OperationError } from "nexus-rpc";
import { collectBody } from "./collect-body.ts";
import { decodeCompletion, MalformedCompletion } from "./protocol/completion.ts";
import { contentHeaders, deserialize } from "./protocol/content.ts";
import { encodeHandlerError, encodeInternalError } from "./protocol/failure-response.ts";
import { firstValues, headerNames } from "./protocol/headers.ts";
import type { Link } from "./protocol/links.ts";
import { headerDigest, parseCompletionId, verifySignature } from "./protocol/webhook-signature.ts";

/** A verified completion. */
export type ReceivedCompletion = {
  /** The same at every delivery of this completion. */
  readonly completionId: string;
  /** Operation token, as the start returned it. */
  readonly operationId: string;
  readonly startTime: Date | undefined;
  readonly closeTime: Date | undefined;
  readonly links: readonly Link[];
  /** Every header of the delivery, lower-case names: your own callback headers among them. */
  readonly headers: Readonly<Record<string, string>>;
} & (
  | { readonly state: "succeeded"; readonly result: () => unknown; readonly body: Uint8Array }
  | { readonly state: "failed" | "canceled"; readonly error: OperationError }
);

/**
 * What was processed, and what is being processed. One `claim` of an id wins; whoever has it works until it expires, for a
 * process that dies with a claim in hand must not lose the completion.
 *
 * @example
 * // create table completion (id text primary key, claim uuid not null, expires_at timestamptz not null, done boolean not null default false)
 * const deduplication: CompletionDeduplication = {
 *   async claim(id, forMs) {
 *     const claim = randomUUID();
 *     const { rowCount } = await pool.query(
 *       `insert into completion as c (id, claim, expires_at) values ($1, $2, now() + $3 * interval '1 ms')
 *        on conflict (id) do update set claim = excluded.claim, expires_at = excluded.expires_at
 *        where not c.done and c.expires_at <= now()`, [id, claim, forMs]);
 *     if (rowCount === 1)
 *       return {
 *         done: async () => void (await pool.query("update completion set done = true where id = $1", [id])),
 *         release: async () => void (await pool.query("delete from completion where id = $1 and claim = $2 and not done", [id, claim])),
 *       };
 *     const { rows } = await pool.query("select done from completion where id = $1", [id]);
 *     return rows[0]?.done === true ? "done" : "busy";
 *   },
 * };
 */
export interface CompletionDeduplication {
  /**
   * `done`: it was processed, nothing is left to do. `busy`: someone else's claim has not expired. Else the caller's own,
   * from now on and for so many ms. Atomic: two deliveries may ask at the same time.
   */
  claim(
    completionId: string,
    forMs: number,
  ): CompletionClaim | "busy" | "done" | Promise<CompletionClaim | "busy" | "done">;
}

export interface CompletionClaim {
  /** It was processed. To be remembered for twice `toleranceSeconds` at least, which is how long a replay is accepted. */
  done(): void | Promise<void>;
  /** It could not be processed: the next delivery may claim it at once. A claim that has expired meanwhile changes nothing. */
  release(): void | Promise<void>;
}

export interface CallbackReceiverOptions {
  /** The namespace's callback secrets: `whsec_…` as `nexus-mesh secret show` prints them, or raw bytes. Two during a rotation. */
  readonly secrets: readonly (string | Uint8Array)[];
  /** Ed25519 keys of the gateway, for `v1a` signatures. */
  readonly publicKeys?: readonly KeyObject[];
  /** How far a delivery's time may be off, in seconds. Default 300. */
  readonly toleranceSeconds?: number;
  /** Default: the last 10,000 in memory. Give one on your database where several processes receive, or one is restarted. */
  readonly deduplication?: CompletionDeduplication;
  /**
   * How long one delivery may be worked on before another may begin, in seconds. Default 60. A delivery that comes
   * meanwhile to another process is told 503 and comes again.
   */
  readonly claimSeconds?: number;
  /**
   * When it rejects, the mesh is told 500 and delivers again. Called once per completion, unless a process dies between its
   * end and the note of it in `deduplication`: what must not happen twice is guarded by `completionId` in your own
   * transaction.
   */
  readonly onCompletion: (completion: ReceivedCompletion) => void | Promise<void>;
  /** Largest body in bytes. Default 2 MiB. */
  readonly maxBytes?: number;
  readonly onError?: (error: unknown) => void;
}

export interface CallbackReceiver {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** Verification alone, for other frameworks. @throws HandlerError UNAUTHENTICATED or BAD_REQUEST */
  readonly verify: (
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ) => ReceivedCompletion;
}

/** Any status but 2xx and those that say "never" makes the mesh deliver again; without this, at its own growing intervals. */
const busyRetryAfter = "5";

/**
 * Receives the completions that the mesh owes for `callback` URLs. A delivery counts only if its signature covers it
 * (Standard Webhooks), its time is near, and state, token and content headers are those that the signed id names.
 *
 * @throws TypeError when no key is given.
 * @example
 * const receiver = createCallbackReceiver({ secrets: [secret], onCompletion: ({ operationId, state }) => save(operationId, state) });
 * createServer(receiver.listener).listen(7420);
 */
export function createCallbackReceiver(options: CallbackReceiverOptions): CallbackReceiver {
  const keys = { secrets: options.secrets.map(secretBytes), publicKeys: options.publicKeys ?? [] };
  if (keys.secrets.length + keys.publicKeys.length === 0)
    throw new TypeError(
      "give at least one secret or public key: completions can't be verified without",
    );
  const tolerance = options.toleranceSeconds ?? 300;
  const maxBytes = options.maxBytes ?? 2 * 1024 * 1024;
  const deduplication = options.deduplication ?? lastInMemory(10_000);
  const claimMs = (options.claimSeconds ?? 60) * 1_000;
  const inProgress = new Map<string, Promise<"done" | "busy">>();
  const onError =
    options.onError ??
    ((error: unknown) =>
      process.stderr.write(
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      ));

  function verify(headers: Readonly<Record<string, string>>, body: Uint8Array): ReceivedCompletion {
    const id = headers["webhook-id"] ?? "";
    const timestamp = headers["webhook-timestamp"] ?? "";
    const parsed = parseCompletionId(id);
    if (parsed === undefined || !/^\d{1,12}$/.test(timestamp))
      throw unauthenticated("webhook-id or webhook-timestamp is missing or malformed");
    if (!verifySignature(keys, headers["webhook-signature"] ?? "", id, Number(timestamp), body))
      throw unauthenticated("no signature is valid");
    if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > tolerance)
      throw unauthenticated(`the delivery is more than ${tolerance} s old or from the future`);
    const token = headers[headerNames.operationToken] ?? "";
    assertState(headers[headerNames.operationState] ?? "");
    // The signature covers id, time and body; the id vouches for what else would change the meaning of the body.
    if (
      parsed.operationId !== token ||
      parsed.state !== headers[headerNames.operationState] ||
      parsed.digest !== headerDigest(token, contentHeaders(headers))
    ) {
      throw unauthenticated(
        "state, operation token or content headers are not those that were signed",
      );
    }
    return completionOf(id, token, headers, body);
  }

  async function receive(request: IncomingMessage): Promise<"done" | "busy"> {
    const body = await collectBody(request, maxBytes);
    const completion = verify(firstValues(request.rawHeaders), body);
    // A second delivery beside the first shares its fate: told 200 early, the mesh would not deliver again should the first fail.
    const running = inProgress.get(completion.completionId);
    if (running !== undefined) return running;
    const processed = processOnce(completion);
    inProgress.set(completion.completionId, processed);
    try {
      return await processed;
    } finally {
      inProgress.delete(completion.completionId);
    }
  }

  async function processOnce(completion: ReceivedCompletion): Promise<"done" | "busy"> {
    const claim = await deduplication.claim(completion.completionId, claimMs);
    if (typeof claim === "string") return claim;
    try {
      await options.onCompletion(completion);
    } catch (error) {
      try {
        await claim.release();
      } catch (releaseError) {
        // It expires by itself. The mesh is told of the first error all the same.
        onError(releaseError);
      }
      throw error;
    }
    await claim.done();
    return "done";
  }

  return {
    verify,
    listener(request, response) {
      receive(request).then(
        (outcome) =>
          outcome === "done"
            ? response.writeHead(200, { "content-length": 0 }).end()
            : response.writeHead(503, { "content-length": 0, "retry-after": busyRetryAfter }).end(),
        (error: unknown) => {
          if (!(error instanceof HandlerError)) onError(error);
          const encoded =
            error instanceof HandlerError
              ? encodeHandlerError(error, { failureSupport: false })
              : encodeInternalError();
          response.writeHead(encoded.status, encoded.headers).end(encoded.body);
        },
      );
    },
  };
}

function completionOf(
  completionId: string,
  operationId: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): ReceivedCompletion {
  try {
    const decoded = decodeCompletion({ headers, body });
    const { startTime, closeTime, links } = decoded;
    const common = { completionId, operationId, startTime, closeTime, links, headers };
    if (decoded.state === "succeeded") {
      return {
        ...common,
        state: decoded.state,
        body,
        result: () => deserialize(decoded.contentHeaders, body),
      };
    }
    return { ...common, state: decoded.state, error: decoded.error };
  } catch (error) {
    if (error instanceof MalformedCompletion)
      throw new HandlerError("BAD_REQUEST", error.message, { cause: error });
    throw error;
  }
}

/** A claim needs no memory of its own: deliveries of one process that come together share one. */
function lastInMemory(limit: number): CompletionDeduplication {
  const seen = new Set<string>();
  return {
    claim: (id) =>
      seen.has(id)
        ? "done"
        : {
            done() {
              seen.add(id);
              if (seen.size <= limit) return;
              const [oldest] = seen;
              if (oldest !== undefined) seen.delete(oldest);
            },
            release: () => undefined,
          },
  };
}

function secretBytes(secret: string | Uint8Array): Uint8Array {
  return typeof secret === "string" ? Buffer.from(secret.replace(/^whsec_/, ""), "base64") : secret;
}

/** Malformed rather than forged: no sender can have signed it. */
function assertState(state: string): void {
  if (["succeeded", "failed", "canceled"].includes(state)) return;
  throw new HandlerError(
    "BAD_REQUEST",
    `invalid request operation state: ${JSON.stringify(state)}`,
  );
}

function unauthenticated(message: string): HandlerError {
  return new HandlerError("UNAUTHENTICATED", message);
}
