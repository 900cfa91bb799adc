import pg from "pg";
import { taskChannel } from "./queues.ts";

export interface QueueSignal {
  stop(): Promise<void>;
}

const againMs = 500;

/**
 * Hears from other gateways which queues have got tasks. It only shortens the polls: a connection may be half-open or
 * behind a pooler that drops notifications.
 */
export function listenToQueues(options: {
  connectionString: string;
  onTasks: (queueIds: readonly number[]) => void;
  onError: (error: unknown) => void;
}): QueueSignal {
  let stopped = false;
  let listening: pg.Client | undefined;
  void listen();
  return {
    async stop() {
      stopped = true;
      await listening?.end();
    },
  };

  async function listen(): Promise<void> {
    if (stopped) return;
    const client = new pg.Client({
      connectionString: options.connectionString,
      keepAlive: true,
      application_name: "nexus-mesh-tasks",
    });
    let over = false;
    const again = (error: unknown): void => {
      if (over || stopped) return;
      over = true;
      options.onError(error);
      // Whatever it answers to that: it is not used any more.
      void client.end().catch(() => undefined);
      setTimeout(() => void listen(), againMs).unref();
    };
    client.on("error", again);
    client.on("end", () => {
      again(new Error("the LISTEN connection for tasks ended"));
    });
    client.on("notification", ({ payload = "" }) => {
      options.onTasks(payload.split(",").map(Number));
    });
    try {
      await client.connect();
      await client.query(`listen ${taskChannel}`);
      listening = client;
      if (isStopped()) await client.end();
    } catch (error) {
      again(error);
    }
  }

  function isStopped(): boolean {
    return stopped;
  }
}
