import type { Command } from "commander";
import { durationArgument } from "./duration-argument.ts";
import { exitCodeOfState, exitCodes } from "./exit-code.ts";
import { followOperation } from "./follow-operation.ts";
import type { GlobalOptions, Registration } from "./session.ts";

const dayMs = 86_400_000;

/** `operation watch`: below the commands of operations. */
export function registerWatch(operation: Command, registration: Registration): void {
  const { program, session, terminal, exit } = registration;
  operation
    .command("watch <id>")
    .description(
      "what happens to it until it ends; the exit code tells how, as of result. Ctrl-C leaves it running",
    )
    .option("--wait-timeout <duration>", "give up watching after this", durationArgument, dayMs)
    .action(async (operationId: string, { waitTimeout }: { waitTimeout: number }) => {
      const inPlace = terminal.progressInPlace && terminal.outputOnTerminal;
      const json = program.opts<GlobalOptions>().json === true;
      const followed = await followOperation(await session(), operationId, {
        timeoutMs: waitTimeout,
        print: terminal.stdout,
        show: json ? "json" : inPlace ? "live" : "lines",
      });
      if (followed.type === "outcome") {
        exit(exitCodeOfState(followed.state));
        return;
      }
      if (followed.ended) {
        terminal.stderr(`operation ${operationId} ended: ${followed.state}\n`);
        exit(exitCodeOfState(followed.state));
        return;
      }
      const how = followed.type === "timeout" ? "is still" : "goes on, it is";
      terminal.stderr(
        `operation ${operationId} ${how} ${followed.state}; nexus-mesh operation watch ${operationId} watches again\n`,
      );
      exit(exitCodes.stillRunning.code);
    });
}
