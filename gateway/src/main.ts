import { SchemaTooNew, SchemaTooOld } from "@nexus-mesh/registry/migrate";
import { Command, InvalidArgumentError, Option } from "commander";
import { bootstrap } from "./commands/bootstrap.ts";
import { ConfigurationError, configurationExitCode } from "./commands/configuration-error.ts";
import { migrateDatabase } from "./commands/migrate.ts";
import { reseal } from "./commands/reseal.ts";
import {
  requireDatabaseUrl,
  requireMasterKeys,
  requireSettings,
  type Environment,
  type ServeFlags,
} from "./commands/resolve-options.ts";
import { serve } from "./commands/serve.ts";
import { SealBroken } from "./identity/seal.ts";

/** The command `nexus-mesh-gateway`. Exit codes: 0 done, 1 failed, 78 something must be set first. */
export async function main(argv: readonly string[], environment: Environment = process.env) {
  try {
    await program(environment).parseAsync(argv);
  } catch (error) {
    process.stderr.write(`nexus-mesh-gateway: ${explain(error)}\n`);
    process.exitCode =
      error instanceof ConfigurationError ||
      error instanceof SealBroken ||
      error instanceof SchemaTooOld ||
      error instanceof SchemaTooNew
        ? configurationExitCode
        : 1;
  }
}

function program(environment: Environment): Command {
  const command = new Command("nexus-mesh-gateway")
    .description("The gateway of a Nexus Mesh")
    .showHelpAfterError("(--help shows what there is)");

  command
    .command("serve")
    .description("run a gateway")
    .option("--dev", "try it on this machine: embedded Postgres, own master key, loopback only")
    .option("--data-dir <dir>", "where --dev keeps its data (default: .nexus-mesh)")
    .option("--public-url <url>", "what callers and handlers reach this mesh at")
    .option("--host <address>", "where to listen (default: 127.0.0.1)")
    .option("--port <port>", "(default: 7400)", port)
    .option("--ops-host <address>", "listener of readiness and metrics (default: 127.0.0.1)")
    .option("--ops-port <port>", "(default: the port after --port)", port)
    .option("--insecure", "listen in plain http for other machines")
    .option("--trusted-proxy <cidr...>", "the proxies that end TLS in front of this gateway")
    .option("--max-payload <bytes>", "largest body (default: 2 MiB)", positive)
    .option("--pool-size <n>", "database connections (default: 8)", positive)
    .option("--retention-days <n>", "how long ended operations are kept (default: 30)", positive)
    .option("--allow-unsafe-database", "run although Postgres may forget commits")
    .addOption(
      new Option("--log-level <level>").choices(["debug", "info", "warn", "error", "silent"]),
    )
    .action((flags: ServeFlags) => serve(flags, environment));

  command
    .command("migrate")
    .description("bring the database's schema up to date")
    .action(async () => {
      const done = await migrateDatabase(requireDatabaseUrl(environment));
      process.stdout.write(`${done}
`);
    });

  command
    .command("bootstrap")
    .description("print the first admin token of this mesh")
    .option("--public-url <url>", "as given to serve")
    .option("--force", "although there is one already")
    .action(async (flags: { publicUrl?: string; force?: boolean }) => {
      const settings = requireSettings(flags, environment);
      const token = await bootstrap({ ...settings, force: flags.force === true });
      process.stdout.write(`${token}\n`);
    });

  command
    .command("reseal")
    .description('seal all secrets with the first key of NEXUS_MESH_MASTER_KEY="new,old"')
    .action(async () => {
      const count = await reseal({
        databaseUrl: requireDatabaseUrl(environment),
        masterKeys: requireMasterKeys(environment),
      });
      process.stdout.write(
        `${count} sealed anew. Nothing needs the old master key any more: start all gateways with the new one alone.\n`,
      );
    });

  return command;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (code === "EADDRINUSE") {
    const taken = "port" in error ? `port ${String(error.port)}` : "the port";
    return `${taken} is taken by another program: stop that, or choose another with --port (and --ops-port)`;
  }
  if (code === "ECONNREFUSED" || code === "ENOTFOUND")
    return `the database at DATABASE_URL can't be reached (${code})`;
  return error.message === "" ? code : error.message;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535)
    throw new InvalidArgumentError("a port is a number up to 65535.");
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d{1,12}$/.test(text) || value === 0)
    throw new InvalidArgumentError("it takes a positive whole number.");
  return value;
}
