import { createHash } from "node:crypto";
import type { AdminReply } from "@nexus-mesh/sdk/admin";
import { InvalidArgumentError } from "commander";
import { durationArgument } from "./duration-argument.ts";
import { exitCodes } from "./exit-code.ts";
import { InputUnreadable, readInput } from "./read-input.ts";
import { everyPage, whatIsThere, type Registration } from "./session.ts";
import { fields, table } from "./table.ts";

interface PutOptions {
  readonly target?: string;
  readonly queue?: string;
  readonly owner?: string;
  readonly description?: string;
  readonly scheduleToClose?: number | "none";
  readonly inlineWait?: number;
  readonly maxAttempts?: number | "none";
  readonly dedupeWindow?: number;
  readonly durable?: boolean;
}

export function registerEndpoints({ program, session, terminal, exit }: Registration): void {
  const endpoint = program
    .command("endpoint")
    .description("names under which operations can be called");

  endpoint
    .command("list")
    .description("every endpoint you may see")
    .option("--owner <namespace>", "only those of one namespace")
    .action(async ({ owner }: { owner?: string }) => {
      const { admin, show } = await session();
      const items = await everyPage(
        (cursor) =>
          admin.call("listEndpoints", {
            query: {
              limit: 200,
              ...(owner === undefined ? {} : { owner }),
              ...(cursor === undefined ? {} : { cursor }),
            },
          }),
        10_000,
      );
      show(items, () =>
        table(
          ["NAME", "OWNER", "TARGET", "VERSION", "UPDATED"],
          items.map((item) => [
            item.name,
            item.owner,
            targetText(item.target),
            item.version,
            item.updatedAt,
          ]),
        ),
      );
    });

  endpoint
    .command("get <name>")
    .description("one endpoint")
    .action(async (name: string) => {
      const { admin, show } = await session();
      const found = await admin.call("getEndpoint", { path: { endpoint: name } });
      show(found, () =>
        fields([
          ["name", found.name],
          ["owner", found.owner],
          ["target", targetText(found.target)],
          ["schedule-to-close", found.policy.scheduleToClose],
          ["inline wait", found.policy.inlineWait],
          ["max attempts", found.policy.maxAttempts ?? "no cap"],
          ["dedupe window", found.policy.dedupeWindow],
          ["durable", found.policy.durable],
          ["version", found.version],
          ["description", found.description],
        ]),
      );
    });

  endpoint
    .command("put <name>")
    .description("create an endpoint or change it; what is not given keeps its value")
    .option("--target <url>", "where the handler's Nexus operations lie")
    .option("--queue <name>", "instead: the queue that the owner's workers poll")
    .option("--owner <namespace>", "the team that serves it; default: the namespace of the token")
    .option("--description <text>", 'Markdown; @file reads one, - stdin, "" clears it')
    .option(
      "--schedule-to-close <duration>",
      "default deadline of an operation, or none",
      (text) => (text === "none" ? "none" : durationArgument(text)),
    )
    .option(
      "--inline-wait <duration>",
      "how long a durable start waits for a quick answer",
      durationArgument,
    )
    .option("--max-attempts <n>", "park an operation after so many attempts, or none", (text) =>
      text === "none" ? "none" : wholeNumber(text),
    )
    .option(
      "--dedupe-window <duration>",
      "how long a request id is remembered after the end",
      durationArgument,
    )
    .option("--durable", "make every start durable")
    .option("--no-durable", "leave it to each caller")
    .action(async (name: string, options: PutOptions) => {
      const target = targetOf(options);
      const { admin, show } = await session();
      const current = await whatIsThere(admin.call("getEndpoint", { path: { endpoint: name } }));
      const policy = policyOf(options);
      const put = await admin.call("putEndpoint", {
        path: { endpoint: name },
        // Always against the version that was read: two people never overwrite each other unseen.
        headers:
          current === undefined ? { "if-none-match": "*" } : { "if-match": `"${current.version}"` },
        body: {
          ...(current === undefined
            ? {}
            : { description: current.description, owner: current.owner }),
          target,
          ...(options.owner === undefined ? {} : { owner: options.owner }),
          ...(options.description === undefined
            ? {}
            : { description: (await readInput(options.description, terminal)).toString() }),
          policy: { ...current?.policy, ...policy },
        },
      });
      show(
        put,
        () =>
          `endpoint ${put.name} (owner ${put.owner}) has version ${put.version}; its target is ${targetText(put.target)}\n`,
      );
    });

  endpoint
    .command("delete <name>")
    .description(
      "delete an endpoint on which nothing runs (takes 2 s: older snapshots must go first)",
    )
    .action(async (name: string) => {
      const { admin, show } = await session();
      await admin.call("deleteEndpoint", { path: { endpoint: name } });
      show(undefined, () => `endpoint ${name} is deleted\n`);
    });

  registerGrants({ program, session, terminal, exit });

  program
    .command("can-i <endpoint> <service> <operation>")
    .description("whether a call would be allowed; exit code 6 if not")
    .option("--as <namespace>", "the calling namespace; default: that of the context")
    .action(async (name: string, service: string, operation: string, { as }: { as?: string }) => {
      const { admin, context, show } = await session();
      const caller = as ?? context.namespace ?? (await admin.call("whoami", {})).namespace ?? "";
      const check = await admin.call("checkAccess", {
        body: { caller, endpoint: name, service, operation },
      });
      show(check, () =>
        check.allowed
          ? `yes: ${check.rule ?? ""}\n`
          : `no\n${check.hint === null ? "" : `hint: ${check.hint}\n`}`,
      );
      if (!check.allowed) exit(exitCodes.notAllowed.code);
    });
}

