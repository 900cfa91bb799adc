/** Time and randomness arrive as arguments, so that tests own them. */
export interface Clock {
  /** Wall time in ms, corrected to database time by the measured offset: ids, tokens, signatures. */
  now(): number;
  /** Monotonic ms: leases and timeouts. */
  monotonic(): number;
  /** In [0, 1): jitter. */
  random(): number;
}

export interface AdjustableClock extends Clock {
  /** Database time minus process time, in ms. */
  setOffset(ms: number): void;
  offset(): number;
}

export function systemClock(): AdjustableClock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now(),
    random: Math.random,
    setOffset: (ms) => {
      offset = ms;
    },
    offset: () => offset,
  };
}
