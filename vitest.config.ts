import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "test/crash/**",
      "test/bench/**",
      // Rows and reports of their own: npm run test:conformance.
      "test/conformance/**",
      // Minutes of waiting for what froze or died: npm run test:faults.
      "test/faults/**",
      // Needs Temporal servers and Go: npm run test:interop.
      "test/interop/**",
      // The whole product, compiled or run several times over: steps of npm run verify.
      "test/demo/**",
      "test/api/planted-field.test.ts",
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