function registerGrants({ program, session }: Registration): void {
  const grant = program.command("grant").description("who may start what on an endpoint");

  grant
    .command("list <endpoint>")
    .description("the grants of an endpoint")
    .action(async (endpoint: string) => {
      const { admin, show } = await session();
      const items = await everyPage(
        (cursor) =>
          admin.call("listGrants", {
            path: { endpoint },
            query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) },
          }),
        10_000,
      );
      show(items, () =>
        table(
          ["ID", "CALLER", "SERVICE", "OPERATION", "CREATED"],
          items.map((item) => [item.id, item.caller, item.service, item.operation, item.createdAt]),
        ),
      );
    });

  grant
    .command("put <endpoint>")
    .description("allow a namespace to start operations; patterns with *")
    .requiredOption("--caller <pattern>", "namespace of the caller")
    .option("--service <pattern>", "service", "*")
    .option("--operation <pattern>", "operation", "*")
    .option("--id <id>", "name of the grant; default: made from the caller, service and operation")
    .action(
      async (
        endpoint: string,
        options: { caller: string; service: string; operation: string; id?: string },
      ) => {
        const { admin, show } = await session();
        const parts = [options.caller, options.service, options.operation].map((part) =>
          part.replaceAll("*", "any"),
        );
        const { caller, service, operation } = options;
        // The readable part alone may be another grant's: "a/b" and "a-b" look the same.
        const mark = createHash("sha256").update(JSON.stringify([caller, service, operation]));
        const readable = parts
          .join(".")
          .replace(/[^A-Za-z0-9._-]/g, "-")
          .replace(/^[^A-Za-z0-9]+/, "");
        const id = options.id ?? `${readable.slice(0, 80)}-${mark.digest("hex").slice(0, 8)}`;
        const put = await admin.call("putGrant", {
          path: { endpoint, grant: id },
          body: { caller, service, operation },
        });
        show(
          put,
          () =>
            `${put.caller} may start ${put.service}/${put.operation} on ${put.endpoint} (grant ${put.id})\n`,
        );
      },
    );

  grant
    .command("delete <endpoint> <id>")
    .description("stop new starts; what runs goes on")
    .action(async (endpoint: string, id: string) => {
      const { admin, show } = await session();
      await admin.call("deleteGrant", { path: { endpoint, grant: id } });
      show(undefined, () => `grant ${id} is deleted\n`);
    });
}

function targetOf({ target, queue }: PutOptions): AdminReply<"getEndpoint">["target"] {
  if (target !== undefined && queue === undefined) return { kind: "http", url: target };
  if (queue !== undefined && target === undefined) return { kind: "queue", queue };
  throw new InputUnreadable("say where calls go: either --target or --queue");
}

function targetText({ url, queue }: AdminReply<"getEndpoint">["target"]): string {
  return url ?? `queue ${queue ?? ""}`;
}

function policyOf(options: PutOptions) {
  const { scheduleToClose, inlineWait, maxAttempts, dedupeWindow, durable } = options;
  return {
    ...(scheduleToClose === undefined
      ? {}
      : { scheduleToClose: scheduleToClose === "none" ? "none" : `${scheduleToClose}ms` }),
    ...(inlineWait === undefined ? {} : { inlineWait: `${inlineWait}ms` }),
    ...(maxAttempts === undefined
      ? {}
      : { maxAttempts: maxAttempts === "none" ? null : maxAttempts }),
    ...(dedupeWindow === undefined ? {} : { dedupeWindow: `${dedupeWindow}ms` }),
    ...(durable === undefined ? {} : { durable }),
  };
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError("write a whole number from 1 on, or none");
  return Number(text);
}
