import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { mutations } from "./mutations.ts";

/** With NEXUS_MESH_MUTATION one rule of the built codecs is out, for everything that imports them. */
const mutation = mutations.find(({ id }) => id === process.env["NEXUS_MESH_MUTATION"]);

export default defineConfig({
  plugins: [
    {
      name: "mutate-codec",
      enforce: "pre",
      load(id) {
        if (mutation === undefined || !id.includes("/sdk/dist/protocol/")) return null;
        if (basename(id) !== mutation.file) return null;
        return readFileSync(id, "utf8").replace(mutation.find, () => mutation.replace);
      },
    },
  ],
  test: {
    include: ["test/conformance/**/*.test.ts"],
    globalSetup: ["test/harness/global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
  },
});
