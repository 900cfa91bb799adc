import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** What compiles or runs the whole product several times over: a step of `npm run verify`. */
export default defineConfig({
  test: {
    include: ["test/demo/**/*.test.ts", "test/api/planted-field.test.ts"],
    globalSetup: [fileURLToPath(new URL("../harness/global-setup.ts", import.meta.url))],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
  },
});
