import { closeAll } from "./closing.ts";
import { playScenes } from "./scenes.ts";
import { BrokenPromise } from "./narrate.ts";
import { setTheStage } from "./stage.ts";

/** `npm run demo`. Exits 0 only if every step held; leaves nothing behind, also when it is interrupted. */
const began = Date.now();

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void closeAll().finally(() => process.exit(1));
  });
}

try {
  await playScenes(await setTheStage({ grant: process.env["DEMO_BREAK"] !== "grant" }));
  console.log(`\nEvery step held, in ${((Date.now() - began) / 1_000).toFixed(0)} s.`);
} catch (error) {
  process.exitCode = 1;
  const text = error instanceof Error ? error.message : String(error);
  console.error(
    error instanceof BrokenPromise ? `   ✗ ${text}: this did not hold.` : `   ✗ ${text}`,
  );
} finally {
  await closeAll();
}
