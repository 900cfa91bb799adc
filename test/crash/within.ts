/** Whether the probe came true in time. */
export async function within(
  ms: number,
  probe: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    if (await probe()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
