import pg from "pg";
import { registryChannel } from "./write.ts";

export interface KeepFresh {
  stop(): Promise<void>;
}

/**
 * Calls `changed` when Postgres notifies, and `poll` every `pollMs`: NOTIFY is a hint that makes it quick, the poll is
 * the truth, for a connection may be half-open or behind a pooler that drops notifications.
 */
export function keepFresh(options: {
  connectionString: string;
  pollMs: number;
  changed: () => void;
  poll: () => Promise<void>;
  onError: (error: unknown) => void;
}): KeepFresh {
  const stopping = new AbortController();
  const stopped = (): boolean => stopping.signal.aborted;
  let listening: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> = Promise.resolve();

  void listen();
  schedule();
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await polling;
      await listening?.end();
    },
  };

  function schedule(): void {
    if (stopped()) return;
    timer = setTimeout(() => {
      // The next one is due after this one has ended: polls never overlap.
      polling = options.poll().catch(options.onError).finally(schedule);
    }, options.pollMs);
  }

  async function listen(): Promise<void> {
    if (stopped()) return;
    const client = new pg.Client({ connectionString: options.connectionString, keepAlive: true });
    let over = false;
    const again = (error: unknown): void => {
      if (over || stopped()) return;
      over = true;
      options.onError(error);
      void client.end().catch(() => undefined);
      setTimeout(() => void listen(), 500).unref();
    };
    client.on("error", again);
    client.on("end", () => {
      again(new Error("the LISTEN connection ended"));
    });
    client.on("notification", options.changed);
    try {
      await client.connect();
      await client.query(`listen ${registryChannel}`);
      listening = client;
      if (stopped()) await client.end();
      // What was notified while nobody listened.
      else options.changed();
    } catch (error) {
      again(error);
    }
  }
}
