import type { GatewayContext } from "../gateway-context.ts";

/** `early`: another report of the operation was written within the last second, perhaps by another gateway. */
type Written = "written" | "early" | "gone";
type Write = (progress: Buffer) => Promise<Written>;

export interface ProgressReports {
  /** Writes it now, or the newest of those that came meanwhile when a second is over. `gone`: there is nothing to report on. */
  report(operationId: string, progress: Buffer, write: Write): Promise<Written>;
  /** Writes what waits. */
  flush(): Promise<void>;
}

const intervalMs = 1_000;

interface Entry {
  latest: { progress: Buffer; write: Write } | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** At most one write per operation and second, however often it is reported. */
export function createProgressReports(context: Pick<GatewayContext, "log">): ProgressReports {
  const entries = new Map<string, Entry>();
  const writing = new Set<Promise<void>>();

  function arm(id: string, entry: Entry): void {
    entry.timer = setTimeout(() => {
      next(id, entry);
    }, intervalMs);
  }

  function next(id: string, entry: Entry): void {
    const { latest } = entry;
    if (latest === undefined) {
      entries.delete(id);
      return;
    }
    entry.latest = undefined;
    arm(id, entry);
    const work = latest
      .write(latest.progress)
      .then(
        (written) => {
          if (written === "early") entry.latest ??= latest;
          // The next report hears of it at once.
          if (written === "gone") forget(id, entry);
        },
        (error: unknown) => {
          context.log.warn({ err: error, operationId: id }, "progress could not be written");
        },
      )
      .finally(() => writing.delete(work));
    writing.add(work);
  }

  function forget(id: string, entry: Entry): void {
    clearTimeout(entry.timer);
    entries.delete(id);
  }

  function waits(): boolean {
    return [...entries.values()].some(({ latest }) => latest !== undefined);
  }

  return {
    async report(id, progress, write) {
      const known = entries.get(id);
      if (known !== undefined) {
        known.latest = { progress, write };
        return "early";
      }
      const entry: Entry = { latest: undefined, timer: undefined };
      entries.set(id, entry);
      arm(id, entry);
      const written = await write(progress);
      if (written === "early") entry.latest ??= { progress, write };
      if (written === "gone") forget(id, entry);
      return written;
    },

    async flush() {
      // Twice, since another gateway may have written within the second; then it is that one's affair.
      for (let round = 0; round < 2 && waits(); round += 1)
        await new Promise((resolve) => setTimeout(resolve, intervalMs));
      await Promise.all(writing);
      for (const { timer } of entries.values()) clearTimeout(timer);
      entries.clear();
    },
  };
}
