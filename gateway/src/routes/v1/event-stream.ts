import type { ServerResponse } from "node:http";
import type { GatewayContext } from "../../gateway-context.ts";
import { isStillValid } from "../../identity/still-valid.ts";
import type { Principal } from "../../identity/principal.ts";
import { formatCursor, type WatchCursor } from "../../operations/watch-cursor.ts";
import { eventsAfter, isTold, type WatchEvent } from "../../operations/watch-events.ts";
import type { Follow, Follower } from "../../operations/watches.ts";
import type { OperationSnapshot } from "../../store/watched.ts";
import type { Schema } from "../route.ts";
import { attemptJson } from "./attempt-json.ts";
import { iso } from "./visible-operation.ts";

export interface EventStreams {
  open(response: ServerResponse, watched: StreamedOperation, follow: StartFollow): void;
}

interface StreamedOperation {
  readonly operationId: string;
  readonly principal: Principal;
  /** Whether queue and workers are named. */
  readonly inside: boolean;
  readonly cursor: WatchCursor;
}

type StartFollow = (follower: Follower) => Follow;

const tickMs = 250;
/** A comment each 15 s, spread over the ticks. */
const ticksPerComment = 60;
const cutAfterMs = 5_000;
const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

/** All streams of this gateway, with one timer for their comments and for credentials that end. */
export function createEventStreams(
  context: Pick<GatewayContext, "clock" | "log" | "metrics" | "registry">,
): EventStreams {
  const streams = new Set<EventStream>();
  let timer: NodeJS.Timeout | undefined;
  let ticks = 0;

  function tick(): void {
    ticks += 1;
    for (const stream of streams) {
      if (!isStillValid(context, stream.principal)) stream.close();
      else if ((stream.number + ticks) % ticksPerComment === 0) stream.comment();
    }
  }

  return {
    open(response, watched, follow) {
      // Its client went while the operation was looked up.
      if (response.destroyed) return;
      const stream = new EventStream(context, response, watched, follow);
      streams.add(stream);
      context.metrics.eventStreams.inc();
      timer ??= setInterval(tick, tickMs).unref();
      response.once("close", () => {
        stream.stop();
        streams.delete(stream);
        context.metrics.eventStreams.dec();
        if (streams.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
    },
  };
}

let numbers = 0;

/** Keeps a cursor and nothing else: while its reader is slow, what it missed is read anew once there is room. */
class EventStream implements Follower {
  readonly number = (numbers += 1);
  readonly principal: Principal;
  readonly #context: Pick<GatewayContext, "registry">;
  readonly #response: ServerResponse;
  readonly #operationId: string;
  readonly #inside: boolean;
  readonly #follow: Follow;
  #cursor: WatchCursor;
  #full = false;
  #missed = false;

  constructor(
    context: Pick<GatewayContext, "registry">,
    response: ServerResponse,
    { operationId, principal, inside, cursor }: StreamedOperation,
    follow: StartFollow,
  ) {
    this.principal = principal;
    this.#context = context;
    this.#response = response;
    this.#operationId = operationId;
    this.#inside = inside;
    this.#cursor = cursor;
    // Before the head is written: a gateway that drains refuses.
    this.#follow = follow(this);
    response.writeHead(200, headers);
    this.#write("retry: 1000\n\n");
  }

  get known(): WatchCursor {
    return this.#cursor;
  }

  see(snapshot: OperationSnapshot | undefined): void {
    if (this.#full) {
      this.#missed = true;
      return;
    }
    if (snapshot === undefined) {
      this.close();
      return;
    }
    const { waitsInQueue } = snapshot;
    const { queuesById } = this.#context.registry.snapshot();
    const queue = waitsInQueue === null ? undefined : queuesById.get(waitsInQueue);
    const queueName = this.#inside ? (queue?.name ?? null) : null;
    const told = eventsAfter(this.#cursor, { ...snapshot, queueName });
    let text = "";
    for (const { event, cursor } of told) {
      this.#cursor = cursor;
      text += `id: ${formatCursor(this.#operationId, cursor)}\nevent: ${event.kind}\ndata: ${dataOf(event, this.#inside)}\n\n`;
    }
    if (text !== "") this.#write(text);
    if (isTold(this.#cursor)) this.close();
  }

  comment(): void {
    if (!this.#full) this.#write(": alive\n\n");
  }

  /** Ends cleanly: its client comes again with the cursor it has. One that does not read is cut off. */
  close(): void {
    if (this.#response.writableEnded) return;
    this.stop();
    this.#response.end();
    const cut = setTimeout(() => this.#response.destroy(), cutAfterMs).unref();
    this.#response.once("close", () => {
      clearTimeout(cut);
    });
  }

  stop(): void {
    this.#follow.stop();
  }

  #write(text: string): void {
    if (this.#response.write(text)) return;
    this.#full = true;
    this.#response.once("drain", () => {
      this.#full = false;
      if (this.#missed) this.#follow.again();
      this.#missed = false;
    });
  }
}

function dataOf(event: WatchEvent, inside: boolean): string {
  switch (event.kind) {
    case "state": {
      const worker = inside ? event.worker : null;
      const data: Schema<"StateEvent"> = { state: event.state, at: timeOf(event.at), worker };
      return JSON.stringify(data);
    }
    case "attempt":
      return JSON.stringify(attemptJson(event.attempt));
    case "blocked": {
      const { reason = null, message = null, until = null } = event.blocked ?? {};
      const data: Schema<"BlockedEvent"> = { reason, message, until: timeOf(until) };
      return JSON.stringify(data);
    }
    case "progress":
      // JSON that was written here: it has no line ends.
      return event.progress.toString();
    case "outcome": {
      const { state, closedAt, message } = event;
      const data: Schema<"OutcomeEvent"> = { state, closedAt: iso(closedAt), message };
      return JSON.stringify(data);
    }
  }
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
