import { killAllChildren } from "./child.ts";

const steps: (() => Promise<void>)[] = [];
let closed: Promise<void> | undefined;

/** Called in reverse order at the end, however the demo ends. */
export function onClose(step: () => Promise<void>): void {
  steps.push(step);
}

export function closeAll(): Promise<void> {
  closed ??= close();
  return closed;
}

async function close(): Promise<void> {
  for (const step of steps.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      process.exitCode = 1;
      console.error("   something did not close:", error);
    }
  }
  killAllChildren();
}
