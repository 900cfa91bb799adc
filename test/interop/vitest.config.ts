import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../..", import.meta.url));
const database = "test/harness/global-setup.ts";

/** One project for each implementation: `--project temporal` runs one of them. */
export default defineConfig({
  root,
  test: {
    teardownTimeout: 15_000,
    maxWorkers: 2,
    projects: [
      {
        root,
        test: {
          name: "go",
          include: ["test/interop/go/**/*.test.ts"],
          globalSetup: [database],
          testTimeout: 30_000,
          // Compiling the reference for the first time takes a minute or two.
          hookTimeout: 300_000,
        },
      },
      {
        root,
        test: {
          name: "temporal",
          include: ["test/interop/temporal/**/*.test.ts"],
          globalSetup: [database, "test/interop/temporal/global-setup.ts"],
          pool: "forks",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each waits most of its time for a server.
          maxConcurrency: 12,
        },
      },
    ],
  },
});
