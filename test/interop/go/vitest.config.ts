import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/interop/go/**/*.test.ts"],
    globalSetup: [fileURLToPath(new URL("../../harness/global-setup.ts", import.meta.url))],
    testTimeout: 30_000,
    // Compiling the reference for the first time takes a minute or two.
    hookTimeout: 300_000,
    teardownTimeout: 15_000,
  },
});
