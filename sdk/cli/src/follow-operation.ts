import type { OutcomeEvent } from "@nexus-mesh/sdk/admin";
import { createJsonView, createLineView, createLiveView, type EventView } from "./event-view.ts";
import type { Session } from "./session.ts";

export interface FollowOptions {
  readonly timeoutMs: number;
  /** Takes what stays; the live line is stderr's. */
  readonly print: (text: string) => void;
  readonly show: "live" | "lines" | "json";
}

/** How following ended: with the operation, or before it. */
export type Followed =
  | OutcomeEvent
  /** `ended`: it had ended before, and its history was not told to the end. */
  | { readonly type: "timeout" | "interrupt"; readonly state: string; readonly ended: boolean };

/**
 * Shows what happens to an operation until its outcome, the timeout or Ctrl-C, through whatever outages.
 * @throws AdminError, ConnectionFailed when the first request meets one: a wrong id or address shall not be waited for.
 */
export async function followOperation(
  { admin, terminal }: Session,
  operationId: string,
  { timeoutMs, print, show }: FollowOptions,
): Promise<Followed> {
  const operation = await admin.call("getOperation", { path: { operationId } });
  let state: string = operation.state;
  const stopped = new AbortController();
  let why: "timeout" | "interrupt" = "timeout";
  const timer = setTimeout(() => stopped.abort(), Math.min(timeoutMs, 2 ** 31 - 1));
  const unhear = terminal.onInterrupt(() => {
    why = "interrupt";
    stopped.abort();
  });
  const view: EventView =
    show === "json"
      ? createJsonView(print)
      : show === "live"
        ? createLiveView(terminal, operation, print)
        : createLineView(terminal, print);
  try {
    const events = admin.watchOperation(operationId, {
      signal: stopped.signal,
      onInterrupted: view.interrupted,
      onResumed: view.resumed,
    });
    for await (const event of events) {
      view.event(event);
      if (event.type === "outcome") return event;
      if (event.type === "state") ({ state } = event);
    }
    throw new Error(`the events of operation ${operationId} ended without an outcome`);
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    return operation.closedAt === null
      ? { type: why, state, ended: false }
      : { type: why, state: operation.state, ended: true };
  } finally {
    clearTimeout(timer);
    unhear();
    view.end();
  }
}
