import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "test/crash/**",
      "test/bench/**",
      // Needs Temporal servers and Go: npm run test:interop.
      "test/interop/**",
      "**/node_modules/**",
      "**/dist/**",
    ],
    globalSetup: ["test/harness/global-setup.ts"],
    pool: "forks",
    // Every test file has its own database and gateways; two at a time fill the two cores we promise to fit in.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
    reporters: ["default"],
  },
});
