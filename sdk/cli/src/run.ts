import { AdminError, ConnectionFailed, InvalidRequest } from "@nexus-mesh/sdk/admin";
import { Command, CommanderError } from "commander";
import { registerCallbacks } from "./callback-commands.ts";
import { registerContexts } from "./context-commands.ts";
import { NoContext } from "./contexts.ts";
import { registerEndpoints } from "./endpoint-commands.ts";
import { exitCodeOfStatus, exitCodes } from "./exit-code.ts";
import { registerMesh, StepRefused } from "./mesh-commands.ts";
import { registerNamespaces } from "./namespace-commands.ts";
import { registerOperations } from "./operation-commands.ts";
import { registerQueues } from "./queue-commands.ts";
import { InputUnreadable } from "./read-input.ts";
import { openSession, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { registerTokens } from "./token-commands.ts";

export type { Terminal };

/** Runs one command line and returns its exit code; never throws, never ends the process. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCodes.ok.code;
  const program = new Command("nexus-mesh")
    .description("Endpoints, grants, tokens and operations of a Nexus Mesh gateway")
    .option("--context <name>", "saved context to use instead of the current one")
    .option("--json", "print the API's JSON, for scripts")
    .exitOverride()
    .configureOutput({ writeOut: terminal.stdout, writeErr: terminal.stderr })
    .showHelpAfterError("(--help shows what there is)");
  const registration = {
    program,
    terminal,
    session: () => openSession(program.opts<GlobalOptions>(), terminal),
    exit: (to: number) => {
      code = to;
    },
  };
  for (const register of [
    registerContexts,
    registerNamespaces,
    registerTokens,
    registerEndpoints,
    registerMesh,
    registerOperations,
    registerCallbacks,
    registerQueues,
  ]) {
    register(registration);
  }
  inherit(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    return report(error, terminal);
  }
}

/** Settings of the program hold for each of its commands. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

function report(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  if (error instanceof AdminError) {
    terminal.stderr(`error: ${error.message}\n`);
    for (const { pointer, detail } of error.errors) terminal.stderr(`  ${pointer}: ${detail}\n`);
    const hint = error.problem?.hint;
    if (hint !== undefined) terminal.stderr(`hint: ${hint}\n`);
    return exitCodeOfStatus(error.status);
  }
  if (error instanceof StepRefused) {
    const { hint, status } = error.refusal;
    terminal.stderr(`error: ${error.message}\n${hint === undefined ? "" : `hint: ${hint}\n`}`);
    return exitCodeOfStatus(status);
  }
  if (error instanceof ConnectionFailed) {
    terminal.stderr(
      `error: the gateway can't be reached: ${error.message}\nhint: nexus-mesh context show says where it is looked for\n`,
    );
    return exitCodes.unavailable.code;
  }
  if (
    error instanceof NoContext ||
    error instanceof InputUnreadable ||
    error instanceof InvalidRequest
  ) {
    terminal.stderr(`error: ${error.message}\n`);
    return exitCodes.usage.code;
  }
  terminal.stderr(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  return exitCodes.failure.code;
}
