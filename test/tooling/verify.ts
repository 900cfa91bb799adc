import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

/**
 * Everything that must hold before a commit. Goes on after a failure, so that one run shows all of them; prints the
 * slowest steps, because a check that got slow is a check that people skip.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const skipped = new Set(
  process.argv.flatMap((argument) =>
    argument.startsWith("--skip=") ? argument.slice("--skip=".length).split(",") : [],
  ),
);

const steps: { name: string; command: string[]; cwd?: string }[] = [
  { name: "typecheck", command: ["npx", "tsc", "-b"] },
  { name: "lint", command: ["npx", "eslint", ".", "--max-warnings=0"] },
  { name: "format", command: ["npx", "prettier", "--check", "--log-level=warn", "."] },
  { name: "knip", command: ["npx", "knip"] },
  { name: "openapi-fresh", command: ["npx", "tsx", "openapi/generate.ts", "--check"] },
  { name: "openapi-lint", command: ["npx", "redocly", "lint", "openapi/openapi.json"] },
  { name: "publint", command: ["npx", "publint", "--strict", "sdk"] },
  { name: "attw", command: ["npx", "attw", "--pack", "sdk", "--profile", "esm-only"] },
  { name: "tests", command: ["npx", "vitest", "run"] },
  {
    name: "demo and planted faults",
    command: ["npx", "vitest", "run", "--config", "test/tooling/vitest.config.ts"],
  },
  { name: "conformance", command: ["npm", "run", "test:conformance"] },
  { name: "faults", command: ["npm", "run", "test:faults"] },
];

const results: { name: string; seconds: number; ok: boolean }[] = [];
for (const step of steps) {
  if (skipped.has(step.name)) continue;
  process.stdout.write(`\n— ${step.name}: ${step.command.join(" ")}\n`);
  const began = performance.now();
  const ok = (await run(step.command)) === 0;
  results.push({ name: step.name, seconds: (performance.now() - began) / 1_000, ok });
}

const slowest = results.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5);
process.stdout.write(`\nSlowest of ${results.length} steps on ${cpus().length} cores:\n`);
for (const { name, seconds } of slowest) {
  process.stdout.write(`  ${seconds.toFixed(1).padStart(6)} s  ${name}\n`);
}
const failed = results.filter((result) => !result.ok).map((result) => result.name);
process.stdout.write(
  failed.length === 0 ? "\nEverything holds.\n" : `\nFailed: ${failed.join(", ")}.\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

function run([command = "", ...args]: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
