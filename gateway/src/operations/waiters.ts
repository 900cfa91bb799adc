import type { GatewayContext } from "../gateway-context.ts";

export interface Waiters {
  wait(ref: { key: string; id: string }, ms: number, signal: AbortSignal): Promise<boolean>;
  /** Settled in this process: no need to wait for the poll. */
  wake(id: string): void;
  /** Answers every waiter with "not yet". */
  close(): void;
}

interface Waiting {
  readonly key: string;
  readonly resolves: Set<(ended: boolean) => void>;
}

const pollMs = 100;

/** One query per gateway and 100 ms over all ids waited for here, however many wait (architecture.md, Scale). */
export function createWaiters(context: Pick<GatewayContext, "store" | "metrics" | "log">): Waiters {
  const waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const schedule = (): void => {
    if (timer !== undefined || waiting.size === 0 || closed) return;
    timer = setTimeout(() => {
      void poll();
    }, pollMs);
  };

  async function poll(): Promise<void> {
    try {
      const refs = [...waiting].map(([id, { key }]) => ({ id, key }));
      for (const id of await context.store.terminalAmong(refs)) wake(id);
    } catch (error) {
      // The next poll asks again; a waiter's own time bounds how long it stays.
      context.log.warn({ err: error }, "waiters could not be looked up");
    } finally {
      timer = undefined;
      schedule();
    }
  }

  function wake(id: string): void {
    for (const resolve of waiting.get(id)?.resolves ?? []) resolve(true);
  }

  return {
    wake,
    wait({ key, id }, ms, signal) {
      if (closed || ms <= 0 || signal.aborted) return Promise.resolve(false);
      return new Promise<boolean>((resolve) => {
        const entry = waiting.get(id) ?? { key, resolves: new Set() };
        waiting.set(id, entry);
        const finish = (ended: boolean): void => {
          clearTimeout(timeout);
          signal.removeEventListener("abort", onAbort);
          entry.resolves.delete(finish);
          if (entry.resolves.size === 0 && waiting.get(id) === entry) waiting.delete(id);
          context.metrics.waiters.dec();
          resolve(ended);
        };
        const onAbort = (): void => {
          finish(false);
        };
        const timeout = setTimeout(() => {
          finish(false);
        }, ms);
        signal.addEventListener("abort", onAbort, { once: true });
        entry.resolves.add(finish);
        context.metrics.waiters.inc();
        schedule();
      });
    },
    close() {
      closed = true;
      clearTimeout(timer);
      for (const { resolves } of waiting.values()) for (const resolve of resolves) resolve(false);
    },
  };
}
