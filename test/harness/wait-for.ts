import { setTimeout as delay } from "node:timers/promises";

/**
 * Polls until the probe answers something other than undefined or false. `what` ends up in the failure, so that a
 * test that waits in vain says for what.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { ms = 10_000, every = 20 }: { ms?: number; every?: number } = {},
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await delay(every);
  }
}
