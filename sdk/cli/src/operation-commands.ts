import type { AdminReply } from "@nexus-mesh/sdk/admin";
import { InvalidArgumentError } from "commander";
import { durationArgument } from "./duration-argument.ts";
import { readInput } from "./read-input.ts";
import { everyPage, type Registration } from "./session.ts";
import { fields, table, type Cell } from "./table.ts";
import { showResult, waitForResult } from "./wait-for-result.ts";
import { registerWatch } from "./watch-command.ts";

interface StartOptions {
  readonly input: string;
  readonly contentType: string;
  readonly requestId?: string;
  readonly timeout?: number;
  readonly callback?: string;
  readonly wait?: boolean;
  readonly waitTimeout: number;
}

interface ListOptions {
  readonly view: "made" | "served";
  readonly state?: string[];
  readonly endpoint?: string;
  readonly service?: string;
  readonly operation?: string;
  readonly caller?: string;
  readonly after?: string;
  readonly before?: string;
  readonly limit: number;
}

const dayMs = 86_400_000;

export function registerOperations(registration: Registration): void {
  const { program, session, terminal, exit } = registration;
  const operation = program
    .command("operation")
    .description("durable operations; synchronous pass-through calls are in the metrics, not here");

  operation
    .command("start <endpoint> <service> <operation>")
    .description("start a durable operation; its id is printed, or with --wait its result")
    .option("--input <json>", "the input: text, @file, or - for stdin", "")
    .option("--content-type <type>", "of the input", "application/json")
    .option("--request-id <id>", "a repeat with the same id attaches to the first")
    .option("--timeout <duration>", "schedule-to-close", durationArgument)
    .option("--callback <url>", "where the completion is delivered")
    .option("--wait", "wait for the end and print the result")
    .option("--wait-timeout <duration>", "give up waiting after this", durationArgument, dayMs)
    .action(async (endpoint: string, service: string, name: string, options: StartOptions) => {
      const opened = await session();
      const body = await readInput(options.input, terminal);
      const reply = await opened.admin.callRaw("startOperation", {
        path: { endpoint, service, operation: name },
        query: { callback: options.callback },
        headers: {
          "content-type": body.length === 0 ? undefined : options.contentType,
          "nexus-request-id": options.requestId,
          "operation-timeout": options.timeout === undefined ? undefined : `${options.timeout}ms`,
        },
        body,
      });
      const started = JSON.parse(reply.body.toString()) as AdminReply<"startOperation">;
      if (options.wait !== true) {
        opened.show(started, () => `${started.id}\n`);
        return;
      }
      terminal.stderr(
        `operation ${started.id}${started.created ? "" : " (started before with this request id)"}\n`,
      );
      exit(await waitForResult(opened, started.id, options.waitTimeout));
    });

  operation
    .command("get <id>")
    .description("one operation")
    .action(async (operationId: string) => {
      const { admin, show } = await session();
      const found = await admin.call("getOperation", { path: { operationId } });
      show(found, () =>
        fields(Object.entries(found).map(([name, value]) => [name, cellOf(value)] as const)),
      );
    });

  operation
    .command("result <id>")
    .description(
      "the result as it came; exit codes 3 and 4 tell how it failed, 5 that it has not ended",
    )
    .option("--wait", "wait for the end")
    .option("--wait-timeout <duration>", "give up waiting after this", durationArgument, dayMs)
    .action(async (operationId: string, options: { wait?: boolean; waitTimeout: number }) => {
      const opened = await session();
      if (options.wait === true) {
        exit(await waitForResult(opened, operationId, options.waitTimeout));
        return;
      }
      const reply = await opened.admin.callRaw("getOperationResult", { path: { operationId } });
      exit(await showResult(opened, operationId, reply));
    });

  registerWatch(operation, registration);

  operation
    .command("list")
    .description("newest first")
    .option(
      "--view <view>",
      "made (by your namespace) or served (by its endpoints)",
      oneOf("made", "served"),
      "made",
    )
    .option("--state <state...>", "only in these states")
    .option("--endpoint <name>")
    .option("--service <name>")
    .option("--operation <name>")
    .option("--caller <namespace>")
    .option("--after <time>", "RFC 3339")
    .option("--before <time>", "RFC 3339")
    .option("--limit <n>", "at most so many", wholeNumber, 50)
    .action(async ({ limit, state, ...filter }: ListOptions) => {
      const { admin, show } = await session();
      const items = await everyPage<AdminReply<"getOperation">>(async (cursor) => {
        const reply = await admin.callRaw("listOperations", {
          query: { ...filter, state: state?.join(","), limit: Math.min(limit, 200), cursor },
        });
        return JSON.parse(reply.body.toString()) as AdminReply<"listOperations">;
      }, limit);
      show(items, () =>
        table(
          ["ID", "STATE", "ENDPOINT", "OPERATION", "CALLER", "ATTEMPTS", "CREATED", "CLOSED"],
          items.map((item) => [
            item.id,
            item.state,
            item.endpoint,
            `${item.service}/${item.operation}`,
            item.caller,
            item.attempts,
            item.createdAt,
            item.closedAt,
          ]),
        ),
      );
    });

  operation
    .command("attempts <id>")
    .description("every recorded try at a start, a cancel or a callback")
    .action(async (operationId: string) => {
      const { admin, show } = await session();
      const { items } = await admin.call("listAttempts", { path: { operationId } });
      show(items, () =>
        table(
          ["KIND", "N", "AT", "MS", "STATUS", "ERROR"],
          items.map((item) => [
            item.kind,
            item.n,
            item.at,
            item.durationMs,
            item.status,
            item.error,
          ]),
        ),
      );
    });

  operation
    .command("cancel <id>")
    .description("ask the handler to cancel; the operation may still succeed")
    .action(async (operationId: string) => {
      const { admin, show } = await session();
      await admin.call("cancelOperation", { path: { operationId } });
      show(undefined, () => `cancel of ${operationId} is recorded\n`);
    });

  operation
    .command("terminate <id>")
    .description("end it now, whatever its handler does")
    .option("--reason <text>", "shown to the caller", "")
    .action(async (operationId: string, { reason }: { reason: string }) => {
      const { admin, show } = await session();
      const ended = await admin.call("terminateOperation", {
        path: { operationId },
        body: { reason },
      });
      show(ended, () => `operation ${operationId} is terminated\n`);
    });

  operation
    .command("redrive <id>")
    .description("try a parked one again now; start an ended one anew, as a new operation")
    .action(async (operationId: string) => {
      const { admin, show } = await session();
      const redriven = await admin.call("redriveOperation", { path: { operationId } });
      show(redriven, () => `${redriven.id}\n`);
    });
}

function cellOf(value: AdminReply<"getOperation">[keyof AdminReply<"getOperation">]): Cell {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

function oneOf(...values: string[]): (text: string) => string {
  return (text) => {
    if (!values.includes(text)) throw new InvalidArgumentError(`write ${values.join(" or ")}`);
    return text;
  };
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new InvalidArgumentError("write a whole number from 1 on");
  return Number(text);
}
