import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { makeTemplate } from "../harness/global-setup.ts";
import { startPostgresServer } from "../harness/postgres-server.ts";
import { mutations, type Mutation } from "./mutations.ts";

/**
 * `npm run test:conformance` prints the report row by row; with `-- --mutate [id …]` each rule of the codecs is disabled in turn,
 * and a rule whose removal no row notices is an error.
 */
const atOnce = 2;
const [flag, ...only] = process.argv.slice(2);
process.exitCode = flag === "--mutate" ? await mutate() : await conform({});

async function mutate(): Promise<number> {
  const chosen = mutations.filter(({ id }) => only.length === 0 || only.includes(id));
  for (const mutation of chosen) await assertCurrent(mutation);
  const survivors: Mutation[] = [];
  const postgres = await startPostgresServer("18");
  await makeTemplate(postgres.url);
  const queue = [...chosen];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const noticed =
          (await conform({
            NEXUS_MESH_MUTATION: next.id,
            NEXUS_MESH_TEST_POSTGRES: postgres.url,
          })) !== 0;
        if (!noticed) survivors.push(next);
        print(`${noticed ? "noticed " : "SURVIVED"}  ${next.id.padEnd(26)} ${next.rule}`);
      }
    }),
  );
  await postgres.stop();
  print(`${chosen.length - survivors.length} of ${chosen.length} removed rules were noticed`);
  return survivors.length === 0 && chosen.length > 0 ? 0 : 1;
}

async function assertCurrent({ id, file, find }: Mutation): Promise<void> {
  const text = await readFile(new URL(`../../sdk/dist/protocol/${file}`, import.meta.url), "utf8");
  const found = text.split(find).length - 1;
  if (found !== 1)
    throw new Error(`mutation ${id}: its text stands ${found} times in ${file}, not once`);
}

/** The exit code of the suite; with a mutation it ends at the first row that fails. */
function conform(env: Record<string, string>): Promise<number> {
  const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
  const mutated = Object.keys(env).length > 0;
  return new Promise((resolve, reject) => {
    const child = spawn(
      "npx",
      [
        ...["vitest", "run", "--config", config, "--reporter=verbose", "test/conformance"],
        ...(mutated ? ["--bail=1"] : []),
      ],
      { stdio: mutated ? "ignore" : "inherit", env: { ...process.env, ...env } },
    );
    child.on("error", reject);
    child.on("exit", (code) => {
      resolve(code ?? 1);
    });
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
