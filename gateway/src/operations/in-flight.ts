/** Counts calls, for a drain to wait for the last of them: they are many and short, so no promise is kept for each. */
export interface InFlight {
  enter(): void;
  leave(): void;
  readonly count: number;
  /** Resolves once nothing is in flight. */
  none(): Promise<void>;
}

export function createInFlight(): InFlight {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    enter() {
      count += 1;
    },
    leave() {
      count -= 1;
      if (count > 0) return;
      const resolved = waiting;
      waiting = [];
      for (const resolve of resolved) resolve();
    },
    get count() {
      return count;
    },
    none() {
      return new Promise((resolve) => {
        if (count === 0) resolve();
        else waiting.push(resolve);
      });
    },
  };
}
