import { everyPage, type Registration } from "./session.ts";
import { fields, table } from "./table.ts";

export function registerCallbacks({ program, session }: Registration): void {
  const callback = program
    .command("callback")
    .description("completions that could not be delivered at once");

  callback
    .command("list")
    .description("attached, failing and parked callbacks, newest first")
    .option("--state <state>", "waiting, due, delivered or parked")
    .action(async ({ state }: { state?: string }) => {
      const { admin, show } = await session();
      const items = await everyPage(async (cursor) => {
        const reply = await admin.callRaw("listCallbacks", {
          query: { state, cursor, limit: 200 },
        });
        return JSON.parse(reply.body.toString()) as Awaited<
          ReturnType<typeof admin.call<"listCallbacks">>
        >;
      }, 1_000);
      show(items, () =>
        table(
          ["ID", "STATE", "ATTEMPTS", "NEXT", "STATUS", "ERROR", "URL"],
          items.map((item) => [
            item.id,
            item.state,
            item.attempts,
            item.nextAttemptAt,
            item.lastStatus,
            item.lastError,
            item.url,
          ]),
        ),
      );
    });

  callback
    .command("get <id>")
    .description("one callback")
    .action(async (callbackId: string) => {
      const { admin, show } = await session();
      const found = await admin.call("getCallback", { path: { callbackId } });
      show(found, () => fields(Object.entries(found)));
    });

  callback
    .command("redeliver <id>")
    .description("deliver it now; the receiver deduplicates by completion id")
    .action(async (callbackId: string) => {
      const { admin, show } = await session();
      await admin.call("redeliverCallback", { path: { callbackId } });
      show(undefined, () => `callback ${callbackId} is due now\n`);
    });
}
